"""What a page costs on this machine, measured once for each engine and version, and kept in the data directory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE
from importlib.metadata import version
from pathlib import Path

from alfrd_events.errors import WorkerUnfit, no_process
from alfrd_events.reading.inference.choice import Choice, choose, processor

_FILE = "reading-speed.json"


async def page_seconds(wanted: str, directory: Path) -> tuple[Choice, float]:
    """Tell which engine recognises text here, and the processor time that a page of forty lines takes with it.

    It takes some seconds the first time. What cannot be kept is measured again.

    :param wanted: the setting ``ALFRD_OCR_ENGINE``.
    :param directory: where the figure is kept.
    :raise SettingsInvalid: the engine is not installed.
    :raise WorkerUnfit: it does not work.
    """
    choice = choose(wanted)
    key = f"{choice}, {version(choice.engine)}, {processor().model}"
    kept = directory / _FILE
    known = await asyncio.to_thread(_read, kept)
    if key not in known:
        known[key] = await _measured(choice)
        await asyncio.to_thread(_write, kept, known)
    return choice, known[key]


async def _measured(choice: Choice) -> float:
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", "alfrd_events.reading.trial", choice.engine),
            stdout=PIPE,
            stderr=PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
    except OSError as error:
        raise no_process(error, sys.executable) from error
    said, complaint = await process.communicate()
    if process.returncode:
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        raise WorkerUnfit(f"{choice} does not work here ({last}); set ALFRD_OCR_ENGINE to the other engine")
    return float(json.loads(said)["page"])


def _read(kept: Path) -> dict[str, float]:
    """What is known; nothing, where the file is missing or was damaged: it can be measured again."""
    try:
        known = json.loads(kept.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {key: float(value) for key, value in known.items() if isinstance(value, int | float)}


def _write(kept: Path, known: dict[str, float]) -> None:
    """Keep it where that is possible, in one move: two may do so at once."""
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        new = kept.with_name(f"{_FILE}.{os.getpid()}")
        new.write_text(json.dumps(known, indent=1), "utf-8")
        new.replace(kept)
