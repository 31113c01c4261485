"""``.env.example`` is the settings, with their defaults: a copy of it changes nothing."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from dotenv import dotenv_values

from alfrd_events.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "INBOX", "FILES", "HOST_UID", "HOST_GID"}


@pytest.fixture
def example() -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(ROOT / ".env.example").items()}


def test_it_names_every_setting_in_order(example: dict[str, str]) -> None:
    names = [name for name in example if name not in COMPOSE_ONLY]
    assert names == [f"ALFRD_{name.upper()}" for name in Settings.model_fields]


def test_its_values_are_the_defaults(example: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in example:
        monkeypatch.delenv(name, raising=False)
    defaults = Settings()
    for name, value in example.items():
        monkeypatch.setenv(name, value)
    assert Settings() == defaults


def test_every_line_is_explained() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    for before, line in pairwise(lines):
        if line.startswith(("ALFRD_", "POSTGRES_", "INBOX", "FILES")):
            assert before.startswith("# "), f"no comment above {line}"
