"""``deploy/systemd``: systemd takes the units, finds little to expose, and they run what the program has."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from alfrd_events.settings import Settings
from tests.cli.program import ENTRY_POINT
from tests.packaging.test_docs_run import parse

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
PROGRAM = "/opt/alfrd-events/bin/alfrd-events"
ANALYZE = shutil.which("systemd-analyze")
MOST_EXPOSED = 2.0
"""Of 10, as systemd-analyze rates; docs/deploy.md says so."""

needs_systemd = pytest.mark.skipif(
    ANALYZE is None, reason="systemd-analyze is not there: apt install systemd"
)


def entries(unit: Path) -> dict[str, list[str]]:
    """Each setting of a unit, with its values in order."""
    found = defaultdict(list)
    for line in unit.read_text().splitlines():
        if line and line[0] not in "#[":
            name, separator, value = line.partition("=")
            assert separator, line
            found[name].append(value)
    return found


def command(unit: Path) -> list[str]:
    (line,) = entries(unit)["ExecStart"]
    return shlex.split(line)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units, with the program where it is on this machine."""
    folder = tmp_path_factory.mktemp("units")
    for unit in UNITS:
        (folder / unit.name).write_text(unit.read_text().replace(PROGRAM, str(ENTRY_POINT)))
    return folder


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_takes_it(installed: Path, unit: Path) -> None:
    assert ANALYZE
    done = subprocess.run(
        [ANALYZE, "verify", "--man=no", "--recursive-errors=no", str(installed / unit.name)],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{installed}:"},
    )
    said = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, said) == (0, []), done.stderr


@needs_systemd
def test_a_setting_that_does_not_exist_is_found(installed: Path) -> None:
    assert ANALYZE
    wrong = installed / "wrong.service"
    wrong.write_text((installed / UNITS[0].name).read_text().replace("PrivateTmp=", "PrivateTemp="))
    done = subprocess.run([ANALYZE, "verify", "--man=no", str(wrong)], capture_output=True, text=True)
    assert "PrivateTemp" in done.stderr
    wrong.unlink()


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_exposes_little(installed: Path, unit: Path) -> None:
    assert ANALYZE
    done = subprocess.run(
        [ANALYZE, "security", "--offline=yes", "--no-pager", str(installed / unit.name)],
        capture_output=True,
        text=True,
    )
    rated = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert rated, done.stdout + done.stderr
    assert float(rated[1]) < MOST_EXPOSED, done.stdout


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_runs_a_command_that_there_is(unit: Path, tmp_path: Path) -> None:
    program, *arguments = command(unit)
    assert program == PROGRAM
    parse(arguments)


def test_they_run_what_compose_runs() -> None:
    """But for addresses and folders, which are a machine's and not a container's."""
    by_name = {unit.stem.removeprefix("alfrd-events-"): command(unit)[1:] for unit in UNITS}
    assert by_name == {
        "migrate": ["migrate"],
        "worker": ["run", "--metrics", "127.0.0.1:9464"],
        "console": ["console"],
        "inbox": ["watch", "/srv/alfrd-inbox"],
        "mail": ["watch", "${MAILBOX}"],
    }


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_sets_only_settings_that_exist_and_has_no_rights(unit: Path) -> None:
    found = entries(unit)
    given = {pair.partition("=")[0] for line in found["Environment"] for pair in line.split()}
    assert {name for name in given if name.startswith("ALFRD_")} <= {
        f"ALFRD_{name.upper()}" for name in Settings.model_fields
    }
    assert found["DynamicUser"] == ["yes"] or found["User"] == ["alfrd-inbox"]
    assert found["EnvironmentFile"] == ["/etc/alfrd-events/environment"]
    for name, value in {
        "ProtectSystem": "strict",
        "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "",
    }.items():
        assert found[name] == [value]
    if unit.stem != "alfrd-events-migrate":
        assert found["Requires"] == ["alfrd-events-migrate.service"]
        assert int(found["TimeoutStopSec"][0]) >= Settings.model_fields["drain_seconds"].default + 10
        assert found["KillMode"] == ["mixed"]


def test_the_inbox_belongs_to_who_watches_it() -> None:
    watched = command(FOLDER / "alfrd-events-inbox.service")[-1]
    users = (FOLDER / "alfrd-events.sysusers.conf").read_text()
    folders = (FOLDER / "alfrd-events.tmpfiles.conf").read_text()
    assert re.search(rf"^u alfrd-inbox .* {watched}$", users, re.M)
    assert re.search(rf"^d {watched} 2770 alfrd-inbox alfrd-inbox -$", folders, re.M)
    assert entries(FOLDER / "alfrd-events-inbox.service")["ReadWritePaths"] == [watched]


def test_the_page_names_each_unit() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    assert set(re.findall(r"^\| `(alfrd-events-\w+)` \|", page, re.M)) == {unit.stem for unit in UNITS}
