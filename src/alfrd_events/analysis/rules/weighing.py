"""A check with its weight, and the score that checks give together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alfrd_events.model import Check, Score

GRAVE = 2
"""The weight from which a failed check makes a result doubtful."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A check, what it counts, and what to do when it fails."""

    check: Check
    weight: float
    advice: str


def weigh(name: str, passed: bool, detail: str, weight: float, advice: str) -> Weighed:
    """A check with what was found, its weight in the score, and what to do if it fails."""
    return Weighed(Check(name=name, passed=bool(passed), detail=detail), weight, advice)


def score_of(weighed: Sequence[Weighed], opening: str) -> Score:
    """The weighted share of checks that pass, 0 to 1, with a sentence that begins with the opening."""
    total = sum(item.weight for item in weighed)
    passed = sum(item.weight for item in weighed if item.check.passed)
    failed = [item for item in weighed if not item.check.passed]
    failures = "; ".join(
        f"{item.check.name} ({item.check.detail})" if item.check.detail else item.check.name
        for item in failed
    )
    feedback = f"{opening} Failed: {failures}." if failed else f"{opening} All {len(weighed)} checks passed."
    return Score(
        score=round(passed / total, 4) if total else 0.0,
        feedback=feedback,
        checks=tuple(item.check for item in weighed),
        improvements=tuple(dict.fromkeys(item.advice for item in failed)),
    )
