"""What a shell offers when Tab is pressed; the shell's side is Typer's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from testing.harness import Harness
from tests.cli.program import Program

Offered = Callable[..., list[str]]


@pytest.fixture
def offered(database_url: str) -> Offered:
    """What bash is offered after these words, the last of them not whole."""

    def offer(*words: str, url: str = database_url, **environment: str) -> list[str]:
        program = Program(url, **environment)
        program.environment |= {
            "_ALFRD_EVENTS_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(["alfrd-events", *words]),
            "COMP_CWORD": str(len(words)),
        }
        done = program(exit_code=0)
        assert done.stderr == ""
        return done.stdout.split()

    return offer


async def test_ids_statuses_types_tags_and_steps_are_offered(db: Harness, offered: Offered) -> None:
    one = await db.given_document("completed", tags=["home", "holiday", "work"])
    two = await db.given_document()
    file = await db.one("select id from alfrd.files limit 1")

    async def ask(*words: str) -> list[str]:
        return await asyncio.to_thread(offered, *words)

    assert set(await ask("show", "")) == {str(one), str(two), str(file)}
    assert await ask("explain", str(one)[:6]) == [str(one)]
    assert await ask("show", "nothing") == []
    assert await ask("documents", "--status", "c") == ["cancelled", "classified", "completed"]
    assert await ask("documents", "--type", "utility") == ["utility_bill"]
    assert await ask("documents", "--tag", "ho") == ["holiday", "home"]
    assert await ask("tag", str(one), "+ho") == ["+holiday", "+home"]
    assert await ask("add", "--tags", "work,hom") == ["work,home"]
    assert await ask("pause", "sum") == ["summarize", "summarize_file"]
    assert await ask("run", "--steps", "ocr,cl") == ["ocr,classify"]


def test_nothing_is_offered_and_nothing_said_where_no_database_answers(
    offered: Offered, tmp_path: Path
) -> None:
    assert offered("show", "", url="postgresql://nobody@127.0.0.1:1/nothing") == []
    assert offered("show", "", url="", ALFRD_DATA_DIR=str(tmp_path / "home")) == []
    assert not (tmp_path / "home").exists()  # no server is made for it
    assert offered("show", "", ALFRD_NONSENSE="1") == []
