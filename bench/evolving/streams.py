"""Streams of documents over the real database: how much better prompts get, and how soon a bad one is called back."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any

from bench.evolving.stage import Stage
from testing.evolving import Loop
from testing.simulated import HARMFUL, NEEDED, NEUTRAL

WAVE = 10
"""Documents that come in at once; ten a day."""
DRIFT = 0.15


@dataclass(frozen=True)
class Stream:
    """What became of one seed."""

    seed: int
    qualities: tuple[float, ...]
    """The true mean score of the active version, at the beginning and after each wave."""
    promotions: tuple[float, ...]
    """True difference that each promotion made."""
    trials: int
    rolled_back: int
    usd: float

    @property
    def gain(self) -> float:
        """At the end."""
        return self.qualities[-1] - self.qualities[0]

    def as_json(self) -> dict[str, Any]:
        """For the results file."""
        return {**asdict(self), "gain": self.gain}


def stream(stage: Stage, seed: int, documents: int) -> Stream:
    """Let documents come in and prompts evolve by themselves."""
    with stage.database() as url:
        return asyncio.run(_stream(url, seed, documents))


async def _stream(url: str, seed: int, documents: int) -> Stream:
    async with Loop(url, seed) as loop:
        llm = loop.llm
        qualities = [llm.quality((await loop.active())["text"])]
        for _ in range(documents // WAVE):
            await loop.documents(WAVE)
            await loop.settle()
            qualities.append(llm.quality((await loop.active())["text"]))
        trials = await loop.trials()
        promoted = [trial for trial in trials if trial["promoted_at"] is not None]
        spent = await loop.database.value("select sum(usd) from alfrd.usage where purpose = 'evolution'")
        return Stream(
            seed,
            tuple(qualities),
            tuple(llm.quality(trial["challenger"]) - llm.quality(trial["champion"]) for trial in promoted),
            len(trials),
            sum(trial["ending"] == "rolled_back" for trial in trials),
            float(spent or 0),
        )


def prepare_promotions(stage: Stage, number: int) -> list[str]:
    """Databases in which a new version has just been promoted, each from a seed of its own."""
    return [asyncio.run(_prepare(stage, seed)) for seed in range(1, number + 1)]


async def _prepare(stage: Stage, seed: int) -> str:
    name = f"promoted_{seed}"
    async with Loop(stage.prepare(name, "fresh"), 5000 + seed) as loop:
        for _ in range(30):
            await loop.documents(WAVE)
            await loop.settle()
            if (await loop.active())["version"] > 1:
                return name
    raise RuntimeError(f"seed {seed} promoted nothing in 300 documents")


def rolled_back_after(stage: Stage, template: str, seed: int, most: int, step: int = 3) -> int | None:
    """The documents after which a promoted version is called back that has become 0.15 worse than the one before.

    :return: ``None``: not within ``most``.
    """
    with stage.database(template) as url:
        return asyncio.run(_rolled_back_after(url, seed, most, step))


async def _rolled_back_after(url: str, seed: int, most: int, step: int) -> int | None:
    async with Loop(url, seed) as loop:
        (trial,) = [trial for trial in await loop.trials() if trial["phase"] == "shadow"]
        mark = _added(trial["champion"], trial["challenger"])
        gained = loop.llm.quality(trial["challenger"]) - loop.llm.quality(trial["champion"])
        loop.llm.drift[mark] = gained + DRIFT
        await loop.skip_days(60)
        for given in range(step, most + 1, step):
            await loop.documents(step)
            await loop.settle()
            if (await loop.active())["text"] == trial["champion"]:
                return given
    return None


def _added(champion: str, challenger: str) -> str:
    """A sentence that only the new version holds."""
    sentences = (*NEEDED, *HARMFUL, *NEUTRAL)
    return next(text for text in sentences if text in challenger and text not in champion)
