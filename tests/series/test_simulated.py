"""The calendar on made-up senders whose truth is known. The table: ``python -m bench.alerts``."""

from __future__ import annotations

from testing.simulated_series import simulate, total


def test_alerts_are_right_and_nothing_is_missed() -> None:
    scores = simulate(40)
    whole = total(scores)

    assert whole.events.total() > 300
    assert whole.false_rate <= 0.02, whole.false
    assert whole.miss_rate <= 0.05, whole.missed
    assert whole.frequency_rate >= 0.97
    for name, score in scores.items():
        if score.looks:
            assert score.frequency_rate >= 0.95, name
