"""What a page costs here is measured once, and told by ``doctor``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from alfrd_events.errors import SettingsInvalid, WorkerUnfit
from alfrd_events.reading import speed, trial
from alfrd_events.reading.inference.choice import Choice, choose


async def test_a_page_is_measured_once(tmp_path: Path) -> None:
    first = await speed.page_seconds("auto", tmp_path / "home")
    (kept,) = (tmp_path / "home").iterdir()
    ((key, seconds),) = json.loads(kept.read_text()).items()
    assert first == (choose("auto"), seconds)
    assert 0.05 < seconds < 60

    kept.write_text(json.dumps({key: 12.5}))
    assert await speed.page_seconds("auto", tmp_path / "home") == (choose("auto"), 12.5)


@pytest.mark.parametrize("damaged", ["", "[1]", '{"x": "y"}', "\0"])
def test_a_damaged_figure_is_no_figure(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "kept").write_text(damaged)
    assert speed._read(tmp_path / "kept") == {}


async def test_an_engine_that_does_not_work_is_named() -> None:
    with pytest.raises(
        WorkerUnfit, match=r"abacus.* does not work here .*no engine 'abacus'.*ALFRD_OCR_ENGINE"
    ):
        await speed._measured(Choice("abacus", "f32"))  # type: ignore[arg-type]


async def test_an_unknown_engine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="no engine 'abacus'"):
        await speed.page_seconds("abacus", tmp_path)
    assert not os.listdir(tmp_path)


def test_no_two_pages_are_alike() -> None:
    assert (trial.page(1) != trial.page(2)).any()
