"""The command line: the composition root.

It alone builds the settings and puts database, providers, steps and worker together
(:mod:`.wiring`). Each other module holds the commands of one purpose: :mod:`.submit` brings documents
in, :mod:`.work` runs workers, :mod:`.look` and :mod:`.search` show, :mod:`.correct` and :mod:`.review` put
documents right, :mod:`.lessons` shows what that taught, :mod:`.series` what recurs, :mod:`.files` collections,
:mod:`.bills` what is to be paid, :mod:`.portable` takes documents out again and in elsewhere,
:mod:`.operate` mends, :mod:`.prompts` looks after instructions, :mod:`.doctor` checks the set-up,
:mod:`.console` serves the web page, :mod:`.health` says whether a worker lives, :mod:`.schema` describes the
JSON of all of them, :mod:`.demo` and :mod:`.evaluate` show what comes out and measure it.

Exit codes: 0 it worked; 1 it did not, and one line on standard error says why; 2 the command was used
wrongly; 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import os
import resource
import sys

from alfrd_events.cli import (
    bills,
    console,
    correct,
    demo,
    doctor,
    evaluate,
    files,
    health,
    lessons,
    look,
    mcp,
    operate,
    portable,
    prompts,
    review,
    schema,
    search,
    series,
    submit,
    watch,
    work,
)
from alfrd_events.cli.app import app
from alfrd_events.errors import AlfrdError, SettingsInvalid

__all__ = [
    "app",
    "bills",
    "console",
    "correct",
    "demo",
    "doctor",
    "evaluate",
    "files",
    "health",
    "lessons",
    "look",
    "main",
    "mcp",
    "operate",
    "portable",
    "prompts",
    "review",
    "schema",
    "search",
    "series",
    "submit",
    "watch",
    "work",
]


_FEWEST_HANDLES = 128
"""Connections, readers, and those of an embedded server, which inherits the limit."""


def main() -> None:
    """The program ``alfrd-events``."""
    try:
        _take_the_handles_there_are()
        app(prog_name="alfrd-events")
    except AlfrdError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # the last stop: a bug gets one line, too
        if os.environ.get("ALFRD_LOG_LEVEL", "").lower() == "debug":
            raise
        _fail(f"unexpected {type(error).__name__}: {error} (a bug; ALFRD_LOG_LEVEL=debug shows where)")


def _take_the_handles_there_are() -> None:
    """Raise the limit of open files to what this process may have.

    :raise SettingsInvalid: that is too little to begin with.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= _FEWEST_HANDLES:
        return
    if hard != resource.RLIM_INFINITY and hard < _FEWEST_HANDLES:
        raise SettingsInvalid(
            f"only {hard} files may be open at once, and {_FEWEST_HANDLES} are needed: raise the limit with "
            "ulimit -n, or LimitNOFILE= of the service"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FEWEST_HANDLES, hard))


def _fail(message: str) -> None:
    from alfrd_events.terminal.output import complain

    complain(message)
    sys.exit(1)
