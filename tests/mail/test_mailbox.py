"""A mailbox as an inbox, on a real IMAP server: each message once, whatever breaks in between, and none is deleted."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import imapclient
import pytest

from alfrd_events.clients.imap import Folder, MailPlace, Wanted
from alfrd_events.errors import Permanent, Transient
from alfrd_events.ingest import mailbox
from alfrd_events.ingest.mailbox import MailWatch, Pace, Treatment
from testing.harness import Harness
from tests.faults.processes import until
from tests.mail.dovecot import PASSWORD, Dovecot
from tests.mail.messages import BILL, message

FLAG = "alfrd-done"
WITH_BILL = message(attached={"bill.txt": BILL.encode()})
TWO = "(select count(*) from alfrd.documents) = 2"


def watch(
    db: Harness, mail: Dovecot, *, folder: str = "INBOX", password: str = PASSWORD, **options: Any
) -> MailWatch:
    given = {
        name: options.pop(name) for name in ("max_bytes", "look_seconds", "pace", "sleep") if name in options
    }
    place = MailPlace.parse(mail.uri.replace("INBOX", folder))
    return MailWatch(
        db.database, place, lambda: password, Treatment(**options), **{"max_bytes": 1_000_000, **given}
    )


async def names(db: Harness) -> list[str]:
    return [row["filename"] for row in await db.sql("select filename from alfrd.documents order by filename")]


@asynccontextmanager
async def running(one: MailWatch) -> AsyncIterator[None]:
    task = asyncio.create_task(one.watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled(), task.exception()


@pytest.fixture
def idling(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Set when the server has said that it will tell."""
    event = threading.Event()
    check = imapclient.IMAPClient.idle_check

    def tell(self: imapclient.IMAPClient, timeout: float | None = None) -> Any:
        event.set()
        return check(self, timeout)

    monkeypatch.setattr(imapclient.IMAPClient, "idle_check", tell)
    yield event
    event.set()


# --- what becomes a document ---------------------------------------------------------------------


async def test_each_attachment_is_a_document_and_a_message_without_one_is_one_itself(
    db: Harness, mail: Dovecot
) -> None:
    mail.deliver(
        message(attached={"bill.txt": BILL.encode(), "März.txt": b"Rent: 900.00 EUR", "Thumbs.db": b"x"}),
        message("Re: a/b\u202e", text="Your order 17 was sent.\n"),
    )
    assert await watch(db, mail, tags=("mail",)).watch(once=True) == 0

    rows = await db.sql("select filename, tags, metadata, content from alfrd.documents order by filename")
    assert [row["filename"] for row in rows] == ["März.txt", "Re: a_b\ufffd.eml", "bill.txt"]
    assert {tuple(row["tags"]) for row in rows} == {("mail",)}
    assert rows[2]["metadata"]["mail"] == {
        "mailbox": mail.uri,
        "from": "Acme Power <billing@acme.example>",
        "subject": "Your bill",
        "date": "Tue, 05 Mar 2024 10:00:00 +0000",
        "message_id": rows[2]["metadata"]["mail"]["message_id"],
    }
    assert bytes(rows[2]["content"]) == BILL.encode()
    assert mail.flags() == {uid: {FLAG} for uid in mail.flags()}, "flagged, and neither read nor deleted"


async def test_a_message_is_one_document_with_all_that_is_attached_where_that_is_wanted(
    db: Harness, mail: Dovecot
) -> None:
    mail.deliver(WITH_BILL)
    await watch(db, mail, whole=True).watch(once=True)
    assert await names(db) == ["Your bill.eml"]
    assert bytes(await db.one("select content from alfrd.documents")) == WITH_BILL


async def test_what_does_not_fit_the_filter_is_left_alone_and_taken_when_the_filter_changes(
    db: Harness, mail: Dovecot
) -> None:
    mail.deliver(
        WITH_BILL,
        message("Your bill", text="without a file\n"),
        message("Grüße", attached={"photo.txt": b"a"}),
        message("Your bill", sender="other@example.org", attached={"other.txt": b"b"}),
    )
    only = watch(db, mail, wanted=Wanted("acme.example", "bill"), attachments_only=True)
    await only.watch(once=True)
    assert await names(db) == ["bill.txt"]
    assert sorted(map(len, mail.flags().values())) == [0, 0, 0, 1]

    await watch(db, mail, wanted=Wanted(subject="Grüße")).watch(once=True)
    assert await names(db) == ["bill.txt", "photo.txt"]
    await watch(db, mail).watch(once=True)
    assert await names(db) == ["Your bill.eml", "bill.txt", "other.txt", "photo.txt"]


async def test_a_message_that_was_passed_over_is_not_fetched_again(
    db: Harness, mail: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail.deliver(message(text="without a file\n"))
    await watch(db, mail, attachments_only=True).watch(once=True)

    async def never(self: Folder, uid: int) -> bytes:
        raise AssertionError(uid)

    monkeypatch.setattr(Folder, "fetch", never)
    await watch(db, mail, attachments_only=True).watch(once=True)
    assert list(mail.flags().values()) == [set()]


async def test_what_is_too_large_is_rejected_and_taken_when_it_may_be_larger(
    db: Harness, mail: Dovecot, caplog: pytest.LogCaptureFixture
) -> None:
    mail.deliver(message(attached={"large.txt": b"x" * 150}), message(text="y" * 90 + "\n" + "y" * 1500))
    assert await watch(db, mail, max_bytes=140).watch(once=True) == 2
    told = [str(record.facts["reason"]) for record in caplog.records if "rejected" in record.getMessage()]  # type: ignore[attr-defined]
    assert all("ALFRD_MAX_FILE_BYTES" in reason for reason in told)
    assert (len(told), await names(db), list(mail.flags().values())) == (2, [], [set(), set()])

    assert await watch(db, mail).watch(once=True) == 0
    assert await names(db) == ["Your bill.eml", "large.txt"]


# --- never twice, never lost ---------------------------------------------------------------------


async def test_a_message_is_taken_once_also_when_its_flag_and_its_document_are_gone(
    db: Harness, mail: Dovecot
) -> None:
    mail.deliver(WITH_BILL)
    await watch(db, mail).watch(once=True)
    id = await db.one("select id from alfrd.documents")
    await db.sql("select alfrd.delete_document(%s)", id)
    with mail.client() as client:
        client.remove_flags(client.search(), [FLAG])
    await watch(db, mail).watch(once=True)

    assert await names(db) == []
    assert list(mail.flags().values()) == [{FLAG}], "and it is flagged again"


@pytest.mark.parametrize("where", ["note_taken", "documents_of"])
async def test_a_crash_before_the_message_is_noted_makes_no_second_document(
    db: Harness, mail: Dovecot, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    async def crash(*_: object) -> None:
        raise KeyError("the power went out")

    mail.deliver(WITH_BILL)
    with monkeypatch.context() as broken:
        broken.setattr(mailbox, where, crash)
        with pytest.raises(KeyError):
            await watch(db, mail).watch(once=True)
    assert list(mail.flags().values()) == [set()]

    await watch(db, mail).watch(once=True)
    assert await names(db) == ["bill.txt"]
    assert list(mail.flags().values()) == [{FLAG}]


async def test_a_crash_before_the_flag_is_set_costs_no_second_read(
    db: Harness, mail: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> None:
        raise KeyError("the power went out")

    mail.deliver(WITH_BILL)
    with monkeypatch.context() as broken:
        broken.setattr(Folder, "flag", crash)
        with pytest.raises(KeyError):
            await watch(db, mail).watch(once=True)
    await db.sql("select alfrd.delete_document(id) from alfrd.documents")

    monkeypatch.setattr(Folder, "fetch", crash)
    await watch(db, mail).watch(once=True)
    assert (await names(db), list(mail.flags().values())) == ([], [{FLAG}])


async def test_when_all_numbers_of_a_folder_change_its_messages_are_still_known(
    db: Harness, mail: Dovecot
) -> None:
    def delivered() -> int:
        with mail.client() as client:
            client.create_folder("Bills")
            client.append("Bills", WITH_BILL)
            return int(client.folder_status("Bills", ["UIDVALIDITY"])[b"UIDVALIDITY"])

    first = delivered()
    await watch(db, mail, folder="Bills").watch(once=True)
    await db.sql("select alfrd.delete_document(id) from alfrd.documents")
    with mail.client() as client:
        client.delete_folder("Bills")
    assert delivered() != first, "the server gave the new folder other numbers"
    await watch(db, mail, folder="Bills").watch(once=True)

    assert await names(db) == []
    assert list(mail.flags("Bills").values()) == [{FLAG}]
    assert await db.one("select count(distinct uidvalidity) from alfrd.mail_messages") == 2


async def test_a_row_that_is_deleted_lets_a_message_be_read_again(db: Harness, mail: Dovecot) -> None:
    mail.deliver(WITH_BILL)
    await watch(db, mail).watch(once=True)
    await db.sql("select alfrd.delete_document(id) from alfrd.documents")
    await db.sql("delete from alfrd.mail_messages")
    with mail.client() as client:
        client.remove_flags(client.search(), [FLAG])
    await watch(db, mail).watch(once=True)
    assert await names(db) == ["bill.txt"]


async def test_a_message_that_the_database_doubts_does_not_stop_the_next(
    db: Harness, mail: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.sql(
        "create function doubt() returns trigger language plpgsql as $$ begin"
        " raise exception 'a broken disk' using errcode = 'XX001'; end $$;"
        "create trigger doubt before insert on alfrd.documents for each row"
        " when (new.filename = 'first.txt') execute function doubt()"
    )
    mail.deliver(message(attached={"first.txt": b"a"}), message(attached={"second.txt": b"b"}))
    async with running(watch(db, mail, look_seconds=0.1)):
        await until(db, "exists (select from alfrd.documents)")
        assert await names(db) == ["second.txt"]
        await db.sql("drop trigger doubt on alfrd.documents")
        await until(db, TWO)
        await until(db, "(select count(*) from alfrd.mail_messages) = 2")


# --- what is done with a message -----------------------------------------------------------------


async def test_messages_are_moved_to_a_folder_where_that_is_wanted(db: Harness, mail: Dovecot) -> None:
    with mail.client() as client:
        client.create_folder("Done ✓")
    mail.deliver(WITH_BILL, message("a", text="b"))
    await watch(db, mail, move_to="Done ✓").watch(once=True)
    assert (await names(db), mail.flags(), len(mail.flags("Done ✓"))) == (["a.eml", "bill.txt"], {}, 2)


async def test_without_that_folder_nothing_is_begun(db: Harness, mail: Dovecot) -> None:
    mail.deliver(WITH_BILL)
    with pytest.raises(Permanent, match="there is no folder Gone to move messages to"):
        await watch(db, mail, move_to="Gone").watch()
    assert await names(db) == []


async def test_a_server_that_could_only_copy_and_delete_is_told_so(db: Harness, plain_mail: Dovecot) -> None:
    with plain_mail.client() as client:
        client.create_folder("Done")
    plain_mail.deliver(WITH_BILL)
    with pytest.raises(Permanent, match="cannot move messages"):
        await watch(db, plain_mail, move_to="Done").watch()
    assert len(plain_mail.flags()) == 1


async def test_without_flags_the_database_alone_keeps_count(
    db: Harness, mail: Dovecot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "alfrd_events")
    monkeypatch.setattr(Folder, "keeps", lambda self, flag: False)
    mail.deliver(WITH_BILL)
    for _ in range(2):
        await watch(db, mail).watch(once=True)
    assert (await names(db), list(mail.flags().values())) == (["bill.txt"], [set()])
    assert await db.one("select count(*) from alfrd.mail_messages") == 1
    told = [record.facts for record in caplog.records if record.getMessage() == "watching"]  # type: ignore[attr-defined]
    assert "kept in the database only" in told[0]["done"]


# --- how new mail is noticed ---------------------------------------------------------------------


async def test_the_server_tells_of_new_mail(db: Harness, mail: Dovecot, idling: threading.Event) -> None:
    """The next look would come in an hour."""
    async with running(watch(db, mail, look_seconds=3600)):
        await asyncio.to_thread(idling.wait)
        mail.deliver(WITH_BILL)
        await until(db, "exists (select from alfrd.mail_messages)")
    assert await names(db) == ["bill.txt"]


async def test_a_server_that_does_not_tell_is_asked(db: Harness, plain_mail: Dovecot) -> None:
    async with running(watch(db, plain_mail, look_seconds=0.1)):
        for number in range(3):
            plain_mail.deliver(message(attached={f"{number}.txt": str(number).encode()}))
            await until(db, f"(select count(*) from alfrd.mail_messages) = {number + 1}")
    assert await names(db) == ["0.txt", "1.txt", "2.txt"]


async def test_an_outage_is_told_in_one_line_and_costs_no_message(
    db: Harness, caplog: pytest.LogCaptureFixture, mail: Dovecot, idling: threading.Event
) -> None:
    caplog.set_level("INFO", "alfrd_events.mailbox")

    def told(text: str) -> int:
        return sum(text in record.getMessage() for record in caplog.records)

    pauses: list[float] = []
    fourth, back = asyncio.Event(), asyncio.Event()

    def look_for_the_end(record: logging.LogRecord) -> bool:
        if "mail comes in again" in record.getMessage():
            back.set()
        return True

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 4:
            fourth.set()
        await asyncio.sleep(0.01)

    caplog.handler.addFilter(look_for_the_end)
    mail.deliver(WITH_BILL)
    async with running(watch(db, mail, look_seconds=3600, sleep=sleep)):
        await asyncio.to_thread(idling.wait)
        with mail.stopped():
            await fourth.wait()
        mail.deliver(message(attached={"second.txt": b"b"}))
        await until(db, "(select count(*) from alfrd.mail_messages) = 2")
        await back.wait()
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert (told("no mail comes in now"), told("mail comes in again")) == (1, 1)


async def test_a_login_that_is_refused_later_is_an_outage_and_not_the_end(
    db: Harness, mail: Dovecot, idling: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    password, refused = [PASSWORD], asyncio.Event()
    before = mail.log().count("auth failed")

    async def sleep(seconds: float) -> None:
        if mail.log().count("auth failed") > before:
            refused.set()
        await asyncio.sleep(0.01)

    place = MailPlace.parse(mail.uri)
    one = MailWatch(db.database, place, lambda: password[0], max_bytes=1_000_000, sleep=sleep)
    async with running(one):
        await asyncio.to_thread(idling.wait)
        with mail.stopped():
            password[0] = "old"
        await refused.wait()
        password[0] = PASSWORD
        mail.deliver(WITH_BILL)
        await until(db, "exists (select from alfrd.mail_messages)")
    assert caplog.text.count("no mail comes in now") == 1


async def test_messages_are_taken_at_the_rate_that_was_asked_for(db: Harness, mail: Dovecot) -> None:
    now, waited = [100.0], []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        now[0] += seconds

    mail.deliver(*(message(attached={f"{n}.txt": str(n).encode()}) for n in range(3)))
    await watch(db, mail, pace=Pace(12, clock=lambda: now[0], sleep=sleep)).watch(once=True)
    assert (await names(db), waited) == (["0.txt", "1.txt", "2.txt"], [5.0, 5.0])


# --- who may, and over what ----------------------------------------------------------------------


async def test_a_wrong_password_ends_the_watch_with_what_to_do(db: Harness, mail: Dovecot) -> None:
    with pytest.raises(Permanent, match=r"refuses the login .*ALFRD_MAIL_PASSWORD"):
        await watch(db, mail, password="wrong").watch()


async def test_a_certificate_that_cannot_be_verified_ends_it_before_the_password_is_sent(
    db: Harness, mail: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    logins = mail.log().count("Login:")
    with pytest.raises(Permanent, match=r"certificate cannot be trusted .*SSL_CERT_FILE"):
        await watch(db, mail).watch()
    assert mail.log().count("Login:") == logins


async def test_a_folder_that_is_not_there_ends_it_with_those_that_are(db: Harness, mail: Dovecot) -> None:
    with pytest.raises(Permanent, match=r"cannot be opened .*there are: INBOX"):
        await watch(db, mail, folder="Bills").watch()


async def test_a_connection_that_begins_in_the_clear_is_encrypted_before_the_login(
    db: Harness, mail: Dovecot
) -> None:
    mail.deliver(WITH_BILL)
    place = MailPlace("imap", "ana@home.example", "localhost", mail.plain_port, "INBOX")
    await MailWatch(db.database, place, lambda: PASSWORD, max_bytes=1_000_000).watch(once=True)
    assert await names(db) == ["bill.txt"]
    last = [line for line in mail.log().splitlines() if "Info: Login:" in line][-1]
    assert ", TLS," in last


async def test_a_server_that_cannot_be_reached_at_first_is_waited_for(
    db: Harness, mail: Dovecot, caplog: pytest.LogCaptureFixture
) -> None:
    paused = asyncio.Event()

    async def sleep(seconds: float) -> None:
        paused.set()
        await asyncio.sleep(0.01)

    with mail.stopped():
        task = asyncio.create_task(watch(db, mail, sleep=sleep).watch(once=True))
        await paused.wait()
    assert await task == 0
    assert caplog.text.count("no mail comes in now") == 1


async def test_hanging_up_ends_a_wait_at_once(mail: Dovecot, idling: threading.Event) -> None:
    opened = Folder(MailPlace.parse(mail.uri))
    await opened.open(PASSWORD)
    waiting = asyncio.create_task(opened.wait(3600))
    await asyncio.to_thread(idling.wait)
    await opened.close()
    with pytest.raises(Transient):
        await waiting


async def test_the_watcher_needs_the_rights_of_an_application_only(
    db: Harness, mail: Dovecot, signed_in: dict[str, str], server: Any
) -> None:
    from alfrd_events.db.database import Database

    login = next(login for login, role in signed_in.items() if role == "alfrd_app")
    mail.deliver(WITH_BILL)
    async with Database(
        db.url.replace("postgres@", f"{login}@").replace("user=postgres", f"user={login}")
    ) as database:
        one = MailWatch(database, MailPlace.parse(mail.uri), lambda: PASSWORD, max_bytes=1_000_000)
        for _ in range(2):
            await one.watch(once=True)
    assert await names(db) == ["bill.txt"]
    assert await db.one("select owner from alfrd.mail_messages") == login
    ids = await db.one("select document_ids from alfrd.mail_messages")
    assert all(isinstance(id, UUID) for id in ids)
