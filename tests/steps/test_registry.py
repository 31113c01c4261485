"""Steps of one's own come from installed packages."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from alfrd_events.errors import SettingsInvalid
from alfrd_events.steps import registry


def _installed(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    entry = EntryPoint(name=name, value=value, group=registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry] if group == registry.GROUP else [])


def test_an_installed_package_adds_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, "export", "alfrd_events.steps.reading:ocr")

    assert set(registry.all_steps()) == {*registry.BUILT_IN, *registry.CALENDAR, "export"}


def test_a_step_may_not_take_a_built_in_name(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, "ocr", "alfrd_events.steps.reading:ocr")

    with pytest.raises(SettingsInvalid, match=r"'ocr'.*exists already: rename it"):
        registry.all_steps()


def test_a_step_that_cannot_be_loaded_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, "export", "no_such_package:export")

    with pytest.raises(SettingsInvalid, match="step 'export': cannot load no_such_package:export"):
        registry.all_steps()


def test_prompts_evolve_only_where_that_is_asked_for() -> None:
    assert set(registry.all_steps()) == {*registry.BUILT_IN, *registry.CALENDAR}
    assert set(registry.all_steps(evolution=True)) == {
        *registry.BUILT_IN,
        *registry.CALENDAR,
        "answer_key",
        "evolve_prompt",
    }


def test_a_step_may_not_take_the_name_of_one_that_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, "answer_key", "alfrd_events.steps.reading:ocr")

    with pytest.raises(SettingsInvalid, match=r"'answer_key'.*exists already: rename it"):
        registry.all_steps()
