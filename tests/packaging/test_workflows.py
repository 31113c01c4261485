"""What runs on a server of continuous integration and at a commit: it parses, and names only what exists."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
HOOKS = ROOT / ".pre-commit-config.yaml"
MADE = ("dist/", "built/", "site/", ".venv/")
"""What a job makes itself."""


def loaded(path: Path) -> dict[str, Any]:
    """A file of YAML."""
    return dict(yaml.safe_load(path.read_text()))


def strings(value: Any) -> Iterator[str]:
    """All strings in a value of YAML, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from strings(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from strings(entry)


def commands(path: Path) -> list[list[str]]:
    """The words of each command that a workflow runs; expressions of GitHub count as one word."""
    steps = [step for job in loaded(path)["jobs"].values() for step in job["steps"]]
    lines = [line for step in steps for line in step.get("run", "").splitlines()]
    return [shlex.split(re.sub(r"\$\{\{.*?\}\}", "EXPRESSION", line)) for line in lines]


def make_targets() -> set[str]:
    """The targets that our Makefile has a rule for."""
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def missing_paths(words: list[str]) -> list[str]:
    """Words that look like files of this repository and are not there."""
    paths = [
        word
        for word in words
        if re.fullmatch(r"\.?[\w-]+(?:/[\w.*-]+)*(?:/|\.[a-z]\w{1,3})|Dockerfile", word)
    ]
    return [path for path in paths if not path.startswith(MADE) and not (ROOT / path).exists()]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
@pytest.mark.parametrize("schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"])
def test_a_workflow_fits_its_schema_and_ends(path: Path, schema: str) -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_names_only_targets_and_paths_that_exist(path: Path) -> None:
    made = [
        target
        for program, *rest in commands(path)
        if program == "make"
        for target in rest
        if "=" not in target
    ]
    assert made
    assert set(made) <= make_targets()
    words = [word for text in strings(loaded(path)["jobs"]) for word in text.split()]
    assert missing_paths(words) == []


def test_each_python_and_each_server_that_is_supported_is_tested() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    jobs = loaded(ROOT / ".github/workflows/ci.yml")["jobs"]
    tries = loaded(ROOT / ".github/workflows/release.yml")["jobs"]["try"]
    matrix = jobs["test"]["strategy"]["matrix"]["include"]
    pythons = set(re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project))
    assert {entry["python"] for entry in matrix} == pythons
    assert {entry["postgres"] for entry in matrix} == {15, 16, 17, 18}
    for job in (jobs["dist"], tries):
        assert set(job["strategy"]["matrix"]["python"]) == pythons


def test_only_the_job_that_publishes_may_write_and_it_needs_no_secret() -> None:
    release = loaded(ROOT / ".github/workflows/release.yml")
    assert release["permissions"] == {"contents": "read"}
    assert [name for name, job in release["jobs"].items() if "permissions" in job] == ["publish"]
    publish = release["jobs"]["publish"]
    assert publish["permissions"]["id-token"] == publish["permissions"]["attestations"] == "write"
    assert publish["environment"] == "release"
    assert publish["needs"] == "try"
    assert release["jobs"]["try"]["needs"] == "build"
    assert not [text for text in strings(release["jobs"]) if "secrets." in text]


def test_a_hook_runs_a_program_that_the_development_install_has() -> None:
    validate = [sys.executable, "-m", "pre_commit", "validate-config", str(HOOKS)]
    done = subprocess.run(validate, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    hooks = [hook for repository in loaded(HOOKS)["repos"] for hook in repository["hooks"]]
    programs = {Path(hook["entry"].split()[0]) for hook in hooks}
    assert {str(program.parent) for program in programs} == {".venv/bin"}
    assert [name.name for name in programs if not Path(sys.executable).with_name(name.name).exists()] == []


@pytest.mark.parametrize(
    ("word", "missing"),
    [("tools/no_such.py", True), ("no_such.toml", True), ("constraints.txt", False), ("dist/*.whl", False)],
)
def test_a_path_that_is_missing_is_noticed(word: str, missing: bool) -> None:
    assert missing_paths(["cat", word]) == ([word] if missing else [])
