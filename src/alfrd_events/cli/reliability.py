"""How well a confidence tells right from wrong: pure functions of what was claimed and what was right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from statistics import fmean
from typing import Any

BINS = 10


def reliability(right: Sequence[bool], confidence: Sequence[float]) -> dict[str, Any]:
    """How many values were judged, how well confidence parts them, and by how much it is off."""
    return {
        "n": len(right),
        "auroc": auroc(right, confidence),
        "ece": calibration_error(right, confidence) if right else None,
    }


def flags(documents: Sequence[tuple[bool, bool]]) -> Mapping[str, Any]:
    """What flags are worth.

    :param documents: for each whether all of its values are right, and whether it is flagged for review.
    """
    unflagged = [right for right, is_flagged in documents if not is_flagged]
    return {
        "n": len(documents),
        "flagged": round(1 - len(unflagged) / len(documents), 4) if documents else None,
        "unflagged": len(unflagged),
        "wrong_unflagged": len(unflagged) - sum(unflagged),
    }


def auroc(right: Sequence[bool], confidence: Sequence[float]) -> float | None:
    """How likely a right value has more confidence than a wrong one; ``None`` unless there are both."""
    good = [sure for is_right, sure in zip(right, confidence, strict=True) if is_right]
    bad = [sure for is_right, sure in zip(right, confidence, strict=True) if not is_right]
    if not good or not bad:
        return None
    wins = sum((one > other) + (one == other) / 2 for one in good for other in bad)
    return round(wins / (len(good) * len(bad)), 4)


def calibration_error(right: Sequence[bool], confidence: Sequence[float]) -> float:
    """By how much confidence misses the share that is right: the mean over parts of equal size."""
    ordered = sorted(zip(confidence, right, strict=True))
    size = max(1, ceil(len(ordered) / BINS))
    parts = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    gaps = (len(part) * abs(fmean(s for s, _ in part) - fmean(r for _, r in part)) for part in parts)
    return round(sum(gaps) / len(ordered), 4)
