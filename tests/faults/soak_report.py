"""The watch that a soak keeps while it runs, and what it reports in the end."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from tests.faults.soak_world import World

_LOOK: LiteralString = """
  select (select max(at) from alfrd.events where at > now() - interval '2 minutes') as newest,
         exists (select from alfrd.tasks t
                  where (state = 'ready' or state = 'scheduled' and run_at < now())
                    and step not in (select step from alfrd.pauses)
                    and not exists (select from alfrd.tasks twin where twin.subject_id = t.subject_id
                                       and twin.step = t.step and twin.state = 'running')) as work_waits,
         (select extract(epoch from max(now() - t.claimed_at))::float
            from alfrd.tasks t join alfrd.workers w on w.id = t.worker_id
           where t.state = 'running' and w.heartbeat_at > now() - make_interval(secs => w.lease_seconds)) as held
"""
_LOOK_EVERY_SECONDS = 0.2
_FORGOTTEN_SECONDS = 60
"""Nothing takes a live worker that long: not a step, not a person who holds the row for twice the lease."""


@dataclass
class Stall:
    """The longest time in which work waited and nothing happened."""

    seconds: float = 0.0
    ended_at: float = 0.0
    """Seconds after the start of the soak."""


class Watch:
    """Looks at the server from outside, a few times in a second."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._started = time.monotonic()
        self._newest: Any = None
        self._last_sign = self._last_excuse = self._started
        self.overall = Stall()
        """Outages of the server included."""
        self.unexcused = Stall()
        """While the server answered and a worker was awake."""
        self.away_seconds = 0.0
        self.longest_held = 0.0
        """Seconds that a live worker had a task; what it forgets shows here."""

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                async with self._world.person() as session:
                    while True:
                        cursor = await session.execute(_LOOK)
                        self._take(await cursor.fetchone())
                        await asyncio.sleep(_LOOK_EVERY_SECONDS)
            except psycopg.OperationalError:
                self.away_seconds += _LOOK_EVERY_SECONDS
                self._last_excuse = time.monotonic()
                await asyncio.sleep(_LOOK_EVERY_SECONDS)

    def _take(self, row: dict[str, Any] | None) -> None:
        assert row is not None
        now = time.monotonic()
        if not self._world.crew.able:
            self._last_excuse = now
        self._note(self.overall, now - self._last_sign)
        self._note(self.unexcused, now - max(self._last_sign, self._last_excuse))
        self.longest_held = max(self.longest_held, row["held"] or 0)
        if row["newest"] != self._newest or not row["work_waits"]:
            self._newest = row["newest"]
            self._last_sign = now

    def _note(self, stall: Stall, seconds: float) -> None:
        if seconds > stall.seconds:
            stall.seconds, stall.ended_at = round(seconds, 1), round(self.seconds, 1)


@dataclass
class Report:
    """What came out of a soak."""

    seed: int
    workers: int
    fault_seconds: float
    total_seconds: float
    acknowledged: int
    counts: dict[str, Any]
    """As ``soak_checks.COUNTS`` tells them."""
    lost: dict[str, list[dict[str, Any]]]
    duplicated: dict[str, list[dict[str, Any]]]
    faults: dict[str, Counter[str]]
    """Kind to what became of it to how often."""
    endings: Counter[str]
    """Why workers ended that no fault had ended."""
    overall: Stall
    unexcused: Stall
    away_seconds: float
    longest_held: float
    alarms: Counter[str] = field(default_factory=Counter)
    """Log lines of the workers that nobody should ever see."""
    explanations: dict[str, str] = field(default_factory=dict)
    """Id of a document or file that is lost or duplicated -> what the database says of it."""
    history: list[tuple[float, str, str]] = field(default_factory=list)
    """When which fault began, and what became of it."""

    @property
    def ok(self) -> bool:
        """Nothing was lost, nothing happened twice, no worker fell over or forgot what it had."""
        return (
            not (self.lost or self.duplicated or self.alarms or self.fallen)
            and self.longest_held < _FORGOTTEN_SECONDS
        )

    @property
    def fallen(self) -> list[str]:
        """Workers that ended and should not have."""
        return [why for why in self.endings if why.startswith(("fell over", "would not stop"))]

    def write(self, path: Path) -> None:
        """All of it, as JSON."""
        whole = {
            **vars(self),
            "overall": vars(self.overall),
            "unexcused": vars(self.unexcused),
            "ok": self.ok,
        }
        path.write_text(json.dumps(whole, indent=2, default=str) + "\n")

    def __str__(self) -> str:
        return "\n".join(line for title, rows in self._sections() for line in _table(title, rows))

    def _sections(self) -> list[tuple[str, list[tuple[str, Any]]]]:
        counts, events = self.counts, Counter(self.counts["events"] or {})
        return [
            (
                f"Soak with seed {self.seed}: {self.workers} workers, {self.fault_seconds:g} s of faults,"
                f" {self.total_seconds:.0f} s in all",
                [
                    ("documents in", self.acknowledged),
                    ("completed", counts["completed"]),
                    ("failed by design", counts["failed_by_design"]),
                    ("cancelled by people", counts["cancelled"]),
                    ("lost", sum(map(len, self.lost.values()))),
                    ("duplicated effects", sum(map(len, self.duplicated.values()))),
                ],
            ),
            ("Lost", [(name, len(rows)) for name, rows in self.lost.items()]),
            ("Duplicated", [(name, len(rows)) for name, rows in self.duplicated.items()]),
            ("Where they are", list(self.explanations.items())),
            ("Alarms in the workers' logs", list(self.alarms.items())),
            (
                "What it took",
                [
                    ("steps completed", events["completed"]),
                    ("rescues", events["lost"]),
                    ("stale refusals", events["stale"]),
                    ("retries", events["retry"]),
                    ("given back", events["released"] + events["throttled"]),
                    ("superseded", events["superseded"]),
                    ("dead", events["dead"]),
                    ("files summarised", counts["files"]),
                    ("slowest document", _seconds(counts["slowest_seconds"])),
                    ("longest in the hands of a dead worker", _seconds(counts["longest_in_dead_hands"])),
                    ("longest in those of a live one", _seconds(self.longest_held)),
                    ("longest stall", _at(self.unexcused)),
                    ("the same, outages included", _at(self.overall)),
                    ("server away", _seconds(self.away_seconds)),
                ],
            ),
            ("What woke the claims", sorted((counts["woken_by"] or {}).items())),
            (
                "Faults",
                [
                    (kind, ", ".join(f"{count} {became}" for became, count in sorted(what.items())))
                    for kind, what in sorted(self.faults.items())
                ],
            ),
            ("Workers that ended otherwise", list(self.endings.items())),
        ]


def _table(title: str, rows: list[tuple[str, Any]]) -> list[str]:
    if not rows:
        return []
    width = max(len(name) for name, _ in rows) + 2
    cells = [(name, f"{value:,}" if isinstance(value, int) else str(value)) for name, value in rows]
    right = max(
        (len(text) for (_, value), (_, text) in zip(rows, cells, strict=True) if isinstance(value, int)),
        default=0,
    )
    return ["", title, *(f"  {name:<{width}}{text:>{right}}" for name, text in cells)]


def _seconds(value: Any) -> str:
    return "none" if value is None else f"{float(value):.1f} s"


def _at(stall: Stall) -> str:
    return f"{stall.seconds:.1f} s, until {stall.ended_at:.0f} s after the start"


_ALARMS = re.compile(
    r"a background duty ended|a step failed in a way that nobody foresaw|the database refused|Traceback"
    r"|never retrieved|what was left behind failed"
)


def alarms(logs: list[Path]) -> Counter[str]:
    """How often each alarming phrase stands in the logs. Who could not begin, or end, without a server may be loud."""
    found: Counter[str] = Counter()
    for log in logs:
        text = log.read_text(errors="replace")
        if "worker started" in text and "stopping without the database" not in text:
            found.update(match.group() for match in _ALARMS.finditer(text))
    return found
