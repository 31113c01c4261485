"""Who evolves prompts, and what it may cost."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from alfrd_events.cli.wiring import build_evolution
from alfrd_events.clients.calls import Calls, Purpose, purpose
from alfrd_events.db.database import Database
from alfrd_events.settings import Settings
from alfrd_events.steps.spending import Evolution

MODEL: dict[str, Any] = {"llm": "openai", "llm_model": "one", "openai_base_url": "http://localhost:1/v1"}


async def _built(**settings: Any) -> Evolution | None:
    evolution = build_evolution(Settings(**settings), Database("postgresql:///nowhere"), Calls())
    if evolution is not None:
        await evolution.examiner.aclose()
    return evolution


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"evolution": "auto"},
        {"analyst": "llm", **MODEL},
        {"analyst": "llm", "evolution": "off", **MODEL},
    ],
)
def test_nobody_evolves_prompts_who_was_not_asked_to_or_has_no_model(settings: dict[str, Any]) -> None:
    assert asyncio.run(_built(**settings)) is None


@pytest.mark.parametrize("analyst", ["llm", "cascade"])
def test_a_worker_with_a_model_evolves_them_if_it_is_told_to(analyst: str) -> None:
    evolution = asyncio.run(_built(analyst=analyst, evolution="suggest", **MODEL))
    assert evolution is not None
    assert (evolution.mode, evolution.day_usd, evolution.trial_usd) == (
        "suggest",
        Decimal(1),
        Decimal("0.75"),
    )


def test_a_fifth_of_a_trials_budget_is_kept_for_its_shadow() -> None:
    evolution = asyncio.run(_built(analyst="llm", evolution="auto", **MODEL))
    assert evolution is not None

    def caps(**how: Any) -> dict[str, tuple[Decimal | None, bool]]:
        with evolution.paying(**how):
            seen = purpose.get()
        assert isinstance(seen, Purpose)
        return {cap.scope: (cap.usd, cap.daily) for cap in seen.caps}

    assert caps() == {"evolution": (Decimal(1), True)}
    assert caps(trial=7)["evolution trial 7"] == (Decimal("0.6"), False)
    assert caps(trial=7, in_shadow=True)["evolution trial 7"] == (Decimal("0.75"), False)
    assert purpose.get() is None
