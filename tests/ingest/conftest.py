"""An inbox for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.watching import Watched


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """An empty inbox, with a clock that only the test moves."""
    (tmp_path / "inbox").mkdir()
    return Watched(tmp_path / "inbox", monkeypatch)
