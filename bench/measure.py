"""A measured figure, what it is compared with, and whether it meets its goal."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Goal:
    """A bound on the median of a figure, or on its ratio to what it is compared with."""

    sense: Literal["at least", "at most", "below"]
    bound: float
    of: Literal["value", "ratio"] = "value"

    def met(self, figure: float) -> bool:
        """Whether a figure keeps the bound."""
        if self.sense == "at least":
            return figure >= self.bound
        return figure <= self.bound if self.sense == "at most" else figure < self.bound

    def __str__(self) -> str:
        sign = {"at least": "≥", "at most": "≤", "below": "<"}[self.sense]
        return f"{sign} {_rounded(self.bound)}{' ×' if self.of == 'ratio' else ''}"


@dataclass(frozen=True)
class Measure:
    """One line of the table.

    :param samples: one for each repetition; their median counts.
    :param against: what it is compared with, and ``reference``: the samples of that, taken in the same repetitions.
    :param details: whatever else was seen, for the JSON file.
    """

    number: int
    name: str
    unit: str
    samples: Sequence[float]
    goals: Sequence[Goal] = ()
    against: str = ""
    reference: Sequence[float] = ()
    note: str = ""
    details: dict[str, Any] | None = None

    @property
    def median(self) -> float:
        """The figure."""
        return statistics.median(self.samples)

    @property
    def ratio(self) -> float | None:
        """To the reference, within each repetition, so that what slows a whole repetition cancels out; the median."""
        if not self.reference:
            return None
        return statistics.median(
            ours / theirs for ours, theirs in zip(self.samples, self.reference, strict=True)
        )

    @property
    def met(self) -> bool | None:
        """Whether all goals are; ``None``: there is none that could be judged."""
        judged = [goal.met(figure) for goal in self.goals if (figure := self._figure(goal)) is not None]
        return all(judged) if judged else None

    def _figure(self, goal: Goal) -> float | None:
        return self.ratio if goal.of == "ratio" else self.median

    def as_json(self) -> dict[str, Any]:
        """Everything, for the results file."""
        return {
            "number": self.number,
            "name": self.name,
            "unit": self.unit,
            "samples": list(self.samples),
            "median": self.median,
            "spread": [min(self.samples), max(self.samples)],
            "against": self.against,
            "reference": list(self.reference),
            "ratio": self.ratio,
            "goals": [str(goal) for goal in self.goals],
            "met": self.met,
            "note": self.note,
            "details": self.details or {},
        }


def _rounded(bound: float) -> str:
    return f"{bound:,.0f}" if bound >= 100 else f"{bound:.3g}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
