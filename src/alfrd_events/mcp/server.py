"""The server: its tools, and what becomes of errors."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from alfrd_events import __version__
from alfrd_events.db.database import Database
from alfrd_events.errors import AlfrdError
from alfrd_events.escape import visible
from alfrd_events.mcp.answers import STRANGERS
from alfrd_events.mcp.changing import Changing
from alfrd_events.mcp.looking import Looking, Tool

LOOKING: Mapping[str, str] = {"transaction_read_only": "on", "statement_timeout": "30s"}
"""Parameters of the transactions in which an assistant looks: the server refuses to write in them."""
CHANGING: Mapping[str, str] = {"statement_timeout": "30s"}

_INSTRUCTIONS = (
    "A household's or an office's documents: bills, statements, receipts and letters, read, classified and filed into "
    "series. Name documents by their file name and series by their name, as the tools give them. " + STRANGERS
)
_LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_CHANGES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)


def build_server(looking: Database, changing: Database | None = None) -> MCPServer[Any]:
    """Build the server.

    :param looking: with the parameters of :data:`LOOKING`.
    :param changing: where it may write; ``None``: nowhere, and there are no tools for it.
    """
    server: MCPServer[Any] = MCPServer(
        "alfrd-events", instructions=_INSTRUCTIONS, version=__version__, log_level="WARNING"
    )
    for tool in Looking(looking).tools:
        server.add_tool(_telling(tool), annotations=_LOOKS, structured_output=False)
    for tool in Changing(changing).tools if changing else ():
        server.add_tool(_telling(tool), annotations=_CHANGES, structured_output=False)
    return server


def _telling(tool: Tool) -> Tool:
    """The same tool; what this program refuses is told to the assistant in words, so that it can do better."""

    @functools.wraps(tool)
    async def told(*arguments: Any, **named: Any) -> str:
        try:
            return await tool(*arguments, **named)
        except AlfrdError as error:
            raise ToolError(visible(str(error))) from error

    return told
