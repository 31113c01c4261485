"""``status --watch``: shown anew when something changes, until Ctrl-C."""

from __future__ import annotations

import io
import signal

import psycopg
from rich.console import Console

from alfrd_events.terminal.output import Output
from alfrd_events.terminal.overview import renewed
from tests.cli.program import Program


def test_a_change_is_shown_at_once_and_ctrl_c_ends_it(database_url: str) -> None:
    program = Program(database_url)
    with program.started("status", "--watch") as watching:
        assert watching.stdout is not None
        lines = iter(watching.stdout)
        assert next(line for line in lines if "documents" in line).strip() == "0 documents"
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("insert into alfrd.documents (filename, content) values ('a.txt', 'a')")
        assert "pending 1" in next(line for line in lines if "document" in line and not line.startswith("0"))
        watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == 130


def test_on_a_terminal_it_is_shown_in_its_place_and_the_last_stays() -> None:
    written = io.StringIO()
    output = Output(console=Console(file=written, force_terminal=True, width=60))
    with renewed(output) as show:
        show(lambda: output.line("first"))
        show(lambda: output.line("second"))
    screen, after = written.getvalue().split("\x1b[?1049l")
    assert screen.startswith("\x1b[?1049h")
    assert "first" in screen
    assert screen.count("\x1b[2J") == 2
    assert ("second" in after, "first" in after) == (True, False)


def test_json_and_watch_do_not_go_together(database_url: str) -> None:
    assert "--watch" in Program(database_url).inside("status", "--watch", "--json", exit_code=2)[1]
