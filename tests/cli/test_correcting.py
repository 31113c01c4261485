"""Commands that put a document right."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.program import Program, bill


def _processed(program: Program, tmp_path: Path) -> str:
    program.inside("add", bill(tmp_path))
    program.inside("run", "--once")
    out, _ = program.inside("documents", "--json")
    return str(json.loads(out)[0]["id"])


def test_a_value_is_corrected_tagged_undone_and_deleted(program: Program, tmp_path: Path) -> None:
    document = _processed(program, tmp_path)

    out, err = program.inside("correct", document[:8], "total=12.30", "date=2025-05-31", "entity=PG&E")
    assert err == "no worker is running: start one with alfrd-events run\n", "what follows from it waits"
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["value", "was", "is"]
    assert ["document", "date", "2024-03-10", "2025-05-31"] in lines
    assert ["total", "amount", "1210.50", "12.30"] in lines
    assert ["entity", "Acme", "Power", "Company", "PG&E"] in lines
    program.inside("run", "--once")
    shown = json.loads(program.inside("show", document, "--json")[0])
    assert shown["summary"].startswith("PG&E, electricity bill of 2025-05-31: $12.30")

    assert "nothing to correct" in program.inside("correct", document, "total=12.30")[0]
    undone = json.loads(program.inside("correct", document, "--undo", "--json")[0])
    assert {each["field"] for each in undone["changed"]} == {"document_date", "entity", "total_amount"}

    assert " home, " in program.inside("tag", document, "+home", "-work")[0]
    assert "home" not in program.inside("tag", document, "-home")[0]
    assert json.loads(program.inside("tag", document, "+a", "--json")[0])["tags"].count("a") == 1

    assert "deleted" in program.inside("delete", document, "--yes")[0]
    assert json.loads(program.inside("documents", "--json")[0]) == []


def test_what_makes_no_sense_is_refused_with_what_to_give(program: Program, tmp_path: Path) -> None:
    document = _processed(program, tmp_path)

    for arguments, code, message in (
        (["correct", document], 2, "give NAME=VALUE, or --undo"),
        (["correct", document, "total"], 2, "'total' is not NAME=VALUE"),
        (["correct", document, "total=1", "--undo"], 2, "NAME=VALUE or --undo"),
        (["correct", document, "total=1", "--change", "3"], 2, "--change goes with --undo"),
        (["correct", document, "total=12,30"], 1, "such as 1234.50; nothing was corrected"),
        (["correct", document, "--undo"], 1, "nothing to undo"),
        (["correct", "ffffffff", "total=1"], 1, "no document ffffffff"),
        (["tag", document, "home"], 2, "neither +TAG nor -TAG"),
        (["tag", document, "-utility_bill"], 1, "correct its document_type instead"),
        (["delete", document], 2, "give --yes"),
    ):
        _, error = program.inside(*arguments, exit_code=code)
        assert message in " ".join(error.replace("│", " ").split()), (arguments, error)


def test_lessons_are_shown_exported_and_undone(program: Program, tmp_path: Path) -> None:
    assert program.inside("lessons")[0] == "no lessons yet: they come of corrections\n"
    document = _processed(program, tmp_path)
    program.inside("correct", document, "type=insurance")
    assert program.inside("lessons")[0].splitlines()[-1].endswith("not tried yet")
    program.inside("run", "--once")

    head, line = program.inside("lessons")[0].splitlines()
    assert head.split() == ["no", "sender", "taught", "known", "by", "from", "by", "used"]
    assert "Acme Power Company  utility_bill is insurance" in line
    assert line.endswith("yes")
    (taught,) = json.loads(program.inside("lessons", "--json")[0])
    exported = json.loads(program.inside("lessons", "export")[0])
    assert exported["value"] == taught["value"] == "insurance"

    assert program.inside("lessons", "undo", taught["id"])[0] == f"lesson {taught['id']} is undone\n"
    assert json.loads(program.inside("lessons", "--json")[0]) == []
    assert "no lesson 99" in program.inside("lessons", "undo", "99", exit_code=1)[1]
