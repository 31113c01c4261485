"""What a run measures, and how much of it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

from bench.cluster import Cluster
from bench.contender import Contender
from bench.measure import Measure

Value = TypeVar("Value")

Measured = AsyncIterator[Measure]


@dataclass(frozen=True)
class Plan:
    """Passed to every group of measures.

    :param peers: in addition to this engine.
    :param repeats: how often each sample is taken; those that are compared take turns.
    """

    cluster: Cluster
    engine: Contender
    peers: tuple[Contender, ...]
    quick: bool
    repeats: int

    @property
    def contenders(self) -> tuple[Contender, ...]:
        """Everyone, this engine first."""
        return (self.engine, *self.peers)

    def pick(self, full: Value, quick: Value) -> Value:
        """One of two, by how long the run may take."""
        return quick if self.quick else full

    def say(self, what: str) -> None:
        """Tell whoever waits what is being done; the table goes to standard output, this does not."""
        print(f"  {what}", file=sys.stderr, flush=True)


Group = Callable[[Plan], Measured]
