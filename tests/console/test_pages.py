"""What the pages say agrees with the database, and what their forms do is done."""

from __future__ import annotations

import re
from decimal import Decimal
from uuid import UUID

import pytest

from alfrd_events.console.pages.document import value_of
from alfrd_events.console.pages.documents import totals_of
from alfrd_events.db import console as ask
from testing.harness import Harness
from tests.console.conftest import A_PICTURE, Site, words_of


def names_in(page: str) -> list[str]:
    """The documents of a list, in its order."""
    return re.findall(r'<td class="main"><a href="/documents/([0-9a-f-]{36})"', page)


async def some_documents(db: Harness) -> dict[str, UUID]:
    """Three documents of which each differs."""
    found = {}
    for name, total, currency, date, tag in (
        ("power", "12.50", "USD", "2024-03-01", "home"),
        ("rent", "1850", "USD", "2024-05-02", "home"),
        ("cloth", "99.95", "EUR", "2024-04-03", "shop"),
    ):
        found[name] = await db.given_document("completed", tags=[tag])
        await db.sql(
            "update alfrd.documents set filename = %s, total_amount = %s, currency = %s, document_date = %s"
            " where id = %s",
            f"{name}.pdf",
            Decimal(total),
            currency,
            date,
            found[name],
        )
        await db.sql("update alfrd.pages set text = %s where document_id = %s", f"a {name} bill", found[name])
    return found


async def test_filters_are_the_address(site: Site, db: Harness) -> None:
    known = await some_documents(db)
    for address, expected in {
        "": ["cloth", "rent", "power"],
        "?order=amount": ["rent", "cloth", "power"],
        "?order=name": ["cloth", "power", "rent"],
        "?tag=HOME": ["rent", "power"],
        "?least=50&most=100": ["cloth"],
        "?since=2024-04-01&until=2024-04-30": ["cloth"],
        "?status=failed": [],
        "?type=utility_bill&order=date": ["rent", "cloth", "power"],
        "?q=rent": ["rent"],
        "?q=bill+clo": ["cloth"],
        "?q=.PDF": ["cloth", "rent", "power"],
        "?q=no+such+word": [],
    }.items():
        shown = names_in(await site.get(f"/documents{address}"))
        assert shown == [str(known[name]) for name in expected], address


async def test_a_list_says_how_many_and_how_much(site: Site, db: Harness) -> None:
    await some_documents(db)
    text = " ".join(re.sub(r"<[^>]+>", " ", await site.get("/documents?part=list")).split())
    assert "3 documents 1,862.50 USD 99.95 EUR" in text


async def test_a_part_is_the_same_as_in_its_page(site: Site, db: Harness) -> None:
    await some_documents(db)
    part = await site.get("/documents?part=list")
    assert part.strip() in await site.get("/documents")
    assert part.lstrip().startswith('<section id="list"')


async def test_a_search_shows_where(site: Site, db: Harness) -> None:
    await some_documents(db)
    assert "<mark>rent</mark> bill" in await site.get("/documents?q=rent")


async def test_pages_of_a_list_follow_one_another(site: Site, db: Harness) -> None:
    await db.sql(
        "insert into alfrd.documents (filename, content)"
        " select n || '.txt', convert_to(n::text, 'UTF8') from generate_series(1, 120) as n"
    )
    first = names_in(await site.get("/documents"))
    second = names_in(await site.get("/documents?page=2"))
    last = names_in(await site.get("/documents?page=99"))
    assert [len(first), len(second), len(last)] == [50, 50, 20]
    assert len({*first, *second, *last}) == 120


async def test_what_is_more_than_is_counted_says_so(
    site: Site, db: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.sql(
        "insert into alfrd.documents (filename, content, total_amount, currency)"
        " select n || '.txt', convert_to(n::text, 'UTF8'), 1, 'USD' from generate_series(1, 120) as n"
    )
    exact = words_of(await site.get("/documents?part=list"))
    assert exact.startswith("120 documents 120.00 USD")
    assert exact.endswith("1 of 3 Next")
    monkeypatch.setattr(ask, "MOST_COUNTED", 100)
    first, last = await site.get("/documents?part=list"), await site.get("/documents?page=3&part=list")
    assert words_of(first).startswith("100+ documents Change or export all of them Document")
    assert words_of(first).endswith("1 Next")
    assert len(names_in(last)) == 20
    assert words_of(last).endswith("Previous 3")
    assert names_in(await site.get("/documents?page=99")) == names_in(first)
    assert "100+ documents 100+ came in today" in words_of(await site.get("/"))


async def test_a_few_that_fit_are_counted_and_summed_as_they_are_shown(site: Site, db: Harness) -> None:
    await some_documents(db)
    wanted = ask.Filter()
    shown = await ask.documents(db.database, wanted, limit=10)
    assert totals_of(shown) == await ask.totals(db.database, wanted) | {
        "sums": [
            {"currency": "USD", "total": Decimal("1862.50")},
            {"currency": "EUR", "total": Decimal("99.95")},
        ]
    }


async def test_the_marks_of_a_pattern_are_searched_as_they_are(site: Site, db: Harness) -> None:
    known = await some_documents(db)
    await db.sql("update alfrd.documents set filename = 'a_b.pdf' where id = %s", known["rent"])
    assert names_in(await site.get("/documents?q=a_b")) == [str(known["rent"])]
    assert names_in(await site.get("/documents?q=a_d")) == []


async def test_a_document_shows_its_values_with_their_places(site: Site, db: Harness) -> None:
    document = await db.given_document("completed")
    evidence = (
        '{"total_amount": {"page": 1, "text": "$12.50", "box": [0.5, 0.25, 0.6, 0.3], "confidence": 0.42,'
        ' "alternatives": ["13.50"]}}'
    )
    await db.sql("update alfrd.pages set source = 'ocr' where document_id = %s", document)
    await db.sql("set alfrd.actor = 'worker'")
    await db.sql("update alfrd.documents set evidence = %s where id = %s", evidence, document)
    text = await site.get(f"/documents/{document}")
    assert re.search(r'id="place-total_amount"[^>]* x="496.0" y="247.0" width="108.0" height="56.0"', text)
    assert 'href="#place-total_amount"' in text
    assert "or 13.50" in text
    assert "42 %" in text
    assert "has been completed since" in text
    assert "Finding values" in text


async def test_a_value_is_corrected_and_taken_back(site: Site, db: Harness) -> None:
    document = await db.given_document("completed")
    await site.post(
        f"/documents/{document}/correct",
 {"total_amount": "99.10", "was.total_amount": "12.50", "entity": "Acme Power", "was.entity": "Acme Power"},
    )  # fmt: skip
    row = (await db.sql("select total_amount, corrected from alfrd.documents"))[0]
    assert (row["total_amount"], row["corrected"]) == (Decimal("99.10"), ["total_amount"])
    text = await site.get(f"/documents/{document}")
    assert "Corrected: Total." in text
    assert "Corrected: Total." not in await site.get(f"/documents/{document}")
    await site.post(f"/documents/{document}/undo")
    assert await db.one("select total_amount from alfrd.documents") == Decimal("12.50")


async def test_a_value_that_makes_no_sense_is_refused_in_a_sentence(site: Site, db: Harness) -> None:
    document = await db.given_document("completed")
    answer = await site.post(
        f"/documents/{document}/correct", {"total_amount": "much", "was.total_amount": "12.50"}, status=409
    )
    assert "a number with a point" in answer.text
    assert await db.one("select total_amount from alfrd.documents") == Decimal("12.50")


async def test_what_failed_is_tried_again_by_its_reason(site: Site, db: Harness) -> None:
    ids = [await db.given_document() for _ in range(3)]
    for index, id in enumerate(ids):
        reason = "the file is damaged" if index < 2 else "no such type"
        await db.sql("set alfrd.actor = 'worker'")
        await db.sql("delete from alfrd.tasks where subject_id = %s", id)
        await db.sql(
            "update alfrd.documents set status = 'failed', failed_step = 'ocr', filename = %s, error = %s"
            " where id = %s",
            f"{index}.pdf",
            f"{index}.pdf: {reason}",
            id,
        )
    text = await site.get("/")
    assert "the file is damaged" in text
    assert "Try all 2 again" in text
    await site.post("/retry", {"step": "ocr", "reason": "the file is damaged"})
    statuses = [await db.status_of(id) for id in ids]
    assert statuses == ["pending", "pending", "failed"]


async def test_a_done_document_is_done_again_from_the_start(site: Site, db: Harness) -> None:
    document = await db.given_document("completed")
    await site.post(f"/documents/{document}/retry")
    assert await db.status_of(document) == "pending"
    await site.post(f"/documents/{document}/cancel")
    assert await db.status_of(document) == "cancelled"


async def test_a_step_is_paused_and_goes_on(site: Site, db: Harness) -> None:
    await site.post("/steps/ocr/pause")
    assert 'action="/steps/ocr/resume"' in await site.get("/work")
    await site.post("/steps/ocr/resume")
    assert await db.one("select count(*) from alfrd.pauses") == 0
    await site.post("/steps/nonsense/pause", status=404)


async def test_a_replay_is_looked_at_first(site: Site, db: Harness) -> None:
    document = await db.given_document("classified")
    await db.sql("delete from alfrd.tasks")
    assert "emit 1 task again" in (await site.get("/work?preview=stuck")).lower()
    assert await db.tasks_of(document) == {}
    await site.post("/replay")
    assert await db.tasks_of(document) == {"summarize": "ready"}


async def test_files_come_in_once(site: Site, db: Harness) -> None:
    files = [("files", ("a.txt", b"one")), ("files", ("C:\\scans\\b.txt", b"two"))]
    await site.post("/upload", {"tags": "home, paper"}, files=files)
    await site.post("/upload", files=files[:1])
    rows = await db.sql("select filename, tags from alfrd.documents order by filename")
    assert [(row["filename"], row["tags"]) for row in rows] == [
        ("a.txt", ["home", "paper"]),
        ("b.txt", ["home", "paper"]),
    ]
    assert "1 document known already" in await site.get("/documents")


async def test_several_files_are_the_pages_of_one_document(site: Site, db: Harness) -> None:
    files = [("files", ("1.jpg", b"one")), ("files", ("2.jpg", b"two"))]
    answer = await site.post("/upload", {"as_one": "1"}, files=files)
    document = answer.headers["location"].removeprefix("/documents/")
    parts = await db.sql("select number, filename from alfrd.document_parts order by number")
    assert [tuple(part.values()) for part in parts] == [(1, "1.jpg"), (2, "2.jpg")]
    assert (await site.client.get(f"/documents/{document}/original/2")).content == b"two"


async def test_a_form_without_a_file_says_so(site: Site) -> None:
    await site.post("/upload", files=[("files", ("", b""))])
    assert "Choose at least one file." in await site.get("/documents")


async def test_programs_bring_documents_and_look(site: Site) -> None:
    files = {"files": ("a.txt", b"one")}
    made = (await site.client.post("/api/documents", files=files, data={"tags": "x"})).json()
    assert [each["new"] for each in made] == [True]
    assert (await site.client.post("/api/documents", files=files)).json()[0]["id"] == made[0]["id"]
    listed = (await site.client.get("/api/documents?tag=x")).json()
    assert [row["id"] for row in listed] == [made[0]["id"]]
    one = (await site.client.get(f"/api/documents/{made[0]['id']}")).json()
    assert one["filename"] == "a.txt"
    assert (await site.client.post("/api/documents", data={"tags": "x"})).status_code == 400


async def test_a_page_is_drawn_once_and_turned_as_it_was_read(site: Site, db: Harness) -> None:
    document = await db.given_document("completed")
    await db.sql("update alfrd.pages set layout = '{\"rotation\": 90}'")
    for _ in range(2):
        answer = await site.client.get(f"/documents/{document}/pages/1.jpg?side=480&v=1")
        assert (answer.content, answer.headers["content-type"]) == (A_PICTURE, "image/jpeg")
    assert site.drawer.drawn == [("a.txt", 1, 90, 480)]
    await site.client.get(f"/documents/{document}/pages/1.jpg?side=480&v=2")
    assert len(site.drawer.drawn) == 2
    await site.get(f"/documents/{document}/pages/2.jpg?side=480", 404)


async def test_what_cannot_be_drawn_has_a_picture_that_says_so(site: Site, db: Harness) -> None:
    for content in (b"broken", b"text alone"):
        document = await db.one(
            "insert into alfrd.documents (filename, content) values ('a.pdf', %s) returning id", content
        )
        await db.sql("insert into alfrd.pages (document_id, number) values (%s, 1)", document)
        answer = await site.client.get(f"/documents/{document}/pages/1.jpg")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")


async def test_series_and_files_show_their_documents(site: Site, db: Harness) -> None:
    document = await db.given_document("completed")
    series = await db.one("select series_id from alfrd.documents")
    file = await db.one("select id from alfrd.files limit 1")
    assert "Acme Power, electricity" in await site.get("/series")
    assert str(document) in await site.get(f"/series/{series}")
    assert str(document) in await site.get(f"/files/{file}")
    assert str(file) in await site.get("/files")


async def test_an_empty_database_says_what_to_do(site: Site) -> None:
    assert "Bring a document in" in await site.get("/")
    assert "No documents yet" in await site.get("/documents")
    assert "No series yet" in await site.get("/series")
    assert "No files yet" in await site.get("/files")
    assert "alfrd-events run" in await site.get("/work")


async def test_a_database_that_is_away_is_a_page_and_no_blank(site: Site) -> None:
    await site.console.database.close()
    text = await site.get("/documents", 503)
    assert "The database is away" in text
    assert '<nav aria-label="Pages">' in text


async def given_review(db: Harness, confidence: float) -> UUID:
    document = await db.given_document("completed")
    await db.sql("set alfrd.actor = 'worker'")
    await db.sql(
        "update alfrd.documents set needs_review = true, review_reason = 'The total is unsure.',"
        " review_confidence = %s where id = %s",
        confidence,
        document,
    )
    await db.sql("reset alfrd.actor")
    return document


async def test_reviews_come_one_after_the_other_the_worst_first(site: Site, db: Harness) -> None:
    good, worst, bad = [await given_review(db, confidence) for confidence in (0.7, 0.2, 0.5)]
    assert "The total is unsure." in await site.get("/")
    at = (await site.post("/review")).headers["location"]
    assert at == f"/documents/{worst}?review=1"
    at = (await site.post(f"/documents/{worst}/accept", {"review": "1"})).headers["location"]
    assert at == f"/documents/{bad}?review=1"
    at = (await site.post(f"/documents/{bad}/skip")).headers["location"]
    assert at == f"/documents/{good}?review=1"
    at = (
        await site.post(
            f"/documents/{good}/correct",
            {"total_amount": "1.00", "was.total_amount": "12.50", "review": "1"},
        )
    ).headers["location"]
    assert at == "/"
    assert "Nothing is left to review." in await site.get("/")
    left = await db.sql("select id from alfrd.documents where needs_review")
    assert [row["id"] for row in left] == [bad]


async def test_what_a_correction_taught_settles_the_other_reviews_of_the_sender(
    site: Site, db: Harness
) -> None:
    *others, worst = [await given_review(db, confidence) for confidence in (0.7, 0.6, 0.5, 0.2)]
    stranger = await given_review(db, 0.3)
    await db.sql("update alfrd.pages set text = 'Amount due' || chr(10) || 'Kindly remit 13.00'")
    await db.sql("set alfrd.actor = 'worker'")
    await db.sql("update alfrd.documents set entity = 'Zenith' where id = %s", stranger)
    await db.sql("reset alfrd.actor")
    assert (await site.post("/review")).headers["location"] == f"/documents/{worst}?review=1"
    assert "Apply what was learned" not in await site.get(f"/documents/{worst}?review=1")

    changed = {"total_amount": "13.00", "was.total_amount": "12.50", "review": "1"}
    at = (await site.post(f"/documents/{worst}/correct", changed)).headers["location"]

    assert at == f"/documents/{stranger}?review=1"
    page = await site.get(at)
    assert "Apply what was learned to 3 more of that sender" in page
    assert f'action="/documents/{worst}/apply-lessons"' in page
    assert "Apply what was learned" not in await site.get(f"/documents/{others[0]}")
    at = (await site.post(f"/documents/{worst}/apply-lessons", {"shown": str(stranger)})).headers["location"]
    assert at == f"/documents/{stranger}?review=1", "those that are done again are nobody's to review"
    page = await site.get(at)
    assert "3 documents will be done again with what was taught." in page
    assert "Apply what was learned" not in page
    rows = await db.sql("select distinct unnest(apply_to) as id from alfrd.lessons")
    assert {row["id"] for row in rows} == set(others), "no worker has tried what was taught yet"


async def test_what_was_taught_is_applied_where_it_was_corrected_too(site: Site, db: Harness) -> None:
    one, other = [await given_review(db, confidence) for confidence in (0.7, 0.6)]
    await db.sql("update alfrd.pages set text = 'Kindly remit 13.00'")
    changed = {"total_amount": "13.00", "was.total_amount": "12.50"}

    at = (await site.post(f"/documents/{one}/correct", changed)).headers["location"]
    assert "Apply what was learned to 1 more of that sender" in await site.get(at)
    assert (await site.post(f"/documents/{one}/apply-lessons")).headers["location"] == at

    assert "1 document will be done again with what was taught." in await site.get(at)
    await site.post(f"/documents/{one}/apply-lessons")
    assert "No other document of that sender needs review any more." in await site.get(at)
    rows = await db.sql("select distinct apply_to from alfrd.lessons")
    assert [row["apply_to"] for row in rows] == [[other]], "no worker has tried what was taught yet"
    await site.post(f"/documents/{one}/apply-lessons", {"shown": "no id"}, status=404)


async def test_two_people_never_review_the_same(site: Site, db: Harness) -> None:
    for confidence in (0.2, 0.5):
        await given_review(db, confidence)
    one = (await site.post("/review")).headers["location"]
    site.client.cookies.clear()
    assert (await site.post("/review")).headers["location"] != one


@pytest.mark.parametrize(
    ("told", "field", "value"),
    [
        ("Total due 1.234,50 EUR", "total_amount", "1234.50"),
        ("3 x $4.00 $12.00", "total_amount", "12.00"),
        ("Thank you", "total_amount", ""),
        ("Due: April 11, 2024", "due_date", "2024-04-11"),
        ("05/04/2024", "document_date", "2024-05-04"),
        ("Mar 14, 2024 - Apr 13, 2024", "period_end", "2024-04-13"),
        (" Acme   Power ", "entity", "Acme Power"),
    ],
)
def test_a_line_becomes_a_value_of_its_field(told: str, field: str, value: str) -> None:
    assert value_of(told, field, "Bill date 04/23/2024") == value


async def test_a_line_is_asked_for_by_its_place(site: Site, db: Harness) -> None:
    document = await db.given_document("completed")
    await db.sql(
        "update alfrd.pages set layout = %s",
        '{"lines": [{"text": "Total $1,250.00", "box": [0.1, 0.1, 0.5, 0.2]}, {"box": ["a", 0, 1, 1]}, 7]}',
    )
    page = f"/documents/{document}/pages/1/lines"
    assert await site.get(f"{page}/0?field=total_amount") == "1250.00"
    assert await site.get(f"{page}/2?field=total_amount") == ""
    await site.get(f"{page}/9", 404)
    await site.get(f"/documents/{document}")


async def test_what_failed_is_found_without_reading_all_documents(site: Site, db: Harness) -> None:
    """Whatever says why it failed is in the index; a person who sets a status gives a reason by that alone."""
    document = await db.given_document()
    await db.sql("update alfrd.documents set status = 'failed' where id = %s", document)
    assert "set to failed by" in await site.get("/")
    assert names_in(await site.get("/documents?status=failed")) == [str(document)]
    where, given = ask.Filter(status="failed").where()
    async with db.database.connection() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        plan = await (
            await connection.execute("explain select id from alfrd.documents d" + where, given)
        ).fetchall()
    assert "documents_failed" in str(plan)
