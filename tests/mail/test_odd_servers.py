"""What servers may say and Dovecot does not."""

from __future__ import annotations

import asyncio

import pytest

from alfrd_events.clients.imap import MailPlace, Wanted
from alfrd_events.errors import Permanent
from alfrd_events.ingest.mailbox import MailWatch, Treatment
from testing.harness import Harness
from tests.faults.processes import until
from tests.mail.messages import BILL, message
from tests.mail.scripted import Scripted

WITH_BILL = message(attached={"bill.txt": BILL.encode()})


async def no_pause(seconds: float) -> None:
    await asyncio.sleep(0)


def watch(db: Harness, server: Scripted, wanted: Wanted = Wanted()) -> MailWatch:  # noqa: B008 - it cannot be changed
    place = MailPlace("imap", "ana", server.host, server.port, "INBOX")
    return MailWatch(
        db.database,
        place,
        lambda: "secret",
        Treatment(wanted),
        max_bytes=1_000_000,
        look_seconds=3600,
        sleep=no_pause,
    )


async def test_news_that_come_before_the_wait_begins_lead_to_another_look_and_no_outage(
    db: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    async with (server := Scripted(WITH_BILL)).running():
        server.news_before_go_ahead = 2
        task = asyncio.create_task(watch(db, server).watch())
        while server.connections < 3 or server.commands[-1].upper() != "IDLE":
            await asyncio.sleep(0.01)
        await until(db, "exists (select from alfrd.mail_messages)")
        task.cancel()
        await asyncio.wait({task})
    assert "no mail comes in" not in caplog.text
    assert await db.one("select count(*) from alfrd.documents") == 1


async def test_a_login_that_is_refused_for_the_moment_is_tried_again(db: Harness) -> None:
    async with (server := Scripted(WITH_BILL)).running():
        server.login = ["NO [UNAVAILABLE]", "NO [INUSE]", "OK"]
        assert await watch(db, server).watch(once=True) == 0
    assert server.connections == 3
    assert await db.one("select filename from alfrd.documents") == "bill.txt"


async def test_a_filter_that_the_server_cannot_search_by_is_told(db: Harness) -> None:
    async with (server := Scripted(WITH_BILL)).running():
        server.search = "NO [BADCHARSET]"
        with pytest.raises(Permanent, match=r"cannot look for --from or --subject so .*BADCHARSET"):
            await watch(db, server, Wanted(subject="words")).watch()


async def test_a_server_without_lasting_numbers_is_no_mailbox(db: Harness) -> None:
    async with (server := Scripted(WITH_BILL)).running():
        server.selected = "* 1 EXISTS\r\n* 0 RECENT\r\n* FLAGS ()\r\n"
        with pytest.raises(Permanent, match="UIDVALIDITY"):
            await watch(db, server).watch()


async def test_a_password_goes_to_no_other_machine_in_the_clear(db: Harness) -> None:
    """The address is this machine's, and not one that everybody knows to be."""
    async with (server := Scripted(WITH_BILL, host="127.0.0.2")).running():
        with pytest.raises(Permanent, match="offers no TLS"):
            await watch(db, server).watch()
    assert not any("LOGIN" in command.upper() for command in server.commands)
