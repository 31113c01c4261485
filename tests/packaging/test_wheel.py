"""What is installed has its SQL and its samples, from a wheel as from a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WHEEL_MEGABYTES = 4.0


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a program; its output, or its complaint as a failure."""
    done = subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def shipped_samples() -> set[str]:
    """Names of the files that ``samples/`` holds for users; its generator is for developers."""
    return {path.name for path in (ROOT / "samples").iterdir() if path.is_file() and path.suffix != ".py"}


def files_of(wheel: Path) -> set[str]:
    """Names in a wheel, without its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    directory = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", directory, cwd=ROOT)
    return next(directory.glob("*.whl"))


def test_the_wheel_carries_the_sql_and_the_samples(wheel: Path) -> None:
    files = files_of(wheel)
    for kind in ("migrations", "functions"):
        in_checkout = {path.name for path in (ROOT / "sql" / kind).glob("*.sql")}
        assert in_checkout == {
            Path(name).name for name in files if name.startswith(f"alfrd_events/_sql/{kind}/")
        }
    assert {f"alfrd_events/_samples/{name}" for name in shipped_samples()} <= files
    assert "alfrd_events/py.typed" in files


def test_the_wheel_carries_nothing_else(wheel: Path) -> None:
    assert {name.split("/")[0] for name in files_of(wheel)} == {"alfrd_events"}
    assert not [name for name in files_of(wheel) if "__pycache__" in name or "generator" in name]


def test_the_wheel_stays_small(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        largest = sorted(archive.infolist(), key=lambda entry: -entry.compress_size)[:5]
    assert wheel.stat().st_size / 1e6 < WHEEL_MEGABYTES, [
        (each.filename, each.compress_size) for each in largest
    ]


def test_a_wheel_built_from_the_source_distribution_is_the_same(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=ROOT)
    shutil.unpack_archive(next(tmp_path.glob("*.tar.gz")), tmp_path)
    source = next(path for path in tmp_path.iterdir() if path.is_dir())
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=source)
    assert files_of(next(tmp_path.glob("*.whl"))) == files_of(wheel)


def test_an_installed_wheel_finds_its_own_sql(wheel: Path, tmp_path: Path) -> None:
    target, elsewhere = tmp_path / "target", tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
        *("--target", target, wheel),
        cwd=elsewhere,
    )
    found = run(
        sys.executable,
        "-c",
        "from alfrd_events.db import migrate;"
        "print(migrate.sql_directory(), len(migrate.migrations()), len(migrate.functions()))",
        cwd=elsewhere,
        PYTHONPATH=str(target),
    )
    counts = [len(list((ROOT / "sql" / kind).glob("*.sql"))) for kind in ("migrations", "functions")]
    assert found == f"{target / 'alfrd_events' / '_sql'} {counts[0]} {counts[1]}"


def test_an_editable_install_copies_nothing_that_could_go_stale(tmp_path: Path) -> None:
    build = f"from hatchling.build import build_editable; build_editable({str(tmp_path)!r})"
    run(sys.executable, "-c", build, cwd=ROOT)
    editable = next(tmp_path.glob("*.whl"))
    assert files_of(editable) == {"_alfrd_events.pth"}
    with zipfile.ZipFile(editable) as archive:
        assert archive.read("_alfrd_events.pth").decode().strip() == str(ROOT / "src")


def test_a_checkout_finds_the_sql_beside_it(tmp_path: Path) -> None:
    found = run(
        sys.executable,
        "-c",
        "from alfrd_events.db import migrate; print(migrate.sql_directory())",
        cwd=tmp_path,
        PYTHONPATH=str(ROOT / "src"),
    )
    assert found == str(ROOT / "sql")
