"""Where documents live without a setting: ``.alfrd`` here or above, as git finds ``.git``; else the user's folder."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from alfrd_events.cli import wiring
from alfrd_events.settings import Settings, home
from tests.cli.program import Program


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whose home is empty, in a directory of a tree that has no ``.alfrd`` above it."""
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("ALFRD_DATA_DIR", raising=False)
    (tmp_path / "papers" / "2024").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "papers" / "2024")


def test_without_any_it_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().data_dir == tmp_path / "user/.local/share/alfrd-events"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert Settings().data_dir == tmp_path / "data/alfrd-events"
    monkeypatch.setenv("XDG_DATA_HOME", "data")  # the specification has relative ones ignored
    assert Settings().data_dir == tmp_path / "user/.local/share/alfrd-events"


def test_it_is_found_here_and_above_the_nearest_first(tmp_path: Path) -> None:
    (tmp_path / "papers/.alfrd").mkdir()
    assert home() == tmp_path / "papers/.alfrd"
    Path(".alfrd").mkdir()
    assert home() == Path(".alfrd")


def test_a_file_of_that_name_is_no_home(tmp_path: Path) -> None:
    Path(".alfrd").touch()
    assert home() == tmp_path / "user/.local/share/alfrd-events"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
def test_somebody_elses_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / ".alfrd").mkdir()
    os.chown(tmp_path / ".alfrd", 12345, 12345)
    assert home() == tmp_path / "user/.local/share/alfrd-events"


def test_a_setting_goes_before_all(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".alfrd").mkdir()
    monkeypatch.setenv("ALFRD_DATA_DIR", "elsewhere")
    assert Settings().data_dir == Path("elsewhere")
    monkeypatch.setenv("ALFRD_DATA_DIR", "")
    assert Settings().data_dir == Path(".alfrd")


def test_a_new_home_is_told_once_it_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wiring.tell_if_new(tmp_path / "new")
    told = capsys.readouterr().err
    assert "making a new home in" in told
    assert str(tmp_path / "new") in told.replace("\n", "")
    (tmp_path / "new/postgres").mkdir(parents=True)
    wiring.tell_if_new(tmp_path / "new")
    assert capsys.readouterr().err == ""


def test_ctrl_c_while_the_database_is_made_is_no_failure(tmp_path: Path) -> None:
    """The terminal sends it to the whole group, and so to what makes the database."""
    program = Program("", ALFRD_DATA_DIR=str(tmp_path))
    del program.environment["ALFRD_DATABASE_URL"]
    with program.started("status") as running:
        while not (tmp_path / "postgres.new").exists():
            assert running.poll() is None
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGINT)
        _, errors = running.communicate(timeout=60)

    assert running.returncode == 130
    assert "cannot be made" not in errors
    assert program("status").returncode == 0
