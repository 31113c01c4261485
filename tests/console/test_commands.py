"""``alfrd-events console`` and its tokens."""

from __future__ import annotations

import re
import signal

import httpx
import pytest

from alfrd_events.console.roles import Role, Tokens
from alfrd_events.errors import SettingsInvalid
from tests.cli.program import Program
from tests.console.conftest import address_of


@pytest.fixture
def program(database_url: str) -> Program:
    return Program(database_url)


def test_it_serves_until_it_is_told_to_stop(program: Program) -> None:
    with program.started("console", "--port", "0") as process:
        address = address_of(process)
        assert address.startswith("http://127.0.0.1:")
        assert httpx.get(address).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_an_open_page_does_not_hold_up_its_end(program: Program) -> None:
    with program.started("console", "--port", "0") as process:
        address = address_of(process)
        with httpx.stream("GET", f"{address}live", timeout=20) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 2000"
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0


def test_another_address_needs_a_token(program: Program) -> None:
    _, error = program.inside("console", "--host", "0.0.0.0", exit_code=1)
    assert "make a token" in error


def test_a_taken_port_is_told(program: Program) -> None:
    with program.started("console", "--port", "0") as process:
        port = address_of(process).rstrip("/").rpartition(":")[2]
        done = program("console", "--port", port, exit_code=1)
        assert "choose another with --port" in done.stderr


def test_a_token_is_shown_once_and_the_setting_holds_its_digest(program: Program) -> None:
    told, _ = program.inside("console", "token", "--role", "operator")
    found = re.search(r"token +(\S+)\nsetting +ALFRD_CONSOLE_TOKEN=(\S+)", told)
    assert found
    token, setting = found.groups()
    assert token not in setting
    assert Tokens.parse(f" {setting} ,").role_of(token) is Role.OPERATOR
    assert Tokens.parse(setting).role_of(token + "x") is None
    program.inside("console", "token", "--role", "king", exit_code=2)


@pytest.mark.parametrize("setting", ["secret", "editor:abc", "king:" + "0" * 64])
def test_a_setting_of_another_form_is_refused(setting: str) -> None:
    with pytest.raises(SettingsInvalid, match="console token --role"):
        Tokens.parse(setting)


def test_with_a_token_a_name_has_to_be_ours(database_url: str) -> None:
    setting = (
        Program(database_url).inside("console", "token", "--role", "editor")[0].split("TOKEN=")[1].strip()
    )
    program = Program(database_url, ALFRD_CONSOLE_TOKEN=setting, ALFRD_CONSOLE_HOSTS="papers.example")
    with program.started("console", "--host", "0.0.0.0", "--port", "0") as process:
        address = address_of(process)
        assert httpx.get(address).headers["location"] == "/sign-in"
        assert httpx.get(address, headers={"host": "papers.example"}).status_code == 303
        assert httpx.get(address, headers={"host": "other.example"}).status_code == 421
