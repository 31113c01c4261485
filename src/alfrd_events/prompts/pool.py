"""Which documents a trial uses, and which versions a candidate is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal
from uuid import UUID

Split = Literal["train", "held_back"]

_TRAIN_SHARE = 1 / 3
"""What candidates are made from; the rest only judges them, and the judging needs more."""


def split(document: UUID) -> Split:
    """On which side a document is, for ever and for every prompt: by the hash of its id."""
    digest = hashlib.blake2b(f"alfrd:split:{document}".encode(), digest_size=8).digest()
    return "train" if int.from_bytes(digest, "big") < _TRAIN_SHARE * 2**64 else "held_back"


def pareto_pool(scores: Mapping[int, Mapping[UUID, float]], most: int = 4) -> tuple[int, ...]:
    """The versions that no other one beats everywhere: each is the best on some document.

    A version that is worse on average but right where the champion is wrong holds an idea that is worth keeping.

    :param scores: version -> document -> score. Documents that not all versions have are left out of a comparison.
    :return: by mean score, the best first; of equal ones the older.
    """
    front = [
        version
        for version, own in scores.items()
        if own and not any(_dominates(other, own) for rival, other in scores.items() if rival != version)
    ]
    return tuple(sorted(front, key=lambda version: (-_mean(scores[version]), version))[:most])


def _dominates(other: Mapping[UUID, float], own: Mapping[UUID, float]) -> bool:
    common = other.keys() & own.keys()
    return (
        len(common) == len(own)
        and all(other[each] >= own[each] for each in common)
        and any(other[each] > own[each] for each in common)
    )


def _mean(scores: Mapping[UUID, float]) -> float:
    return sum(scores.values()) / len(scores)
