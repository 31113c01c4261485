"""The examples at the end of a command's help are commands that the program takes."""

from __future__ import annotations

import shlex

import pytest
from typer.main import get_command

from alfrd_events.cli import app
from tests.packaging.test_docs_run import parse

EXAMPLES = [
    (name, line.removeprefix("alfrd-events "))
    for name, command in sorted(get_command(app).commands.items())  # type: ignore[attr-defined]
    for line in (command.epilog or "").split("\n\n")[1:]
]


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[example for _, example in EXAMPLES])
def test_an_example_is_of_its_command_and_is_taken(name: str, example: str) -> None:
    words = shlex.split(example)
    assert words[0] == name
    parse(words)


def test_the_commands_of_each_day_have_examples() -> None:
    assert {name for name, _ in EXAMPLES} >= {"add", "run", "search", "correct", "replay"}
