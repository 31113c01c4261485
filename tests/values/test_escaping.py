"""What strangers wrote is seen for what it is: on terminals, in pipes, in JSON and in logs."""

from __future__ import annotations

import io
import json
import logging
import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfrd_events.escape import json_text, visible, visible_lines
from alfrd_events.observe import Log, configure_logging
from alfrd_events.terminal.demo import Run, print_report
from alfrd_events.terminal.output import Output, complain, remark
from tests.cli.program import BILL, Program
from tests.values.extremes import CONTROL, TURNED
from tests.values.looking import STEERING, check

HOSTILE = f"{CONTROL}{TURNED}\n12:00:00 info    completed  subject=forged [red]x[/red]"
FORGED = "12:00:00 info    completed"


@given(st.text(st.characters(codec=None)))
def test_no_text_steers_a_terminal_and_json_means_the_same(text: str) -> None:
    assert not {unicodedata.category(each) for each in visible(text)} & STEERING
    assert (
        not {unicodedata.category(each) for each in visible_lines(text).translate({9: None, 10: None})}
        & STEERING
    )
    shown = json_text({"a": [text, 1.5, None]}, indent=2)
    assert json.loads(shown) == {"a": [text, 1.5, None]}
    assert not {unicodedata.category(each) for each in shown.replace("\n", "")} & STEERING


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("a\nb", r"a\nb"),
        ("x\u202etxt.exe", r"x\u202etxt.exe"),
        ("\u2028\u200b\ufeff", r"\u2028\u200b\ufeff"),
        ("\udcff.pdf", r"\udcff.pdf"),
        ("Mörlau\u00a0GmbH 円 \U0001f4c4", "Mörlau\u00a0GmbH 円 \U0001f4c4"),
    ],
)
def test_what_is_hidden_becomes_visible_and_the_rest_stays(text: str, seen: str) -> None:
    assert visible(text) == seen


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """What goes to standard error; the handlers of pytest are put back."""
    root, ours = logging.getLogger(), logging.getLogger("alfrd_events")
    before, level, own = root.handlers[:], root.level, ours.level
    with redirect_stderr(io.StringIO()) as errors:
        yield errors
    root.handlers[:] = before
    root.setLevel(level)
    ours.setLevel(own)


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_name_forges_no_line_of_a_log(style: Any) -> None:
    with logged() as errors:
        configure_logging("info", style)
        Log("test").info(f"took {HOSTILE}", name=HOSTILE, error=ValueError(HOSTILE), wait=float("nan"))
        try:
            raise ValueError(HOSTILE)
        except ValueError:
            Log("test").error("failed", trace=True)
        logging.getLogger("another.library").warning("odd: %s", HOSTILE)

    lines = errors.getvalue().splitlines()
    check("log", errors.getvalue(), "plain")
    assert not [line for line in lines if line.startswith(FORGED)]
    if style == "json":
        first, second, third = (json.loads(line, parse_constant=pytest.fail) for line in lines)
        assert (first["name"], third["message"]) == (HOSTILE, f"odd: {HOSTILE}")
        assert HOSTILE in second["trace"]
    else:
        assert [line for line in lines if not line.startswith("    ")] == [lines[0], lines[1], lines[-1]]


def test_facts_cannot_be_added_by_a_value() -> None:
    with logged() as errors:
        configure_logging("info", "text")
        Log("test").info("taken", name='a.txt subject="1"', size=3)

    assert errors.getvalue().rstrip().endswith(r'taken  name="a.txt subject=\"1\"" size=3')


@pytest.mark.parametrize("colours", [{}, {"FORCE_COLOR": "1", "TERM": "xterm-256color"}])
def test_errors_and_remarks_are_one_line(colours: dict[str, str]) -> None:
    with patch.dict(os.environ, colours), redirect_stderr(io.StringIO()) as errors:
        complain(HOSTILE)
        remark(HOSTILE)

    check("complain", errors.getvalue(), "fancy")
    assert len(errors.getvalue().splitlines()) == 2
    assert "[red]x[/red]" in errors.getvalue()


@pytest.mark.parametrize("colours", [{}, {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "200"}])
def test_the_report_of_a_demo_steers_nothing(colours: dict[str, str]) -> None:
    row = {
        **dict.fromkeys(
            ("filename", "document_type", "entity", "series", "series_kind", "currency"), HOSTILE
        ),
        "id": "3f2a0000",
        "document_date": date(2024, 1, 1),
        "total_amount": "1",
        "page_count": 1,
    }
    documents = [{**row, "status": "completed", "error": ""}, {**row, "status": "failed", "error": HOSTILE}]
    dates = [{"date": "infinity"}, {"date": "2024-03-01"}]
    series = [
        {"slug": HOSTILE, "title": HOSTILE, "frequency": HOSTILE, "documents": dates, "document_count": 2}
    ]
    file = {
        "title": HOSTILE,
        "tags": [HOSTILE, None],
        "status": HOSTILE,
        "summary": HOSTILE,
        "member_count": 2,
    }
    series = [{**each, "total_amount": "NaN", "currency": HOSTILE} for each in series]

    with patch.dict(os.environ, colours), redirect_stdout(io.StringIO()) as out:
        alerts = [{"kind": HOSTILE, "detail": HOSTILE}]
        bill = {**row, "issued": None, "total": "1", "paid_on": "2024-03-01", "statement": HOSTILE}
        files = [{**file, "insights": [HOSTILE]}]
        print_report(Output(), documents, series, files, alerts, [bill], Run(1, 1, 1.0))

    check("demo", out.getvalue(), "fancy" if colours else "plain")
    assert "[red]x[/red]" in out.getvalue()
    assert not [line for line in out.getvalue().splitlines() if line.startswith(FORGED)]


@pytest.mark.parametrize("style", ["text", "json"])
def test_the_log_of_a_worker_and_what_it_prints(program: Program, database_url: str, style: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for column in ("uri", "filename"):
            values = {"uri": f"file:///{HOSTILE}", "filename": "a.txt", column: f"file:///{HOSTILE}"}
            connection.execute(
                "insert into alfrd.documents (filename, uri) values (%s, %s)",
                [values["filename"], values["uri"]],
            )
    program.environment |= {"ALFRD_LOG_FORMAT": style, "ALFRD_LOG_LEVEL": "debug"}

    done = program("run", "--once", exit_code=1)

    for printed in (done.stdout, done.stderr):
        check("run", printed, "plain")
        assert not [line for line in printed.splitlines() if line.startswith(FORGED)]
    if style == "json":
        assert all(json.loads(line) for line in done.stderr.splitlines())


@pytest.mark.parametrize("style", ["text", "json"])
def test_names_in_an_inbox_and_on_a_command_line(program: Program, tmp_path: Path, style: str) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    named = HOSTILE.replace("/", "|")[:60].encode()
    for number, name in enumerate((named + b".txt", b"\xff\x9b\n.txt", named + b".pdf")):
        with open(os.path.join(os.fsencode(inbox), name), "wb") as file:
            file.write(BILL.format(day=10 + number).encode())
    program.environment |= {"ALFRD_LOG_FORMAT": style}

    printed = [
        program("add", inbox, exit_code=None),
        program("add", os.fsdecode(os.path.join(os.fsencode(inbox), b"\xff\x1b[2Jmissing")), exit_code=1),
        program("watch", inbox, "--once", "--quiet", "0", exit_code=None),
    ]

    for done in printed:
        check("add or watch", done.stdout + done.stderr, "plain")
    assert all("\\u200b" in done.stdout + done.stderr for done in printed[::2])
