"""Real mail servers, each started once; a mailbox that is empty for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mail.dovecot import PROGRAM, Dovecot

NOT_INSTALLED = "no IMAP server: apt install dovecot-imapd"


def _server(without: tuple[str, ...] = (), more: str = "") -> Iterator[Dovecot]:
    if PROGRAM is None:
        pytest.skip(NOT_INSTALLED)
    server = Dovecot(without, more)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def mail_server() -> Iterator[Dovecot]:
    """The server that the tests of mail share."""
    yield from _server()


@pytest.fixture(scope="session")
def plain_server() -> Iterator[Dovecot]:
    """A server that can neither tell of new mail nor move it."""
    yield from _server(without=("IDLE", "MOVE"))


@pytest.fixture
def mail(mail_server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> Dovecot:
    """Its mailbox, empty; the certificate is trusted."""
    return _emptied(mail_server, monkeypatch)


@pytest.fixture
def plain_mail(plain_server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> Dovecot:
    """The mailbox of the server that can do little, empty."""
    return _emptied(plain_server, monkeypatch)


def _emptied(server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> Dovecot:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    with server.client() as client:
        for _, _, name in client.list_folders():
            if name != "INBOX":
                client.delete_folder(name)
        if uids := client.search():
            client.delete_messages(uids)
            client.expunge()
    return server
