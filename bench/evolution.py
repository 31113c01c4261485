"""Prove that prompts improve and never get worse, without any language model: ``python -m bench.evolution``.

What is simulated is the model, the reflector and the time (``testing/simulated.py``); steps, statistics, SQL and
the server are the real ones. The rows of many trials use the production functions in memory. Writes one table, one JSON
file and, with ``--plot``, the learning curve.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from alfrd_events.prompts.evidence import Rules
from bench.evolving import memory, plot
from bench.evolving.money import budgets
from bench.evolving.stage import Stage
from bench.evolving.streams import WAVE, Stream, prepare_promotions, rolled_back_after, stream
from testing.races import race
from testing.simulated import NOISE

SUMMARIZER = Rules(fewest=8, most=40)
DOCUMENTS = 300
GAIN = 0.10


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    goal: str
    measured: str
    met: bool | None
    """``None``: it has no goal, and is there to be compared with."""


def main() -> int:
    """Measure what was asked for. A missed goal is a result, not a failure."""
    chosen = _arguments()
    rows: list[Row] = []
    found: dict[str, Any] = {"at": datetime.now(UTC).isoformat(), "arguments": vars(chosen)}
    with Stage() as stage:
        for name, measure in {
            "streams": _streams,
            "tests": _tests,
            "races": _races,
            "budgets": _budgets,
            "drift": _drift,
            "planted": _planted,
        }.items():
            if chosen.only and name not in chosen.only:
                continue
            started = time.monotonic()
            more, details = measure(stage, chosen)
            rows += more
            found[name] = {**details, "seconds": round(time.monotonic() - started, 1)}
            print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    for row in rows:
        mark = " " if row.met is None else "✓" if row.met else "✗"
        print(f"{mark} {row.what:<72} {row.goal:<22} {row.measured}")
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(
        json.dumps({**found, "rows": [asdict(row) for row in rows]}, indent=1, default=str) + "\n"
    )
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=100, help="streams of documents")
    parser.add_argument("--processes", type=int, default=2, help="of streams, each with a server of its own")
    parser.add_argument("--trials", type=int, default=2000, help="trials in memory for each effect")
    parser.add_argument("--runs", type=int, default=1000, help="runs of budgets")
    parser.add_argument("--drifts", type=int, default=200, help="promotions that turn out worse")
    parser.add_argument("--rounds", type=int, default=50, help="rounds of sixteen racing workers")
    parser.add_argument(
        "--only", type=lambda value: value.split(","), default=[], help="streams,tests,races,…"
    )
    parser.add_argument("--plot", type=Path, help="where to write the learning curve (SVG)")
    parser.add_argument("--out", type=Path, default=Path("bench/results/evolution.json"))
    return parser.parse_args()


_stage: Stage | None = None
"""Of a process that runs streams."""


def _own_stage() -> None:
    global _stage
    _stage = Stage()
    Finalize(_stage, _stage.remove, exitpriority=1)


def _stream(seed: int) -> Stream:
    assert _stage is not None, "made when the process began"
    return stream(_stage, seed, DOCUMENTS)


def _streams(_: Stage, chosen: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    ours: list[Stream] = []
    with ProcessPoolExecutor(chosen.processes, initializer=_own_stage) as pool:
        for each in pool.map(_stream, range(1, chosen.seeds + 1)):
            ours.append(each)
            print(
                f"  seed {each.seed}: {each.gain:+.3f} in {each.trials} trials", file=sys.stderr, flush=True
            )
    theirs = [memory.original(seed, DOCUMENTS, WAVE) for seed in range(1, chosen.seeds + 1)]
    gained = sum(each.gain >= GAIN for each in ours) / len(ours)
    trials = sum(each.trials for each in ours)
    worse = sum(step < 0 for each in ours for step in each.promotions)
    ended_worse = sum(each.gain < 0 for each in ours)
    original = [each[-1] - each[0] for each in theirs]
    if chosen.plot:
        chosen.plot.write_text(plot.learning_curve([each.qualities for each in ours], theirs, WAVE))
    rows = [
        Row(
            f"mean score gain ≥ {GAIN:.2f} within {DOCUMENTS} documents, of {len(ours)} seeds",
            "≥ 95 %",
            f"{gained:.0%} (mean gain {_mean([each.gain for each in ours]):+.3f}, {ended_worse} seeds worse)",
            gained >= 0.95,
        ),
        Row(
            "    the original's rule",
            "",
            f"{sum(each >= GAIN for each in original) / len(original):.0%} (mean gain {_mean(original):+.3f},"
            f" {sum(each < 0 for each in original)} seeds worse)",
            None,
        ),
        Row(
            f"a promotion that is worse, whole loop, {trials} trials",
            "≤ 2 % of trials",
            f"{worse} ({worse / max(trials, 1):.1%}), {sum(each.rolled_back for each in ours)} rolled back",
            worse <= 0.02 * trials,
        ),
        Row(
            "    cost of evolution for a stream of 300 documents",
            "",
            f"{_mean([each.usd for each in ours]):.2f} USD",
            None,
        ),
    ]
    return rows, {"ours": [each.as_json() for each in ours], "original": theirs}


def _tests(_: Stage, chosen: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    rows, details = [], {}
    for effect, goal, least in (
        (0.0, 0.05, False),
        (-0.02, 0.02, False),
        (-0.05, 0.005, False),
        (0.05, 0.60, True),
        (0.10, 0.95, True),
    ):
        rates = memory.promoted(effect, chosen.trials, NOISE, SUMMARIZER)
        others = {noise: memory.promoted(effect, chosen.trials, noise, SUMMARIZER) for noise in (0.05, 0.3)}
        details[f"{effect:+.2f}"] = {
            NOISE: asdict(rates),
            **{noise: asdict(each) for noise, each in others.items()},
        }
        rows.append(
            Row(
                f"a challenger of {effect:+.2f} promoted, {chosen.trials} trials",
                f"{'≥' if least else '≤'} {goal:.1%}",
                f"{rates.tested:.1%} on {rates.pairs:.0f} documents; with screening {rates.screened:.1%};"
                f" noise 0.05: {others[0.05].tested:.1%}, 0.3: {others[0.3].tested:.1%}",
                rates.tested >= goal if least else rates.tested <= goal,
            )
        )
    return rows, details


def _races(stage: Stage, chosen: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    with stage.database() as url:
        seen = asyncio.run(race(url, workers=16, rounds=chosen.rounds))
    row = Row(
        f"16 workers, {chosen.rounds} rounds, {seen.kills} kills, {seen.snapshots} snapshots",
        "0, 0, 0",
        f"{seen.duplicates} duplicate versions, {seen.wrong_snapshots} snapshots without exactly one active,"
        f" {seen.locks_during_calls} locks held across {seen.calls} calls",
        not (seen.duplicates or seen.wrong_snapshots or seen.locks_during_calls),
    )
    return [row], asdict(seen)


def _budgets(stage: Stage, chosen: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    seen = budgets(stage, chosen.runs)
    row = Row(
        f"budgets exceeded, {seen.runs} runs, {seen.calls} calls, {seen.crashes} crashes",
        "0",
        f"{seen.exceeded} ({seen.refused} workers ran out of budget)",
        seen.exceeded == 0,
    )
    return [row], asdict(seen)


def _drift(stage: Stage, chosen: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    templates = prepare_promotions(stage, 8)
    after = [
        rolled_back_after(stage, templates[seed % len(templates)], 6000 + seed, 30)
        for seed in range(chosen.drifts)
    ]
    within = [each for each in after if each is not None]
    row = Row(
        f"a promoted version that becomes 0.15 worse is rolled back within 30 documents, {len(after)} runs",
        "≥ 90 %",
        f"{len(within) / len(after):.1%}, after {_mean(within):.0f} documents on average",
        len(within) >= 0.9 * len(after),
    )
    return [row], {"after": after}


def _planted(_: Stage, chosen: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    number = chosen.trials
    refused = memory.planted(number)
    row = Row(
        f"instructions with a planted document value refused, of {number}",
        "100 %",
        f"{refused / number:.1%}",
        refused == number,
    )
    return [row], {"planted": number, "refused": refused}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


if __name__ == "__main__":
    sys.exit(main())
