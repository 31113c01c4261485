"""``make test-fast`` leaves out every tier, and a tier says of each test what it should."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import tiers

ROOT = Path(__file__).resolve().parents[2]


def test_the_makefile_leaves_out_every_tier() -> None:
    slow = re.search(r"^SLOW +:= (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert slow
    assert slow[1].split(" or ") == list(tiers.MARKERS)


def test_every_rule_leads_to_a_tier() -> None:
    rules = {**tiers.FOLDERS, **tiers.FIXTURES, **tiers.NAMES}
    assert set(rules.values()) == set(tiers.MARKERS)


@pytest.mark.parametrize("folder", tiers.FOLDERS)
def test_a_folder_of_a_tier_exists(folder: str) -> None:
    assert (ROOT / "tests" / folder / "__init__.py").exists()


def test_a_test_is_marked_by_its_folder(request: pytest.FixtureRequest) -> None:
    assert "process" in set(tiers.needs(request.node))
