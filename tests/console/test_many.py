"""Many documents at once: what fits a filter is shown, tagged, tried again, deleted and given out; views have names."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from uuid import UUID

import pytest

from alfrd_events.db import bulk
from alfrd_events.db.database import Database
from alfrd_events.errors import Refused
from alfrd_events.model import Outcome
from testing.harness import Harness
from tests.console.conftest import Site, words_of
from tests.console.test_pages import names_in, some_documents


async def tags_of(db: Harness) -> dict[str, set[str]]:
    """The tags of each document by its name, of those that people gave."""
    rows = await db.sql("select filename, tags from alfrd.documents")
    return {row["filename"]: {tag for tag in row["tags"] if tag in ("home", "shop", "tax")} for row in rows}


def change_in(page: str) -> str:
    found = re.search(r"/bulk-changes/(\d+)/undo", page)
    assert found
    return found[1]


async def test_the_selection_is_what_the_list_shows(site: Site, db: Harness) -> None:
    await some_documents(db)
    address = re.search(r'href="(/selection[^"]*)"', await site.get("/documents?tag=home&order=name"))
    assert address
    assert html.unescape(address[1]) == "/selection?tag=home"
    assert "2 documents 1,862.50 USD" in words_of(await site.get("/selection?tag=home"))
    assert "3 documents" in words_of(await site.get("/selection"))
    assert "No document fits." in words_of(await site.get("/selection?tag=nothing"))


async def test_documents_are_ticked_one_by_one(site: Site, db: Harness) -> None:
    known = await some_documents(db)
    assert f'name="id" value="{known["rent"]}"' in await site.get("/documents")
    page = await site.get(f"/selection?id={known['rent']}&id={known['cloth']}&id=nonsense")
    assert set(names_in(page)) == {
        str(known["rent"]),
        str(known["cloth"]),
    }
    assert "2 documents" in words_of(page)


async def test_a_tag_is_given_to_all_and_taken_back_from_those_that_got_it(site: Site, db: Harness) -> None:
    known = await some_documents(db)
    await db.sql("select alfrd.tag(%s, '{tax}')", known["rent"])
    answer = await site.post("/selection/tag", {"tag": "home", "name": " TAX "})
    assert answer.headers["location"] == "/selection?tag=home"
    page = await site.get("/selection?tag=home")
    assert "1 document got the tag TAX; 1 were left as they are." in words_of(page)
    assert await tags_of(db) == {
        "power.pdf": {"home", "tax"},
        "rent.pdf": {"home", "tax"},
        "cloth.pdf": {"shop"},
    }
    await site.post(f"/bulk-changes/{change_in(page)}/undo", {"tag": "home"})
    assert await tags_of(db) == {"power.pdf": {"home"}, "rent.pdf": {"home", "tax"}, "cloth.pdf": {"shop"}}
    await site.post(f"/bulk-changes/{change_in(page)}/undo", status=404)


async def test_a_tag_is_taken_from_all_but_what_follows_from_the_type_stays(site: Site, db: Harness) -> None:
    await some_documents(db)
    await site.post("/selection/tag", {"name": "home", "remove": "1"})
    assert await tags_of(db) == {"power.pdf": set(), "rent.pdf": set(), "cloth.pdf": {"shop"}}
    change = change_in(await site.get("/selection"))
    await site.post("/selection/tag", {"name": "utility_bill", "remove": "1"})
    assert "0 documents lost the tag utility_bill" in words_of(await site.get("/selection"))
    await site.post(f"/bulk-changes/{change}/undo")
    assert (await tags_of(db))["rent.pdf"] == {"home"}
    for tag in ("series:x", "", " "):
        assert (
            "is given to no documents" in (await site.post("/selection/tag", {"name": tag}, status=409)).text
        )


async def failed(db: Harness, number: int) -> list[UUID]:
    """Documents that a worker has given up."""
    ids = [await db.given_document() for _ in range(number)]
    for _ in ids:
        task = await db.claim("ocr")
        assert task is not None
        assert await db.hand_in(Outcome(task, "failed", error="the file is damaged"))
    return ids


async def test_what_failed_is_tried_again_and_what_is_done_is_left(site: Site, db: Harness) -> None:
    done = await db.given_document("completed")
    broken = await failed(db, 2)
    page = words_of(await site.get("/selection"))
    assert "2 documents failed; each goes on from the step where it failed. Try all 2 again" in page
    await site.post("/selection/retry")
    assert "2 documents tried again." in await site.get("/documents")
    assert [await db.status_of(id) for id in (done, *broken)] == ["completed", "pending", "pending"]
    tasks = await db.sql("select state from alfrd.tasks where subject_id = any (%s) and step = 'ocr'", broken)
    assert [task["state"] for task in tasks] == ["ready", "ready"]
    await site.post("/selection/retry")
    assert "Nothing was left to try again." in await site.get("/documents")


async def test_only_what_was_seen_and_confirmed_is_deleted(site: Site, db: Harness) -> None:
    known = await some_documents(db)
    page = await site.get("/selection?tag=home")
    found = re.search(r'name="seal" value="(\w+)"', page)
    assert found
    form = {"tag": "home", "seal": found[1]}
    await site.post("/selection/delete", form)
    assert "say that you are sure" in await site.get("/selection?tag=home")
    await db.sql("select alfrd.tag(%s, '{home}')", known["cloth"])
    await site.post("/selection/delete", {**form, "sure": "1"})
    assert "other documents fit by now" in await site.get("/selection?tag=home")
    assert await db.one("select count(*) from alfrd.documents") == 3
    await db.sql("select alfrd.tag(%s, '{}', '{home}')", known["cloth"])
    answer = await site.post("/selection/delete", {**form, "sure": "1"})
    assert answer.headers["location"] == "/documents?tag=home"
    assert await db.sql("select filename from alfrd.documents") == [{"filename": "cloth.pdf"}]
    left = await db.one("select count(*) from alfrd.pages where document_id <> %s", known["cloth"])
    assert left == 0


async def test_too_many_are_not_changed(site: Site, db: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    await some_documents(db)
    monkeypatch.setattr(bulk, "MOST_AT_ONCE", 2)
    page = words_of(await site.get("/selection"))
    assert "2+ documents" in page
    assert "At most 2 documents are changed at once" in page
    for act in ("tag", "retry", "delete"):
        answer = await site.post(f"/selection/{act}", {"name": "x", "sure": "1"}, status=409)
        assert "More than 2 documents fit" in answer.text
    assert await db.one("select count(*) from alfrd.documents") == 3


async def test_all_that_fit_are_given_out(site: Site, db: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    known = await some_documents(db)
    await db.sql(
        "update alfrd.documents set filename = '=1+1', entity = 'a, \"b\"' where id = %s", known["rent"]
    )
    monkeypatch.setattr(bulk, "_ROWS_AT_ONCE", 2)
    table = list(csv.DictReader(io.StringIO(await site.get("/selection.csv"))))
    assert [row["filename"] for row in table] == ["power.pdf", "'=1+1", "cloth.pdf"]
    assert (table[1]["entity"], table[1]["total_amount"], table[1]["document_date"]) == (
        'a, "b"',
        "1850",
        "2024-05-02",
    )
    rows = json.loads(await site.get("/selection.json?tag=home"))
    assert [(row["id"], row["filename"]) for row in rows] == [
        (str(known["power"]), "power.pdf"),
        (str(known["rent"]), "=1+1"),
    ]
    assert json.loads(await site.get("/selection.json?tag=nothing")) == []
    answer = await site.client.get("/selection.csv?tag=nothing")
    assert answer.text == ",".join(bulk.EXPORTED) + "\r\n"
    assert answer.headers["content-disposition"] == "attachment; filename=documents.csv"


async def test_a_view_has_a_name_for_all_browsers(site: Site, db: Harness) -> None:
    await some_documents(db)
    filtered = "/documents?tag=home&order=amount"
    answer = await site.post("/views", {"tag": "home", "order": "amount", "name": "At <home>"})
    assert answer.headers["location"] == filtered
    site.client.cookies.clear()
    page = await site.get("/documents")
    assert '<a href="/documents?tag=home&amp;order=amount">At &lt;home&gt;</a>' in page
    assert "Forget this view" not in page
    assert 'aria-current="page">At &lt;home&gt;</a>' in await site.get(filtered)
    await site.post("/views", {"q": "rent", "name": "At <home>"})
    assert [view["query"] for view in await bulk.views(db.database)] == ["q=rent"]
    await site.post("/views/forget", {"name": "At <home>", "q": "rent"})
    assert await bulk.views(db.database) == []
    await site.post("/views/forget", {"name": "At <home>"}, status=404)
    for name in ("", "x" * 81):
        await site.post("/views", {"q": "rent", "name": name}, status=409)


async def test_there_are_a_hundred_views_at_most(site: Site, db: Harness) -> None:
    for number in range(100):
        await bulk.save_view(db.database, f"view {number}", "q=x")
    await bulk.save_view(db.database, "view 7", "q=y")
    await site.post("/views", {"q": "rent", "name": "one more"}, status=409)


async def test_who_may_not_change_is_offered_no_change(guarded: Site, db: Harness) -> None:
    await db.given_document("completed")
    broken = (await failed(db, 1))[0]
    await guarded.sign_in("reader")
    page = await guarded.get("/selection")
    assert "/selection.csv" in page
    assert "<form" not in page[page.index("<main") :]
    for path in ("retry", "tag", "delete"):
        await guarded.post(f"/selection/{path}", {"name": "x", "sure": "1"}, status=403)
    await guarded.sign_in("operator")
    await guarded.post("/selection/retry")
    assert await db.status_of(broken) == "pending"
    for path in ("/selection/tag", "/selection/delete", "/bulk-changes/1/undo", "/views", "/views/forget"):
        await guarded.post(path, {"name": "x", "sure": "1"}, status=403)


async def test_an_application_changes_many_unless_it_shares_the_database(
    database_url: str, signed_in: dict[str, str], db: Harness
) -> None:
    document = await db.given_document("completed")
    async with Database(database_url.replace("//postgres@", "//shop@"), max_size=1) as shop:
        assert await bulk.tag(shop, [document], "home") == 1
        (change,) = await bulk.changes(shop)
        assert (change["made_by"], change["number"]) == ("shop", 1)
        await db.sql("alter table alfrd.documents enable row level security")
        for act in (
            bulk.tag(shop, [document], "rent"),
            bulk.undo(shop, change["id"]),
            bulk.retry(shop, [document]),
            bulk.delete(shop, [document]),
            bulk.save_view(shop, "mine", "q=rent"),
            bulk.forget_view(shop, "mine"),
        ):
            with pytest.raises(Refused, match="row level security"):
                await act
    assert await db.one("select count(*) from alfrd.documents") == 1
