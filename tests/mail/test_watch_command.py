"""``watch imaps://…``, as a user calls it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from alfrd_events.clients.imap import MailPlace, check_flag
from alfrd_events.errors import SettingsInvalid
from tests.cli.program import Program
from tests.mail.dovecot import PASSWORD, Dovecot
from tests.mail.messages import BILL, message


@pytest.fixture
def program(database_url: str, mail: Dovecot) -> Program:
    return Program(database_url, ALFRD_MAIL_PASSWORD=PASSWORD, SSL_CERT_FILE=str(mail.authority))


def test_mail_becomes_documents_that_are_completed(program: Program, mail: Dovecot) -> None:
    mail.deliver(message(attached={"bill.txt": BILL.encode()}), message("Offer", text="Our offer: 12 %\n"))

    done = program("watch", mail.uri, "--once", "--attachments-only", "--tags", "home", "--from", "acme")
    program("run", "--once")

    (row,) = program.json("documents")
    assert (row["filename"], row["status"], row["entity"]) == ("bill.txt", "completed", "Acme Power Company")
    assert PASSWORD not in done.stderr
    (added,) = [line for line in done.stderr.splitlines() if " added " in line]
    assert 'name=bill.txt mail="Your bill.eml"' in added


def test_a_password_may_come_from_a_file_and_never_from_the_command_line(
    program: Program, mail: Dovecot, tmp_path: Path
) -> None:
    mail.deliver(message())
    seen = mail.uri.replace("@localhost", ":secret-word@localhost")
    refused = program("watch", seen, "--once", exit_code=1)
    assert "ALFRD_MAIL_PASSWORD_FILE" in refused.stderr
    assert "secret-word" not in refused.stderr + refused.stdout

    (tmp_path / "password").write_text(PASSWORD + "\n")
    del program.environment["ALFRD_MAIL_PASSWORD"]
    assert "neither is set" in program("watch", mail.uri, "--once", exit_code=1).stderr
    program.environment["ALFRD_MAIL_PASSWORD_FILE"] = str(tmp_path / "gone")
    assert "cannot be read" in program("watch", mail.uri, "--once", exit_code=1).stderr
    program.environment["ALFRD_MAIL_PASSWORD_FILE"] = str(tmp_path / "password")
    program("watch", mail.uri, "--once")
    assert [row["filename"] for row in program.json("documents")] == ["Your bill.eml"]


def test_sigterm_ends_a_watch_that_waits(program: Program, mail: Dovecot) -> None:
    with program.started("watch", mail.uri) as watching:
        assert watching.stderr is not None
        for line in watching.stderr:
            if "watching" in line:
                break
        watching.terminate()
        assert watching.wait(60) == 0


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("imaps://host/INBOX", "names no mailbox"),
        ("imaps://@host/INBOX", "names no mailbox"),
        ("imaps://ana@/INBOX", "names no mailbox"),
        ("imaps://ana@host:port/INBOX", "makes no sense"),
        ("imaps://ana@host/INBOX?x=1", "names no mailbox"),
    ],
)
def test_a_uri_that_names_no_mailbox_is_told_with_one_that_does(uri: str, why: str) -> None:
    with pytest.raises(SettingsInvalid, match=rf"{why}.*imaps://user@host/FOLDER"):
        MailPlace.parse(uri)


def test_a_folder_has_one_name_however_it_is_written() -> None:
    written = ["imaps://ana%40home.example@Mail.example/", "IMAPS://ana@home.example@mail.example:993/INBOX"]
    assert {MailPlace.parse(uri).uri for uri in written} == {
        "imaps://ana%40home.example@mail.example:993/INBOX"
    }


@pytest.mark.parametrize("flag", ["\\Deleted", "\\Draft", "two words", "", "(x)", "ä"])
def test_a_flag_that_deletes_or_is_none_is_refused(flag: str) -> None:
    with pytest.raises(SettingsInvalid, match="give a word such as alfrd-done"):
        check_flag(flag)


def test_without_the_extra_it_is_said_which_one_is_needed(database_url: str) -> None:
    code = "import sys; sys.modules['imapclient'] = None; from alfrd_events.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "watch", "imaps://ana@host/INBOX"],
        env={"PATH": "/usr/bin:/bin", "ALFRD_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "pip install 'alfrd-events[mail]'" in done.stderr
