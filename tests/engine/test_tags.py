"""Tags that are renamed and merged, and the files that follow them."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest

from alfrd_events.db import files
from alfrd_events.errors import NotFound, Refused
from testing.harness import Harness
from testing.server import Server


async def _tags(db: Harness, document: UUID) -> list[str]:
    tags: list[str] = await db.one("select tags from alfrd.documents where id = %s", document)
    return [tag for tag in tags if not tag.startswith(("series:", "utility_bill", "electricity"))]


async def _generate(db: Harness) -> int:
    """Summarise every file that waits; how many there were."""
    await db.advance_clock(10)
    number = 0
    while task := await db.claim("summarize_file"):
        revision = await db.one("select revision from alfrd.files where id = %s", task.subject_id)
        await db.complete(task, revision=revision)
        number += 1
    return number


async def test_a_renamed_tag_takes_those_below_it_and_its_files_with_it(db: Harness) -> None:
    one = await db.given_document("completed", tags=["taxes", "taxes/2025"])
    other = await db.given_document("completed", tags=["taxes/2025/income", "taxesandmore"])
    file = await files.create(db.database, "Taxes", ["taxes/2025"], "")
    await _generate(db)

    assert await files.rename_tag(db.database, "Taxes", "levies", None) == 2

    assert await _tags(db, one) == ["levies", "levies/2025"]
    assert await _tags(db, other) == ["levies", "levies/2025", "levies/2025/income", "taxesandmore"]
    assert await db.one("select tags from alfrd.files where id = %s", file) == ["levies/2025"]
    assert {row["id"] for row in await files.members(db.database, file)} == {one, other}
    assert await db.sql("select * from alfrd.tags where starts_with(tag, 'taxes/') or tag = 'taxes'") == []
    assert ("retagged", "") in await db.events_of(one)


async def test_a_merge_of_many_documents_is_one_generation_of_each_file(db: Harness) -> None:
    for number in range(6):
        await db.given_document("completed", tags=["car" if number % 2 else "auto"])
    kept = await files.create(db.database, "Auto", ["auto"], "")
    gone = await files.create(db.database, "Car", ["car"], "")
    assert await _generate(db) == 3  # and that of the series

    assert await files.merge_tags(db.database, "auto", "car", None) == 3

    assert await db.sql("select id from alfrd.files where id = %s", gone) == []
    assert len(await files.members(db.database, kept)) == 6
    assert await _generate(db) == 2
    assert await db.status_of(kept) == "generated"
    assert ("merged", "") in await db.events_of(kept)
    assert await files.tags(db.database) == [
        {"tag": "auto", "documents": 6, "files": 1, "sources": ["user"]},
        {"tag": "electricity", "documents": 6, "files": 0, "sources": ["analyst"]},
        {"tag": "series:acme-power-electricity-bill", "documents": 6, "files": 1, "sources": ["system"]},
        {"tag": "utility_bill", "documents": 6, "files": 0, "sources": ["system"]},
    ]


async def test_what_is_below_a_tag_carries_it_and_is_in_its_files(db: Harness) -> None:
    document = await db.given_document(
        "completed", tags=[" Taxes/2025/Income ", "https://a.example/b", "/c", "d/"]
    )
    assert await _tags(db, document) == [
        "/c", "d/", "https://a.example/b", "taxes", "taxes/2025", "taxes/2025/income"
    ]  # fmt: skip
    file = await files.create(db.database, "Taxes", ["taxes"], "")
    assert len(await files.members(db.database, file)) == 1

    with pytest.raises(Refused, match="comes with those below it"):
        await db.sql("select alfrd.tag(%s, '{}', '{taxes}')", document)
    await db.sql("select alfrd.tag(%s, '{taxes/2024}', '{taxes/2025/income,taxes/2025}')", document)
    assert (await _tags(db, document))[3:] == ["taxes", "taxes/2024"]
    await db.sql("select alfrd.tag(%s, '{}', '{taxes,taxes/2024}')", document)

    assert await files.members(db.database, file) == []


async def test_only_the_documents_of_an_owner_are_touched(db: Harness) -> None:
    ann = await db.given_document("completed", tags=["x"], owner="ann")
    ben = await db.given_document("completed", tags=["x"], owner="ben")

    assert await files.rename_tag(db.database, "x", "y", "ann") == 1

    assert (await _tags(db, ann), await _tags(db, ben)) == (["y"], ["x"])


@pytest.mark.parametrize(
    ("tag", "name", "told"),
    [
        ("home", "work", "already"),
        ("home", "", "is no tag"),
        ("home", "a//b", "is no tag"),
        ("home", "home/of", "below itself"),
        ("series:acme-power-electricity-bill", "acme", "follows from the series"),
        ("home", "receipt", "follows from the type"),
    ],
)
async def test_a_name_that_makes_no_sense_is_refused(db: Harness, tag: str, name: str, told: str) -> None:
    document = await db.given_document("completed", tags=["home", "work"])
    with pytest.raises(Refused, match=told):
        await files.rename_tag(db.database, tag, name, None)
    with pytest.raises(NotFound):
        await files.rename_tag(db.database, "nowhere", "somewhere", None)
    assert await _tags(db, document) == ["home", "work"]


async def test_a_file_needs_tags_of_its_own(db: Harness) -> None:
    file = await files.create(db.database, "Home 2025", ["Home", "2025"], "")
    for title in ("Home 2025", "home 2", "2025", str(file)[:8]):
        assert await files.find(db.database, title) == file
    with pytest.raises(Refused, match="already"):
        await files.create(db.database, "again", ["2025", "home"], "")
    with pytest.raises(Refused, match="needs a tag"):
        await files.create(db.database, "empty", [" "], "")
    await files.create(db.database, "Home 2025, Ann's", ["home", "2025"], "ann")
    with pytest.raises(Refused, match="not clear"):
        await files.find(db.database, "home 2")
    assert await files.find(db.database, "Home 2025") == file


async def test_a_tenant_renames_nothing_of_others(
    db: Harness, server: Server, database: str, signed_in: dict[str, str]
) -> None:
    await db.given_document("completed", tags=["x"])
    await db.sql("alter table alfrd.documents enable row level security")
    async with await psycopg.AsyncConnection.connect(
        server.url(database).replace("postgres@", "shop@"), autocommit=True
    ) as shop:
        for statement in ("select alfrd.rename_tag('x', 'y')", "select alfrd.merge_tags('y', 'x')"):
            with pytest.raises(psycopg.Error, match="row level security"):
                await shop.execute(statement)
