"""Run the program as a user does: its installed entry point, in a process of its own."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from alfrd_events.cli import main

ENTRY_POINT = Path(sys.executable).parent / "alfrd-events"

BILL = """Acme Power Company
Electricity bill
Account number: 4071-22
Bill date: March {day}, 2024
Due date: April 6, 2024
Electricity used 507 kWh
Amount due: $12{day}.50
"""


class Program:
    """The program with a database of its own."""

    def __init__(self, database_url: str, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ALFRD_")}
        self.environment = {
            **kept,
            "ALFRD_DATABASE_URL": database_url,
            "ALFRD_OCR_PROCESSES": "1",
            "COLUMNS": "100",
            **environment,
        }

    def __call__(self, *arguments: object, exit_code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run to the end, with pipes; the exit code is checked unless it is ``None``."""
        done = subprocess.run(
            [str(ENTRY_POINT), *map(str, arguments)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert "Traceback" not in done.stderr, done.stderr
        if exit_code is not None:
            assert done.returncode == exit_code, (done.returncode, done.stdout, done.stderr)
        return done

    def inside(self, *arguments: object, exit_code: int | None = 0) -> tuple[str, str]:
        """Run in this process, which is faster; standard output and error."""
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, self.environment, clear=True),
            patch.object(sys, "argv", ["alfrd-events", *map(str, arguments)]),
            redirect_stdout(out),
            redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            main()
        assert exit_code is None or (ended.value.code or 0) == exit_code, (
            ended.value.code,
            out.getvalue(),
            err.getvalue(),
        )
        return out.getvalue(), err.getvalue()

    def json(self, *arguments: object) -> Any:
        """The answer to a command with ``--json``."""
        return json.loads(self.inside(*arguments, "--json")[0])

    @contextmanager
    def started(self, *arguments: object) -> Iterator[subprocess.Popen[str]]:
        """Run beside the test; whatever is left of it at the end is killed."""
        process = subprocess.Popen(
            [str(ENTRY_POINT), *map(str, arguments)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def on_terminal(self, *arguments: object) -> tuple[int, str]:
        """Exit code, and everything that a terminal was sent."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [str(ENTRY_POINT), *map(str, arguments)],
            env={"TERM": "xterm-256color", **self.environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        received = bytearray()

        def receive() -> None:
            while True:
                try:
                    data = os.read(ours, 65536)
                except OSError:
                    return
                if not data:
                    return
                received.extend(data)

        reading = threading.Thread(target=receive)
        reading.start()
        code = process.wait(60)
        reading.join(10)
        os.close(ours)
        return code, received.decode()


def bill(directory: Path, day: int = 10, name: str = "") -> Path:
    """A plain text bill that the whole pipeline understands."""
    path = directory / (name or f"bill-{day}.txt")
    path.write_text(BILL.format(day=day))
    return path


def plain(text: str) -> str:
    """Without what steers a terminal."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "")
