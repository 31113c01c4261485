"""A tag becomes a release only if the version and the changelog agree with it."""

from __future__ import annotations

import pytest

from alfrd_events import __version__
from tools.release import CHANGELOG, notes

WRITTEN = "# Changelog\n\n## 1.2.0 (2026-12-01)\n\n- New.\n\n## 1.1.0 (2026-11-01)\n\n- Old.\n"


def test_the_notes_are_the_section_of_the_version() -> None:
    assert notes("v1.2.0", "1.2.0", WRITTEN) == "- New."
    assert notes("v1.1.0", "1.1.0", WRITTEN) == "- Old."


@pytest.mark.parametrize(
    ("tag", "version", "changelog", "why"),
    [
        ("v1.3.0", "1.2.0", WRITTEN, "tag v1.2.0"),
        ("1.2.0", "1.2.0", WRITTEN, "tag v1.2.0"),
        ("v1.3.0", "1.3.0", WRITTEN, "no section"),
        ("v1.2.0", "1.2.0", WRITTEN.replace("2026-12-01", "unreleased"), "write the day of the release"),
    ],
)
def test_what_does_not_agree_is_no_release(tag: str, version: str, changelog: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        notes(tag, version, changelog)


def test_the_changelog_has_a_section_for_this_version() -> None:
    assert f"\n## {__version__} (" in CHANGELOG.read_text()
