"""Each command's ``--json`` is what its schema says, and nothing beside it; docs/schemas holds the schemas."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import psycopg
import pytest
from typer.main import get_command

from alfrd_events.cli import app
from alfrd_events.cli.schemas import SCHEMAS, schema_of
from testing.server import Server
from tests.cli.program import Program, bill
from tools.dump_schemas import FOLDER, written

META = {
    "documents": [{"file": "p1.txt", "type": "text", "order": 1}],
    "metadata": {"tags": ["home"], "box": 3},
}


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[str]:
    """The words of each command that has ``--json``, with hyphens between them."""
    if any("--json" in parameter.opts for parameter in command.params):
        yield "-".join(words)
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*words, name))


def strict(node: Any) -> Any:
    """The same schema without room for properties that it does not name."""
    if isinstance(node, dict):
        closed = {name: strict(value) for name, value in node.items()}
        return {"additionalProperties": False, **closed} if "properties" in node else closed
    return [strict(entry) for entry in node] if isinstance(node, list) else node


def check(name: str, answer: Any) -> None:
    """Hold an answer against its schema."""
    schema = strict(schema_of(name))
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    wrong = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(answer)]
    assert not wrong, f"{name}: " + "; ".join(wrong[:3])


def test_each_command_with_json_has_a_schema() -> None:
    existing = set(commands(get_command(app)))
    missing = sorted(existing - set(SCHEMAS))
    assert not missing, f"add to SCHEMAS in cli/schemas/__init__.py: {missing}"
    assert set(SCHEMAS) - existing == {"meta"}


def test_docs_hold_the_schemas() -> None:
    files = {path.name: path.read_text() for path in FOLDER.glob("*")}
    assert files == written(), "run .venv/bin/python -m tools.dump_schemas"


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema_of(name))


def test_schema_prints_it_and_names_all() -> None:
    program = Program("postgresql://nobody@127.0.0.1:1/nothing")  # it asks no database
    assert json.loads(program.inside("schema", "documents")[0]) == schema_of("documents")
    assert program.inside("schema")[0].split() == list(SCHEMAS)
    assert "choose among" in program.inside("schema", "nothing", exit_code=2)[1]


def properties(node: Any) -> Iterator[tuple[str, str]]:
    """Each property of a schema with its type, without null."""
    if isinstance(node, dict):
        for name, value in node.get("properties", {}).items():
            kinds = {
                str(kind.get("type", kind.get("$ref", "any")))
                for kind in value.get("anyOf", [value])
                if kind.get("type") != "null"
            }
            yield name, " or ".join(sorted(kinds))
        for value in node.values():
            yield from properties(value)
    elif isinstance(node, list):
        for entry in node:
            yield from properties(entry)


def test_an_amount_is_a_number_and_what_was_paid_the_text_of_a_decimal_in_each_answer() -> None:
    found = defaultdict(set)
    for name in SCHEMAS:
        for value, kind in properties(schema_of(name)):
            found[value].add(kind)
    assert found["total_amount"] == {"number"}
    for name, kinds in found.items():
        if name.endswith("usd") or "usd_" in name:
            assert kinds == {"string"}, name
        elif "number" in kinds:
            assert kinds == {"number"}, name


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"id": "3f2a0000-0000-4000-8000-000000000001", "created_at": "2024-03-01T12:00:00Z"}, True),
        ({"documents": []}, False),
        ({"documents": [{"type": "text"}]}, False),
        ({"id": "no uuid"}, False),
        ({"metadata": {"tags": "home"}}, False),
    ],
)
def test_meta_json_is_checked_by_its_schema_as_by_the_inbox(
    database_url: str, tmp_path: Path, change: dict[str, Any], fits: bool
) -> None:
    folder = tmp_path / "letter"
    folder.mkdir()
    (folder / "p1.txt").write_text("words")
    meta = {**META, **change}
    (folder / "meta.json").write_text(json.dumps(meta))
    validator = jsonschema.Draft202012Validator(
        schema_of("meta"), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    assert validator.is_valid(meta) is fits
    Program(database_url).inside("add", folder, exit_code=0 if fits else 1)


@pytest.fixture(scope="module")
def household(server: Server, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A database with a series, an alert, a document that failed, a lesson, a worker, and calls that cost money."""
    folder = tmp_path_factory.mktemp("papers")
    with server.database(template) as name:
        program = Program(server.url(name))
        (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
        (folder / "Thumbs.db").write_bytes(b"x")
        check("add", program.json("add", *(bill(folder, day) for day in (10, 11)), folder / "Thumbs.db"))
        program.inside("add", folder / "broken.pdf")
        program.inside("run", "--once", exit_code=1)
        with psycopg.connect(server.url(name), autocommit=True) as connection:
            for statement in (
                "insert into alfrd.series_alerts (series_id, kind, key, detail, expected, expected_from, expected_to)"
                " select id, 'missing', 'a', 'one is missing', '2024-04-01', '2024-04-01', '2024-04-02'"
                " from alfrd.series",
                "insert into alfrd.workers (name, steps, lease_seconds) values ('a:1', '{ocr}', 30)",
                "insert into alfrd.limits (step, max_running) values ('ocr', 4)",
                "insert into alfrd.limits (provider, rate) values ('openai', 0.5)",
                "insert into alfrd.usage (document_id, step, provider, model, usd, outcome)"
                " select id, 'classify', 'openai', 'small', 0.000012, 'ok' from alfrd.documents",
                "update alfrd.documents set needs_review = true, review_reason = 'why not', review_confidence = 0.5",
            ):
                connection.execute(statement)  # type: ignore[call-overload]
        yield program


def test_what_shows_fits_its_schema(household: Program) -> None:
    documents = household.json("documents")
    bills = [document["id"] for document in documents if document["status"] == "completed"]
    file, slug = household.json("files")[0]["id"], household.json("series")[0]["slug"]
    looks = {
        ("status",), ("documents",), ("documents", "--review"), ("show", bills[0]), ("show", file), ("files",),
        ("events", bills[0]), ("search", "electricity"), ("usage",), ("series",), ("series", "show", slug),
        ("series", "fields", slug), ("alerts",),
        ("calendar", "--from", "2024-01-01", "--to", "2024-12-31"), ("explain", bills[0]), ("health", "--anywhere"),
        ("prompts", "list"), ("prompts", "show", "classifier:V1"), ("prompts", "history"),
        ("prompts", "impact", "classifier:V1"), ("replay", "--failed", "--dry-run"),
        ("bills",), ("tags",), ("files", "show", file),
    }  # fmt: skip
    for words in sorted(looks):
        name = next(name for name in ("-".join(words[:2]), words[0]) if name in SCHEMAS)
        answer = household.json(*words)
        assert answer, words
        check(name, answer)
    doctor, _ = household.inside("doctor", "--json", exit_code=None)
    check("doctor", json.loads(doctor))


def test_what_acts_fits_its_schema(household: Program, tmp_path: Path) -> None:
    bills = [
        document["id"] for document in household.json("documents") if document["filename"] != "broken.pdf"
    ]
    failed = next(document["id"] for document in household.json("documents", "--status", "failed"))
    check("correct", household.json("correct", bills[0], "company=Acme", "total=1.50"))
    lessons = household.json("lessons")
    assert lessons
    check("lessons", lessons)
    check("lessons-apply", household.json("lessons", "apply", bills[0]))
    check("files-create", household.json("files", "create", "Home", "--tags", "home"))
    check("get", household.json("get", bills[0], "-o", tmp_path / "original.txt"))
    check("export", household.json("export", tmp_path / "export"))
    check("import", household.json("import", tmp_path / "export"))
    check("lessons-undo", household.json("lessons", "undo", str(lessons[0]["id"])))
    check("correct", household.json("correct", bills[0], "--undo"))
    check("tag", household.json("tag", bills[0], "+home"))
    check("accept", household.json("accept", bills[0]))
    check("cancel", household.json("cancel", failed))
    check("delete", household.json("delete", failed, "--yes"))
    check("prune", household.json("prune", "--older-than", "1"))
    bill(tmp_path, 12)
    truth = {"file": "bill-12.txt", "document_type": "utility_bill", "total_amount": 1212.5, "source": "made"}
    (tmp_path / "truth.jsonl").write_text(json.dumps(truth) + "\n")
    scores, _ = household.inside("eval", tmp_path / "truth.jsonl", "--json")
    check("eval", json.loads(scores))
