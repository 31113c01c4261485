"""When is a new version better? A sequential test by betting, on pairs of scores of the same documents.

Somebody who believes that the challenger is no better bets against us at even odds or worse. We start with 1 and stake
a share λ of what we have on each document: a document on which the challenger scores ``d`` more multiplies our money by
``1 + λ·clip(d / 0.25, -1, 1)``. If the challenger is no better on average, our money does not grow on average,
whenever we stop (Ville's inequality: it reaches 10 in at most one of ten such trials, however often we look). Spread
over several λ, the mean is the e-value E.

Looking after each document is therefore allowed, and so is going on later, when more documents have come.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

STAKES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""The λ over which E is the mean: small ones for small gains, large ones for large."""
SCALE = 0.25
"""A difference of scores that counts in full."""
ENOUGH = 10.0
"""The E at which we believe: at most one of ten worse or equal challengers ever gets there."""
SMALLEST_GAIN = 0.02
"""A mean difference below this is not worth a change, however sure it is."""
HOPELESS = 0.5
"""Below this E, and without a gain so far, a trial is not worth its next call."""

Verdict = Literal["promote", "futile", "exhausted", "open"]


@dataclass(frozen=True, slots=True)
class Rules:
    """How much evidence a kind of prompt needs."""

    fewest: int
    """Pairs before anything is decided."""
    most: int
    """Pairs after which it ends without a decision."""


@dataclass(frozen=True, slots=True)
class TrialEvidence:
    """What the pairs seen so far say."""

    n: int
    e_value: float
    mean: float
    """Mean of challenger minus champion; 0 where nothing was seen."""


def weigh(differences: Iterable[float]) -> TrialEvidence:
    """The evidence of pairs in the order in which they were looked at.

    :param differences: challenger's score minus champion's, -1 to 1, document by document.
    """
    money = [1.0] * len(STAKES)
    total, n = 0.0, 0
    for difference in differences:
        step = max(-1.0, min(1.0, difference / SCALE))
        money = [each * (1 + stake * step) for each, stake in zip(money, STAKES, strict=True)]
        total += difference
        n += 1
    return TrialEvidence(n, sum(money) / len(money), total / n if n else 0.0)


def judge(differences: Iterable[float], rules: Rules) -> tuple[Verdict, TrialEvidence]:
    """Decide, looking after each pair: the first look that decides counts, and what came later is not looked at."""
    seen: list[float] = []
    evidence = weigh(seen)
    for difference in differences:
        seen.append(difference)
        if len(seen) < rules.fewest:
            continue
        evidence = weigh(seen)
        if evidence.e_value >= ENOUGH and evidence.mean >= SMALLEST_GAIN:
            return "promote", evidence
        if evidence.e_value < HOPELESS and evidence.mean <= 0:
            return "futile", evidence
        if len(seen) >= rules.most:
            return "exhausted", evidence
    return "open", weigh(seen)


def is_worse(differences: Iterable[float], fewest: int = 4) -> bool:
    """Whether a promoted version has turned out worse than the one before it, by the same measure in reverse.

    :param differences: the old version's score minus the new one's.
    """
    seen: list[float] = []
    for difference in differences:
        seen.append(difference)
        if len(seen) >= fewest and weigh(seen).e_value >= ENOUGH:
            return True
    return False


def passes_screening(differences: Iterable[float]) -> bool:
    """Whether a candidate is worth a trial: not worse than its champion on the documents that it was made from."""
    return weigh(differences).mean >= 0
