"""Who may export and import, and what two imports at once do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from tests.cli.papers import Papers
from tests.cli.program import Program


def _as(program: Program, login: str) -> Program:
    url = program.environment["ALFRD_DATABASE_URL"].replace("postgres@", f"{login}@")
    return Program(url)


def test_a_reader_exports_a_worker_imports_and_an_application_does_not(
    papers: Papers, copied: Papers, program: Program, copy: Program, signed_in: dict[str, str], tmp_path: Path
) -> None:
    id = papers.completed(tags=["home"])
    papers.sql("select alfrd.correct(%s, '{\"total_amount\": 99}')", id)

    assert _as(program, "wall").json("export", tmp_path / "out")["documents"] == 1
    _as(program, "wall").inside("get", id, "-o", tmp_path / "a.txt")

    told = _as(copy, "shop").inside("import", tmp_path / "out", exit_code=1)[1]
    assert "permission denied for function import_document" in told
    assert copied.one("select count(*) from alfrd.documents") == 0
    assert _as(copy, "mill").json("import", tmp_path / "out")["documents"] == 1
    assert copied.one("select corrected_by from alfrd.corrections") == "postgres"
    _as(copy, "shop").inside("files", "create", "Home", "--tags", "home")
    _as(copy, "shop").inside("tags", "rename", "home", "house")
    assert "permission denied" in _as(copy, "wall").inside("tags", "rename", "house", "home", exit_code=1)[1]


def test_what_waits_between_two_steps_goes_on_where_it_was(
    papers: Papers, copied: Papers, program: Program, copy: Program, tmp_path: Path
) -> None:
    papers.sql("insert into alfrd.documents (filename, content) values ('new.txt', 'Acme bill')")
    papers.sql(
        "insert into alfrd.documents (filename, content, status) values ('read.txt', 'Acme bill', 'ocr_completed')"
    )
    papers.sql(
        "insert into alfrd.documents (filename, content, status) values ('gone.txt', 'x', 'cancelled')"
    )

    program.inside("export", tmp_path / "out")
    copy.inside("import", tmp_path / "out")

    waiting = copied.sql(
        "select d.filename, t.step, t.state from alfrd.tasks t join alfrd.documents d on d.id = t.subject_id order by 1"
    )
    assert [tuple(row.values()) for row in waiting] == [
        ("new.txt", "ocr", "ready"),
        ("read.txt", "classify", "ready"),
    ]


def test_an_alert_that_was_dismissed_stays_so(
    papers: Papers, copied: Papers, program: Program, copy: Program, tmp_path: Path
) -> None:
    papers.completed()
    papers.sql(
        "insert into alfrd.series_alerts (series_id, kind, key, detail, dismissed_at)"
        " select id, 'ended', 'ended:1', 'no more came', now() from alfrd.series"
    )
    papers.sql(
        "insert into alfrd.series_aliases (owner, entity_key, kind, series_id)"
        " select owner, 'acmeltd', kind, id from alfrd.series"
    )

    program.inside("export", tmp_path / "out")
    copy.inside("import", tmp_path / "out")
    copy.inside("import", tmp_path / "out")

    (alert,) = copied.sql("select key, dismissed_at is not null as dismissed from alfrd.series_alerts")
    assert alert == {"key": "ended:1", "dismissed": True}
    assert copied.one("select entity_key from alfrd.series_aliases") == "acmeltd"


def test_two_documents_that_bring_the_same_series_at_once_share_it(papers: Papers, copied: Papers) -> None:
    """The second gives up its turn after 200 ms, as on a loaded server, and must wait at the index then."""
    papers.completed()
    row = papers.one("select to_jsonb(s)::text from alfrd.series s")
    ask = "select alfrd.find_or_import_series(%s::jsonb)"
    with (
        psycopg.connect(copied.url) as first,
        psycopg.connect(copied.url) as second,
        ThreadPoolExecutor(max_workers=1) as other,
    ):
        made = first.execute(ask, [row]).fetchone()
        waiting = other.submit(lambda: second.execute(ask, [row]).fetchone())
        while (
            not waiting.done()
            and copied.one("select wait_event from pg_stat_activity where pid = %s", second.info.backend_pid)
            != "transactionid"
        ):
            pass
        first.commit()
        assert waiting.result() == made
