"""How often the calendar of series is right, on made-up senders: ``python -m bench.alerts [SENDERS]``.

Each frequency has so many senders; see ``tests/support/simulated_series.py`` for what happens to their papers.
"""

from __future__ import annotations

import sys

from testing.simulated_series import Score, simulate, total

_HEAD = (
    f"{'frequency':<12}{'senders':>8}{'papers':>8}{'right':>8}{'events':>8}{'missed':>8}{'alerts':>8}{'false':>7}"
    "  false by kind; missed by event"
)


def main() -> None:
    """Print the table."""
    scores = simulate(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    print(_HEAD)
    for name, score in {**scores, "total": total(scores)}.items():
        print(_line(name, score))


def _line(name: str, score: Score) -> str:
    right = f"{score.frequency_rate:.1%}" if score.looks else "-"
    false = ", ".join(f"{kind} {count}" for kind, count in sorted(score.false.items()) if count)
    missed = ", ".join(f"{event} {count}" for event, count in sorted(score.missed.items()) if count)
    return (
        f"{name:<12}{score.senders:>8}{score.papers:>8}{right:>8}{score.events.total():>8}{score.miss_rate:>8.1%}"
        f"{score.alerts.total():>8}{score.false_rate:>7.1%}  {false or '-'}; {missed or '-'}"
    )


if __name__ == "__main__":
    main()
