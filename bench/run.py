"""Measure, print one table, write one file: ``python -m bench.run [--quick] [--only throughput,latency]``."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import NoReturn

from bench import calls, growth, idle, inserts, latency, ocr, throughput
from bench.cluster import Cluster
from bench.contender import contender
from bench.machine import describe, flush_milliseconds
from bench.measure import Measure
from bench.plan import Group, Plan
from bench.process import ROOT
from bench.table import show

GROUPS: dict[str, Group] = {
    "throughput": throughput.measure,
    "latency": latency.measure,
    "idle": idle.measure,
    "growth": growth.measure,
    "calls": calls.measure,
    "inserts": inserts.measure,
    "ocr": ocr.measure,
}
PEERS = ("pgqueuer", "chancy", "procrastinate", "dbos", "absurd")
COPIED = ("src", "sql", "bench", "samples", "testing")
MEASURED_FROM = "BENCH_MEASURED_FROM"
"""Set in the process that works on a copy: the directory that was copied."""


def main() -> int:
    """Run what was asked for. A missed goal is a result, not a failure."""
    chosen = _arguments()
    unknown = [name for name in chosen.only if name not in GROUPS]
    unknown += [name for name in chosen.peers if name not in PEERS]
    if unknown:
        print(
            f"no {', '.join(unknown)}: choose among {', '.join(GROUPS)}; {', '.join(PEERS)}", file=sys.stderr
        )
        return 2
    if MEASURED_FROM not in os.environ:
        _become_a_copy()
    try:
        failed = asyncio.run(_run(chosen))
    except asyncio.CancelledError:
        return 130
    finally:
        shutil.rmtree(ROOT)
    if failed:
        print(f"could not be measured: {', '.join(failed)}; the reasons are above", file=sys.stderr)
    return 1 if failed else 0


def _become_a_copy() -> NoReturn:
    """Go on in a copy of the sources, so that work on them does not change what is measured."""
    copy = Path(mkdtemp(prefix="alfrd-bench-"))
    for name in COPIED:
        left_out = shutil.ignore_patterns("__pycache__", "results")
        shutil.copytree(ROOT / name, copy / name, ignore=left_out)
    paths = os.pathsep.join([str(copy / "src"), str(copy)])
    environment = {**os.environ, MEASURED_FROM: str(ROOT), "PYTHONPATH": paths}
    os.chdir(copy)
    os.execve(sys.executable, [sys.executable, "-m", "bench.run", *sys.argv[1:]], environment)


def _arguments() -> argparse.Namespace:
    def names(text: str) -> list[str]:
        return [name for name in text.split(",") if name]

    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, one peer; under three minutes")
    parser.add_argument("--only", type=names, default=list(GROUPS), help=f"groups, of {', '.join(GROUPS)}")
    parser.add_argument(
        "--peers", type=names, help=f"of {', '.join(PEERS)}; the word 'none' is an empty list"
    )
    parser.add_argument("--repeats", type=int, help="samples for each figure")
    chosen = parser.parse_args()
    if chosen.peers is None:
        chosen.peers = PEERS[:1] if chosen.quick else PEERS
    elif chosen.peers == ["none"]:
        chosen.peers = []
    chosen.repeats = chosen.repeats or (1 if chosen.quick else 3)
    return chosen


async def _run(chosen: argparse.Namespace) -> list[str]:
    """Groups that could not be measured to their end."""
    _end_on_signals()
    began = time.monotonic()
    machine = describe(Path(os.environ[MEASURED_FROM]), list(chosen.peers))
    cluster = Cluster()
    measures: list[Measure] = []
    failed: list[str] = []
    try:
        server = await cluster.settings()
        peers = tuple(contender(name) for name in chosen.peers)
        plan = Plan(cluster, contender("alfrd-events"), peers, chosen.quick, chosen.repeats)
        for name in chosen.only:
            plan.say(f"{name}, after {time.monotonic() - began:.0f} s")
            try:
                async for measure in GROUPS[name](plan):
                    measures.append(measure)  # noqa: PERF401 - what was measured before an error is kept
            except Exception:  # noqa: BLE001 - an hour's other figures are worth having
                traceback.print_exc()
                failed.append(name)
    finally:
        cluster.remove()
    took = time.monotonic() - began
    machine["flush_ms_at_the_end"] = flush_milliseconds()
    file = _write(
        {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "quick": chosen.quick,
            "repeats": chosen.repeats,
            "seconds": round(took),
            "failed": failed,
            "machine": machine,
            "server": server,
            "contenders": {one.name: one.settings for one in plan.contenders},
            "measures": [measure.as_json() for measure in measures],
        },
        chosen,
    )
    heading = (
        f"alfrd-events, PostgreSQL {server['server_version']}, {machine['cores']} cores, a flush takes "
        f"{machine['flush_ms']:g} ms; {chosen.repeats} × in {took:.0f} s"
    )
    show(measures, heading)
    print(file)
    return failed


def _end_on_signals() -> None:
    """Ctrl-C and SIGTERM end the run the ordinary way, so that no worker and no server is left behind."""
    run = asyncio.current_task()
    assert run is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, run.cancel)


def _write(content: dict[str, object], chosen: argparse.Namespace) -> Path:
    results = Path(os.environ[MEASURED_FROM]) / "bench" / "results"
    results.mkdir(exist_ok=True)
    kind = "quick" if chosen.quick else "full"
    file = results / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}-{kind}.json"
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


if __name__ == "__main__":
    sys.exit(main())
