"""Structured log lines: a message and its facts, as text for people or JSON for machines.

``log.info("claimed", step="ocr", count=3)`` prints ``claimed  step=ocr count=3``. Facts are ids, names, counts
and durations; never a document's text, never a secret. Strangers may choose names: they are escaped, so that none
controls a terminal or forges a line.
"""

from __future__ import annotations

import logging
import math
import re
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Literal

from alfrd_events.escape import json_text, visible

_bound: ContextVar[Callable[[], Mapping[str, Any]]] = ContextVar("bound facts", default=dict)


def bind(facts: Callable[[], Mapping[str, Any]]) -> None:
    """Let all lines carry these facts from here on, whoever logs them: in this task, and what it starts.

    :param facts: called for each line, so that it costs nothing where nothing is logged.
    """
    _bound.set(facts)


def _extra(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {"facts": {**_bound.get()(), **facts}}


class Log:
    """A named logger whose messages carry facts, those of the line and those that are bound (:func:`bind`)."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"alfrd_events.{name}")

    def debug(self, message: str, **facts: Any) -> None:
        """Log a detail that helps to find a fault."""
        self._logger.debug(message, extra=_extra(facts))

    def info(self, message: str, **facts: Any) -> None:
        """Log normal progress."""
        self._logger.info(message, extra=_extra(facts))

    def warning(self, message: str, **facts: Any) -> None:
        """Log a problem that resolves itself or can wait."""
        self._logger.warning(message, extra=_extra(facts))

    def error(self, message: str, *, trace: bool = False, **facts: Any) -> None:
        """Log a problem that needs a person; ``trace`` adds where it happened."""
        self._logger.error(message, extra=_extra(facts), exc_info=trace)


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{key}={_fact(value)}" for key, value in getattr(record, "facts", {}).items())
        message = visible(record.getMessage())
        line = f"{self.formatTime(record, '%H:%M:%S')} {record.levelname.lower():<7} {message}"
        if facts:
            line = f"{line}  {facts}"
        if record.exc_info:
            # Indented: a message of several lines cannot pass for lines of the log.
            trace = self.formatException(record.exc_info).split("\n")
            line = "\n".join([line, *(f"    {visible(each)}" for each in trace)])
        return line


def _fact(value: Any) -> str:
    """A value; in quotes where it could be taken for more facts than one."""
    text = visible(str(value))
    return '"' + text.replace('"', '\\"') + '"' if re.search(r'[\s="]', text) else text


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{key: _json_fact(value) for key, value in getattr(record, "facts", {}).items()},
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json_text(line, ascii_only=True, default=str)


def _json_fact(value: Any) -> Any:
    """A value that JSON knows, or its text."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def configure_logging(level: str, style: Literal["text", "json"]) -> None:
    """Send this program's log lines to standard error; other libraries only from warnings up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if style == "json" else _TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("alfrd_events").setLevel(level.upper())
    # Its warnings repeat, line by line, what our own one line per outage says.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
