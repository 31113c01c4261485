"""``import-alfrd``: a database of the program before this one is taken over, with its files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from testing.server import Server
from tests.cli.papers import Papers
from tests.cli.program import Program

# The tables of the former program with the columns that are read, and some that are not.
FORMER = """
create table prompts (id uuid primary key, prompt_type varchar not null, document_type varchar, prompt_text text,
  version integer, performance_score float, is_active boolean, user_id varchar, created_at timestamptz default now());
create table documents (id uuid primary key, filename varchar not null, original_path varchar not null,
  file_type varchar, status varchar not null, error_message text, last_error text, document_type varchar,
  classification_confidence float, classification_reasoning text, vendor varchar, amount numeric(10, 2),
  currency varchar default 'USD', due_date date, issue_date date, raw_document_path varchar,
  extracted_text_path varchar, folder_path varchar, user_id varchar, created_at timestamptz default now(),
  extracted_text text, extracted_text_tsv tsvector, summary text,
  structured_data jsonb, structured_data_generic jsonb, folder_metadata jsonb);
create table document_types (type_name varchar unique, description text);
create table tags (id uuid primary key, tag_name varchar, tag_normalized varchar unique, created_by varchar);
create table document_tags (document_id uuid, tag_id uuid, primary key (document_id, tag_id));
create table files (id uuid primary key, summary_text text, summary_metadata jsonb, status varchar, user_id varchar,
  aggregated_content text, last_generated_at timestamptz, created_at timestamptz default now());
create table file_documents (file_id uuid, document_id uuid);
create table file_tags (file_id uuid, tag_id uuid);
create table series (id uuid primary key, title varchar, entity varchar, series_type varchar, frequency varchar,
  description text, metadata jsonb, user_id varchar, created_at timestamptz default now());
create table document_series (document_id uuid, series_id uuid, added_at timestamptz default now());
create table events (id integer);
insert into events select generate_series(1, 1234);
"""


def ident(number: int) -> str:
    return str(UUID(int=number, version=4))


POWER, SCHOOL, GONE, BROKEN, WAITING, TWIN = (ident(n) for n in range(1, 7))


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """The files of the former program, where they are now."""
    raw = tmp_path / "moved" / "documents" / "2025" / "12" / "raw"
    for name in (POWER, SCHOOL, WAITING, TWIN):
        (raw / name).mkdir(parents=True)
        (raw / name / "meta.json").write_text("{}")
    (raw / POWER / "b.txt").write_text("second page")
    (raw / POWER / "a.txt").write_text("first page")
    (raw / POWER / "notes.txt").write_text("a file that meta.json does not name")
    (tmp_path / "secret.txt").write_text("of somebody else")
    (raw / POWER / "stolen.txt").symlink_to(tmp_path / "secret.txt")
    (raw / SCHOOL / "letter.txt").write_text("School trip")
    (raw / TWIN / "letter.txt").write_text("School trip")
    (raw / WAITING / "bill.txt").write_text("Acme Power\nInvoice\nDate: 04/02/2024\nTotal USD 12.00\n")
    return tmp_path / "moved"


@pytest.fixture
def former(server: Server, disk: Path) -> Iterator[str]:
    """A database of the former program, with rows of every kind."""
    with server.database() as name, psycopg.connect(server.url(name), autocommit=True) as connection:
        connection.execute(FORMER)  # type: ignore[call-overload]
        _fill(connection)
        yield server.url(name)


def _fill(connection: psycopg.Connection) -> None:
    meta = {
        "documents": [
            {"file": "b.txt", "order": 2},
            {"file": "a.txt", "order": 1},
            {"file": "stolen.txt", "order": 3},
            {"file": "../../secret.txt", "order": 4},
        ]
    }
    askew = json.dumps({"amount": "$1,045.10", "statement_date": "2024-03-01", "account_number": "7710-9982"})
    rows = [
        (
            POWER,
            "completed",
            "Utility Bill",
            1.5,
            "Acme Power",
            None,
            "first page\n\nsecond page",
            "power",
            meta,
        ),
        (SCHOOL, "completed", "school", 0.9, None, "12.50", "School trip", "a trip", None),
        (GONE, "completed", "junk", 0.5, None, None, "only text is left", "gone", None),
        (BROKEN, "permanently_failed", None, None, None, None, None, None, None),
        (WAITING, "classifying", None, None, None, None, "half", None, None),
        (TWIN, "completed", "school", 0.9, None, None, "School trip", "again", None),
    ]
    for number, (id, status, kind, confidence, vendor, amount, text, summary, folder) in enumerate(rows):
        connection.execute(
            "insert into documents (id, filename, original_path, file_type, status, error_message, document_type,"
            " classification_confidence, vendor, amount, extracted_text, summary, folder_metadata, raw_document_path,"
            " structured_data, structured_data_generic, user_id, created_at)"
            " values (%s, %s, '/data/inbox/x', 'folder', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
            " timestamptz '2025-12-01' + %s * interval '1 day')",
            [
                id, f"folder {number}", status, "the OCR is gone" if id == BROKEN else None, kind, confidence, vendor,
                amount, text, summary, json.dumps(folder) if folder else None, f"/data/documents/2025/12/raw/{id}",
                json.dumps(askew) if id == POWER else None, json.dumps({"usage_kwh": 568}) if id == POWER else None,
                "ann" if id == SCHOOL else None, number,
            ],
        )  # fmt: skip
    tags = [("home", "user"), ("energy", "llm"), ("utility bill", "system"), ("series:acme-power", "system")]
    for number, (tag, by) in enumerate(tags):
        connection.execute(
            "insert into tags values (%s, %s, %s, %s)", [ident(20 + number), tag.upper(), tag, by]
        )
        connection.execute("insert into document_tags values (%s, %s)", [POWER, ident(20 + number)])
    for number, title in enumerate(("Acme Power, electricity", "Somebody else", "Nothing in it")):
        connection.execute(
            "insert into series"
            " values (%s, %s, %s, 'monthly_electricity_bill', 'monthly', 'of the house', %s, null, now())",
            [ident(30 + number), title, title.partition(",")[0], json.dumps({"account_number": "7710-9982"})],
        )
    for which, back in ((30, "0 days"), (31, "9 days")):
        connection.execute(
            "insert into document_series values (%s, %s, now() - %s::interval)", [POWER, ident(which), back]
        )
    for which, tagged in ((40, [20]), (41, []), (42, [23])):
        connection.execute(
            "insert into files values (%s, 'All of it', %s, 'generated', null, 'x', now(), now())",
            [ident(which), json.dumps({"insights": ["it rises"]})],
        )
        for tag_number in tagged:
            connection.execute("insert into file_tags values (%s, %s)", [ident(which), ident(tag_number)])
    connection.execute(
        "insert into file_documents values (%s, %s), (%s, %s)", [ident(40), POWER, ident(40), GONE]
    )
    for number, (kind, of, text) in enumerate(
        [
            ("classifier", None, "Say what it is."),
            ("summarizer", "school", "Say when the trip is."),
            ("chat_system", None, "Be kind."),
            ("summarizer", None, " "),
        ]
    ):
        connection.execute(
            "insert into prompts values (%s, %s, %s, %s, 3, 0.8, %s, null, now())",
            [ident(50 + number), kind, of, text, number == 0],
        )


def test_everything_that_has_a_place_here_comes_in_and_the_rest_is_told(
    copy: Program, copied: Papers, former: str, disk: Path
) -> None:
    told = copy.json("import-alfrd", former, "--files", disk)

    assert {name: told[name] for name in ("documents", "known", "series", "files", "prompts")} == {
        "documents": 5, "known": 1, "series": 1, "files": 2, "prompts": 2,
    }  # fmt: skip
    left = "\n".join(told["left"])
    for sentence in (
        f"the files of document {GONE} (folder 2): not on the disk; it is kept with its text",
        f"the files of document {BROKEN} (folder 3): not on the disk; it is kept without text",
        f"document {POWER} (folder 0) in series Somebody else: a document is in one series",
        f"document {TWIN} (folder 5): another document has the same bytes",
        "series Nothing in it: it has no documents",
        f"file {ident(41)}: it has no tags",
        f"1 documents of file {ident(40)} (home): they do not carry its tags",
        "prompt chat_system, version 3: this program has no prompts of that kind",
        "prompt summarizer, version 3: it is empty",
        "that prompt classifier, version 3 is active: it waits here",
        "1,234 rows of events",
    ):
        assert sentence in left

    shown = copy.json("show", POWER)
    assert shown["status"] == "completed"
    assert (shown["document_type"], shown["entity"], shown["total_amount"]) == (
        "utility_bill",
        "Acme Power",
        1045.1,
    )
    assert (shown["document_date"], shown["account_number"]) == ("2024-03-01", "7710-9982")
    assert shown["structured_data"] == {"usage_kwh": 568}
    assert shown["classification_confidence"] == 1
    assert {tag["tag"] for tag in shown["tags"]} >= {"home", "energy", "utility bill", "series:acme-power"}
    (series,) = (row for row in copy.json("series") if row["document_count"])
    assert (series["entity"], series["kind"], series["slug"]) == (
        "Acme Power",
        "electricity bill",
        "acme-power",
    )
    assert copied.one("select account from alfrd.series where slug = 'acme-power'") == "77109982"
    assert copied.sql(
        "select number, filename, convert_from(content, 'UTF8') as text from alfrd.document_parts"
        " where document_id = %s order by 1",
        POWER,
    ) == [
        {"number": 1, "filename": "a.txt", "text": "first page"},
        {"number": 2, "filename": "b.txt", "text": "second page"},
    ], "in the order of meta.json, and nothing from outside"
    assert copied.one("select owner from alfrd.documents where id = %s", SCHOOL) == "ann"
    again = disk / "documents" / "2025" / "12" / "raw" / SCHOOL / "letter.txt"
    assert copy.json("add", again)[0]["id"] == SCHOOL, "its bytes are known"
    failed = copy.json("show", BROKEN)
    assert (failed["status"], failed["error"]) == ("failed", "the OCR is gone")
    given = copied.sql("select tag, source from alfrd.tags where document_id = %s", POWER)
    assert {"tag": "energy", "source": "analyst"} in given
    assert {"tag": "home", "source": "user"} in given

    copy("run", "--once")
    assert copy.json("show", WAITING)["status"] == "completed", "what was on its way is read"
    assert copy.json("show", GONE)["summary"] == "gone", "what was done is not read again"
    assert copy.inside("search", "only text is left")[0].count(GONE[:8]) == 1


def test_twice_makes_no_doubles_and_a_dry_run_writes_nothing(
    copy: Program, copied: Papers, former: str, disk: Path
) -> None:
    would = copy.json("import-alfrd", former, "--dry-run", "--files", disk)
    assert (would["dry_run"], would["documents"], would["without_originals"]) == (True, 6, 2)
    assert copied.one("select count(*) from alfrd.documents") == 0
    assert "6 documents of 1 series would come in" in copy.inside("import-alfrd", former, "--dry-run")[0]

    copy.inside("import-alfrd", former, "--files", disk)
    tables = ("documents", "series", "files", "prompts", "document_parts", "pages", "document_types")
    counts = [copied.one(f"select count(*) from alfrd.{table}") for table in tables]
    again = copy.json("import-alfrd", former, "--files", disk)

    assert (again["documents"], again["known"], again["files"], again["prompts"]) == (0, 6, 0, 0)
    assert [copied.one(f"select count(*) from alfrd.{table}") for table in tables] == counts


def test_an_import_that_was_interrupted_is_done_again(
    copy: Program, copied: Papers, former: str, disk: Path
) -> None:
    with psycopg.connect(former, autocommit=True) as connection:
        connection.execute(
            "update documents set document_type = 'school', summary = repeat('x', 2000000) where id = %s",
            [SCHOOL],
        )
    err = copy.inside("import-alfrd", former, "--files", disk, exit_code=1)[1]
    assert SCHOOL in err
    assert copied.one("select count(*) from alfrd.documents") == 1
    with psycopg.connect(former, autocommit=True) as connection:
        connection.execute("update documents set summary = 'short' where id = %s", [SCHOOL])

    told = copy.json("import-alfrd", former, "--files", disk)
    assert (told["documents"], told["known"]) == (4, 2)


def test_the_former_database_is_never_written(copy: Program, former: str, disk: Path) -> None:
    def rows() -> list[object]:
        with psycopg.connect(former) as connection:
            return [
                connection.execute(
                    f"select xmin::text, xmax::text, t from {table} as t order by 3"
                ).fetchall()  # type: ignore[call-overload]
                for table in ("documents", "tags", "document_tags", "series", "files", "prompts")
            ]

    before = rows()
    copy.inside("import-alfrd", former, "--files", disk)

    assert rows() == before


def test_another_database_and_a_folder_that_is_none_are_refused(
    copy: Program, former: str, server: Server
) -> None:
    with server.database() as name:
        err = copy.inside("import-alfrd", server.url(name), exit_code=1)[1]
    assert "no database of ALFRD: it has no table documents" in err
    assert "is no folder" in copy.inside("import-alfrd", former, "--files", "/nowhere", exit_code=1)[1]


def test_a_database_of_an_earlier_year_has_no_series_and_files(
    copy: Program, former: str, disk: Path
) -> None:
    with psycopg.connect(former, autocommit=True) as connection:
        connection.execute(
            "drop table series, document_series, files, file_tags, file_documents, prompts, document_types"
        )
        connection.execute(
            "alter table documents drop column folder_metadata, drop column structured_data_generic"
        )
    told = copy.json("import-alfrd", former, "--files", disk)

    assert (told["documents"], told["series"], told["files"]) == (5, 0, 0)
