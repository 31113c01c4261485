"""Check that a tag may become a release, and print what has changed for it.

Run: ``python -m tools.release v0.1.0``

The version is a constant, ``alfrd_events.__version__``, so that a source distribution and a checkout without tags know
it, too. A tag has to name that version, and CHANGELOG.md has to have a section with its date:
``## 0.1.0 (2026-12-01)``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from alfrd_events import __version__

CHANGELOG = Path(__file__).resolve().parents[1] / "CHANGELOG.md"


def notes(tag: str, version: str, changelog: str) -> str:
    """What users notice of this version.

    :raise ValueError: the tag names another version, or the changelog has no section with a date for it.
    """
    if tag != f"v{version}":
        raise ValueError(
            f"the tag is {tag}, and src/alfrd_events/__init__.py says {version}: tag v{version}, or change it"
        )
    head = rf"^## {re.escape(version)} \((?P<date>[^)\n]*)\)\n(?P<text>.*?)(?=^## |\Z)"
    section = re.search(head, changelog, re.M | re.S)
    if section is None:
        raise ValueError(f"CHANGELOG.md has no section '## {version} (date)'")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", section["date"]):
        raise ValueError(
            f"CHANGELOG.md says '{section['date']}' for {version}: write the day of the release, as 2026-12-01"
        )
    return section["text"].strip()


def main() -> None:
    """Print the notes of a tag, or end with 1 and a sentence."""
    try:
        print(notes(sys.argv[1], __version__, CHANGELOG.read_text()))
    except ValueError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
