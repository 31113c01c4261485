"""What a test needs: by where it is, by the fixtures that it asks for and by what its module names.

No test is marked by hand, so that none is forgotten. ``make test-fast`` leaves out all of these.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

MARKERS = {
    "faults": "stops, kills or starves servers, workers and networks",
    "ocr": "reads files with the real reader: models are loaded, and a page takes seconds",
    "process": "runs the program, or a server of its own, in a process of its own",
    "model": "lets random steps run against a model of the engine",
    "trial": "lets whole trials of prompts run, each on dozens of documents",
    "values": "looks at each extreme value of each column with each command",
    "cloud": "calls paid services over the wire; they are played on this machine",
    "browser": "opens pages in Chromium",
}
FOLDERS = {
    "faults": "faults",
    "mail": "process",
    "mcp": "process",
    "readers": "ocr",
    "cli": "process",
    "packaging": "process",
    "values": "values",
    "cloud": "cloud",
}
FIXTURES = {"recogniser": "ocr", "program": "process", "moto": "cloud", "browser": "browser"}
NAMES = {
    "LocalReader": "ocr",
    "Program": "process",
    "subprocess": "process",
    "IsolatedRules": "process",
    "RuleBasedStateMachine": "model",
    "Loop": "trial",
    "race": "trial",
    "Aws": "cloud",
}
"""Of what the module imports."""


def needs(item: pytest.Item) -> Iterator[str]:
    """The markers of a test."""
    assert isinstance(item, pytest.Function)
    folder = item.path.relative_to(item.config.rootpath / "tests").parts[0]
    yield from (marker for name, marker in FOLDERS.items() if name == folder)
    yield from (marker for name, marker in FIXTURES.items() if name in item.fixturenames)
    yield from (marker for name, marker in NAMES.items() if name in vars(item.module))
