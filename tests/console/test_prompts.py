"""The pages of prompts: versions, what differs between two, scores and trials; what is used is switched there."""

from __future__ import annotations

import re

import pytest

from alfrd_events.console.pages.prompts import word_diff
from alfrd_events.db import prompts
from alfrd_events.db.database import Row
from testing.harness import Harness
from tests.console.conftest import Site, words_of

PAGE = "/prompts/summarizer"


async def given_version(db: Harness, change: str = "Read <b>slowly</b>.") -> Row:
    """A second version of the summarizer, which says this before all else."""
    first = await prompts.find(db.database, "summarizer/:V1")
    made = await prompts.import_version(
        db.database, "summarizer", "", f"{change} {first['text']}", origin="person"
    )
    return await prompts.by_id(db.database, made.id)


async def in_use(db: Harness) -> int:
    return int(
        await db.one(
            "select version from alfrd.prompts where kind = 'summarizer' and document_type = '' and is_active"
        )
    )


async def given_trial(db: Harness, challenger: Row, phase: str = "suggested", ending: str = "") -> int:
    """A trial of the version in use against another one."""
    return int(
        await db.one(
            "insert into alfrd.trials (family_id, champion_id, challenger_id, phase, ending, note)"
            " select f.id, p.id, %s, %s, %s, 'better on 12 of 20' from alfrd.prompt_families f"
            "   join alfrd.prompts p on (p.kind, p.document_type) = (f.kind, f.document_type) and p.is_active"
            "  where f.kind = 'summarizer' and f.document_type = '' returning id",
            challenger["id"],
            phase,
            ending,
        )
    )


@pytest.mark.parametrize(
    ("old", "new", "pieces"),
    [
        ("Read it.", "Read it.", [("same", "Read it.")]),
        ("Read it.", "Read all.", [("same", "Read "), ("gone", "it"), ("new", "all"), ("same", ".")]),
        ("", "New.", [("new", "New.")]),
        ("a b c", "a c", [("same", "a "), ("gone", "b "), ("same", "c")]),
    ],
)
def test_words_differ(old: str, new: str, pieces: list[tuple[str, str]]) -> None:
    assert list(word_diff(old, new)) == pieces


def test_endless_texts_are_compared_by_lines() -> None:
    old, new = "same words\n" * 3_000 + "old\n", "same words\n" * 3_000 + "new\n"
    assert list(word_diff(old, new))[1:] == [("gone", "old\n"), ("new", "new\n")]


async def test_each_family_has_a_page(site: Site, db: Harness) -> None:
    addresses = re.findall(r'href="(/prompts/[^"]+)"', await site.get("/prompts"))
    assert PAGE in addresses
    families = await db.one("select count(*) from alfrd.prompts where is_active")
    assert len(addresses) == len(set(addresses)) == families
    for address in addresses:
        assert "in use" in await site.get(address)
    await site.get("/prompts/nothing", 404)
    await site.get(f"{PAGE}/nothing", 404)


async def test_two_versions_are_compared_and_one_is_used_and_left_again(site: Site, db: Harness) -> None:
    second = await given_version(db)
    page = await site.get(PAGE)
    assert "<ins>Read &lt;b&gt;slowly&lt;/b&gt;. </ins>" in page
    assert "From V1 to V2" in words_of(page)
    assert "<del>Read" in await site.get(f"{PAGE}?old=2&new=1")
    assert "<del>" not in await site.get(f"{PAGE}?old=nonsense&new=1")
    form = re.search(r'action="/prompt-versions/(\d+)/activate">.*?name="expected" value="(\d+)"', page)
    assert form
    await site.post(f"/prompt-versions/{form[1]}/activate", {"expected": form[2]})
    assert await in_use(db) == 2
    page = await site.get(PAGE)
    assert "Version 2 is in use." in page
    assert "Go back to it" in page
    again = await site.post(f"/prompt-versions/{form[1]}/activate", {"expected": form[2]}, status=409)
    assert "Another version is in use by now" in again.text
    await site.post(f"/prompt-versions/{form[2]}/activate", {"expected": form[1], "reason": "too slow"})
    assert await in_use(db) == 1
    assert "too slow" in await site.get("/prompts")
    for expected in ("", "x", str(2**70)):
        await site.post(f"/prompt-versions/{second['id']}/activate", {"expected": expected}, status=404)
    await site.post(f"/prompt-versions/{2**70}/activate", {"expected": "1"}, status=404)


async def test_a_version_that_has_proved_itself_is_approved(site: Site, db: Harness) -> None:
    second = await given_version(db)
    await given_trial(db, second)
    page = words_of(await site.get(PAGE))
    assert "waits for approval" in page
    assert "better on 12 of 20" in page
    await site.post(f"/prompt-versions/{second['id']}/approve")
    assert await in_use(db) == 2
    assert "In use, being watched" in words_of(await site.get(PAGE))
    await site.post(f"/prompt-versions/{second['id']}/approve", status=409)


async def test_a_version_that_is_not_wanted_is_declined(site: Site, db: Harness) -> None:
    second = await given_version(db)
    await given_trial(db, second)
    await site.post(f"/prompt-versions/{second['id']}/decline")
    assert await in_use(db) == 1
    page = words_of(await site.get(PAGE))
    assert "Declined" in page
    assert "waits for approval" not in page


async def test_scores_of_a_trial_are_of_the_documents_that_both_were_graded_on(
    site: Site, db: Harness
) -> None:
    second = await given_version(db)
    await given_trial(db, second, "testing")
    first = await prompts.active(db.database, second)
    for scores in [(0.5, 0.75), (0.7, 0.85), (0.1, None)]:
        id = await db.given_document("completed")
        await db.sql(
            "update alfrd.documents"
            "   set made_by = jsonb_build_object('summarize', jsonb_build_object('prompt', %s::bigint)) where id = %s",
            first["id"],
            id,
        )
        for version, score in zip((first, second), scores, strict=True):
            if score is not None:
                await db.sql(
                    "insert into alfrd.evaluations (prompt_id, document_id, source, output, score)"
                    " values (%s, %s, 'trial', %s, %s)",
                    version["id"],
                    id,
                    '{"entity": "Another <company>"}',
                    score,
                )
    page = words_of(await site.get(PAGE))
    assert "better on 12 of 20 2 60 % 80 % Testing" in page
    assert "It is known on 2 of 3 recent documents" in page
    assert "Another &lt;company&gt;" in page


async def test_only_an_editor_switches(guarded: Site, db: Harness) -> None:
    second = await given_version(db)
    await given_trial(db, second)
    await guarded.sign_in("operator")
    page = await guarded.get(PAGE)
    assert "/prompt-versions/" not in page
    for act in ("activate", "approve", "decline"):
        await guarded.post(f"/prompt-versions/{second['id']}/{act}", {"expected": "1"}, status=403)
    assert await in_use(db) == 1
