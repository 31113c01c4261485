"""What an installation with an extra promises, it can import with that extra's packages alone; and it stays small.

``tools/check_dist.py`` tries the same with pip and a package index: an environment is made here from the packages
that are installed beside these tests, so that a package that only *happens* to be here is not found.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tools.check_dist import CORE, PROMISES, imports

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FOR_A_CHECKOUT = {"dev", "bench", "train", "docs"}
CORE_MEGABYTES = 45
"""What ``pip install alfrd-events`` may take on disk with all it needs, without compiled bytecode."""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(lines: list[str], extras: frozenset[str] = frozenset()) -> Iterator[tuple[str, frozenset[str]]]:
    """Names and extras of the requirements that hold here."""
    for line in lines:
        requirement = Requirement(line)
        holds = (requirement.marker is None) or any(
            requirement.marker.evaluate({"extra": extra}) for extra in (*extras, "")
        )
        if holds:
            yield canonical(requirement.name), frozenset(requirement.extras)


def closure(extra: str) -> dict[str, Distribution]:
    """All packages that pip would install with an extra, as they are installed here."""
    lines = [*PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] if extra else [])]
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    todo = list(needed(lines))
    while todo:
        name, extras = todo.pop()
        if (name, extras) not in seen:
            seen.add((name, extras))
            found[name] = distribution(name)
            todo += needed(found[name].requires or [], extras)
    return found


def files(package: Distribution) -> Iterator[str]:
    """The files of a package, below where it is installed; programs and bytecode are left out."""
    for line in csv.reader((package.read_text("RECORD") or "").splitlines()):
        if line and not line[0].startswith("../") and not line[0].endswith(".pyc"):
            yield line[0]


def upwards(file: str) -> list[str]:
    """A file's first folders, from the top, and the file itself."""
    parts = file.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, min(len(parts), 4))] + [file]


@cache
def owners() -> dict[str, set[str]]:
    """Which of all packages that are installed here have files at or below a place."""
    found: dict[str, set[str]] = defaultdict(set)
    for package in distributions():
        name = canonical(package.name)  # which reads its metadata anew each time
        for file in files(package):
            for place in upwards(file):
                found[place].add(name)
    return found


def environment(extra: str, folder: Path) -> None:
    """Lay out the packages of an extra as links: of a folder where it is one package's alone, else of its files."""
    for package in closure(extra).values():
        for place in {next(up for up in upwards(file) if len(owners()[up]) == 1) for file in files(package)}:
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).symlink_to(str(package.locate_file(place)))
    (folder / "alfrd_events").symlink_to(ROOT / "src" / "alfrd_events")


def test_each_extra_for_users_is_tried() -> None:
    assert set(PROMISES) == {CORE} | (PROJECT["optional-dependencies"].keys() - FOR_A_CHECKOUT)


@pytest.mark.parametrize("extra", PROMISES, ids=lambda extra: extra or "core")
def test_an_extra_brings_all_that_it_promises(extra: str, tmp_path: Path) -> None:
    environment(extra, tmp_path)
    program = f"import sys; sys.path.append({str(tmp_path)!r})\n{imports(extra)}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr


def test_the_core_stays_light() -> None:
    megabytes = {
        name: sum(Path(str(package.locate_file(file))).stat().st_size for file in files(package)) / 1e6
        for name, package in closure(CORE).items()
    }
    assert sum(megabytes.values()) < CORE_MEGABYTES, megabytes
