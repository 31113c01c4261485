"""``prompts …`` and ``replay --prompt``."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from alfrd_events.cli.wiring import build_analyst
from alfrd_events.clients.calls import Calls
from alfrd_events.settings import Settings
from testing.evolving import Loop
from testing.harness import Harness
from tests.cli.program import Program
from tests.cloud.chat import Chat
from tests.cloud.many_documents import process
from tests.cloud.papers import papers
from tests.cloud.server import CloudServer


def test_a_prompt_goes_out_is_changed_and_comes_back(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "summarizer.txt"
    program("prompts", "export", "summarizer:V1", file)
    file.write_text(file.read_text() + "\nLook twice.\n")

    made = program.inside("prompts", "import", "summarizer", file, "--note", "by hand")[0]
    assert made == "summarizer:V2 is made; activate it with: alfrd-events prompts activate summarizer:V2\n"
    assert "has this text already" in program.inside("prompts", "import", "summarizer", file)[0]
    assert "+Look twice." in program.inside("prompts", "diff", "summarizer:V1", "summarizer:V2")[0]
    assert "-Look twice." in program.inside("prompts", "diff", "summarizer:V2")[0]
    assert (
        "summarizer:V2 is active"
        in program.inside("prompts", "activate", "summarizer:V2", "--reason", "better")[0]
    )
    assert "is active already" in program.inside("prompts", "activate", "summarizer:V2")[0]
    assert "Look twice." in program.inside("prompts", "show", "summarizer:V2")[0]
    newest = program.json("prompts", "history", "summarizer")[0]
    assert (newest["version"], newest["previous"], newest["reason"]) == (2, 1, "better")
    assert "summarizer:V1 is active" in program.inside("prompts", "rollback", "summarizer")[0]
    active = [
        row
        for row in program.json("prompts", "list")
        if row["kind"] == "summarizer" and not row["document_type"]
    ]
    assert [row["version"] for row in active] == [1]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("show", "summarizer:V9"), "no prompt summarizer:V9"),
        (("show", "V1"), "V1 is not clear"),
        (("show", "the best"), "is no version of a prompt"),
        (("activate", "poet:V1"), "no prompt poet:V1"),
        (("rollback", "classifier"), "classifier has no earlier version"),
        (("approve", "classifier:V1"), "does not wait for approval"),
        (("impact", "scorer:V1"), "only classifiers and summarizers are graded"),
        (("list", "poet"), "no prompts poet"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(
    program: Program, arguments: tuple[str, ...], complaint: str
) -> None:
    done = program("prompts", *arguments, exit_code=1)
    assert complaint in done.stderr


def test_status_says_that_rules_have_nothing_to_evolve(program: Program) -> None:
    said = "prompts do not evolve: the rules analyst uses none"
    assert said in program.inside("status")[0]
    assert said in program.json("status")["evolution"]
    assert said in program.inside("prompts", "list")[0]


def test_replay_of_an_active_version_is_refused(program: Program) -> None:
    assert "is the active version" in program("replay", "--prompt", "classifier:V1", exit_code=1).stderr
    assert (
        "--prompt goes with --dry-run only"
        in program("replay", "--prompt", "V1", "--failed", exit_code=2).stderr
    )


async def test_a_changed_prompt_changes_the_documents_that_it_made(db: Harness, program: Program) -> None:
    async with Loop(db.url, 1) as loop:
        while (await loop.active())["version"] == 1:
            await loop.documents(10)
            await loop.settle()
        name = f"summarizer/utility_bill:V{(await loop.active())['version']}"
        seen = await asyncio.to_thread(program.json, "prompts", "impact", name, "--limit", 200)
        assert seen["documents"] > seen["known"] > 0
        assert seen["changed"] > 0
        assert {change["field"] for change in seen["changes"]} - {"structured_data"}
        assert Decimal(seen["usd_per_document"]) > 0
        said = (await asyncio.to_thread(program.inside, "prompts", "impact", name, "--limit", "200"))[0]
        assert f"{name} is known on {seen['known']} of {seen['documents']} recent documents" in said

        asked, old = loop.llm.asked["summary"], "summarizer/utility_bill:V1"
        would = await asyncio.to_thread(program.json, "replay", "--prompt", old, "--dry-run")
        assert {row["step"] for row in would} == {"summarize"}
        done = await asyncio.to_thread(program.json, "replay", "--prompt", old)
        assert len(done) == len(would) == seen["documents"]
        loop.evolves = False
        await loop.settle()
        assert await asyncio.to_thread(program.json, "replay", "--prompt", old) == []
        # What the trial has found out is not paid for again.
        assert loop.llm.asked["summary"] - asked == seen["documents"] - seen["known"]


async def test_a_version_that_nobody_has_tried_is_tried_on_a_few_documents(
    db: Harness, database_url: str, tmp_path: Path
) -> None:
    async with CloudServer(Chat()) as cloud:
        chosen = Settings(analyst="llm", llm="openai", llm_model="small", openai_base_url=f"{cloud.url}/v1")
        await process(db, build_analyst(chosen, Calls()), papers(4))
        program = Program(
            database_url,
            ALFRD_ANALYST="llm",
            ALFRD_LLM="openai",
            ALFRD_LLM_MODEL="small",
            ALFRD_OPENAI_BASE_URL=f"{cloud.url}/v1",
        )
        file = tmp_path / "classifier.txt"
        file.write_text("Sort this paper, and take care.")
        await asyncio.to_thread(program.inside, "prompts", "import", "classifier", file)
        seen = await asyncio.to_thread(program.json, "prompts", "impact", "classifier:V2", "--try", "3")
    assert (seen["documents"], seen["known"]) == (4, 3)
    refused = await asyncio.to_thread(
        Program(database_url), "prompts", "impact", "classifier:V2", "--try", "1", exit_code=1
    )
    assert "set ALFRD_ANALYST=llm" in refused.stderr
