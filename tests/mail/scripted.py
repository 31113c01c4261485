"""An IMAP server that says what Dovecot never would: the rare things that the standard allows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

GREETING = b"* OK [CAPABILITY IMAP4rev1 IDLE] at your service\r\n"
SELECTED = (
    "* 1 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)\r\n* OK [PERMANENTFLAGS (\\Seen \\*)] yes\r\n"
    "* OK [UIDVALIDITY 7] yes\r\n* OK [UIDNEXT 2] yes\r\n"
)


class Scripted:
    """One mailbox with one message, over connections in the clear.

    :param host: an address of this machine.
    """

    def __init__(self, message: bytes, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = 0
        self.connections = 0
        self.commands: list[str] = []
        self.login = ["OK"]
        """What logins are answered, one after the other; the last one from then on."""
        self.search = "OK"
        self.selected = SELECTED
        self.news_before_go_ahead = 0
        """How many times new mail is told of before the server lets the client wait."""
        self._message = message
        self._has_flag = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Scripted]:
        server = await asyncio.start_server(self._serve, self.host, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(GREETING)
        while line := (await reader.readline()).decode().strip():
            tag, _, command = line.partition(" ")
            if tag.upper() == "DONE":
                writer.write(b"idle OK done\r\n")
                continue
            self.commands.append(command)
            writer.write(self._answer(tag, command.upper()))
        writer.close()

    def _answer(self, tag: str, command: str) -> bytes:
        ended = "OK done"
        told = ""
        if command.startswith("CAPABILITY"):
            told = "* CAPABILITY IMAP4rev1 IDLE\r\n"
        elif command.startswith("LOGIN"):
            ended = f"{self.login[0]} so it is"
            del self.login[: len(self.login) > 1]
        elif command.startswith("SELECT"):
            told = self.selected
        elif "SEARCH" in command:
            ended = f"{self.search} so it is"
            told = "* SEARCH 1\r\n" if self.search == "OK" and not self._has_flag else "* SEARCH\r\n"
        elif "RFC822.SIZE" in command:
            told = f"* 1 FETCH (UID 1 RFC822.SIZE {len(self._message)})\r\n"
        elif "BODY.PEEK" in command:
            body = self._message.decode()
            told = f"* 1 FETCH (UID 1 BODY[] {{{len(self._message)}}}\r\n{body})\r\n"
        elif re.search(r"\bSTORE\b", command):
            self._has_flag = True
        elif command == "IDLE":
            news = "* 2 EXISTS\r\n" if self.news_before_go_ahead > 0 else ""
            self.news_before_go_ahead -= 1
            return f"{news}+ idling\r\n".encode()
        return f"{told}{tag} {ended}\r\n".encode()
