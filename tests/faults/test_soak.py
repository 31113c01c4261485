"""A minute of the soak; ``make soak`` runs ten, with more workers and many more documents."""

from __future__ import annotations

from pathlib import Path

from testing.server import CONFIGURATION
from tests.faults.soak import Plan, soak
from tests.faults.soak_faults import FAULTS


async def test_a_minute_of_random_faults_loses_no_document_and_does_nothing_twice(tmp_path: Path) -> None:
    plan = Plan(
        documents=600,
        seconds=55,
        workers=3,
        pause=(1.5, 2.3),
        deadly=1,
        end_within=120,
        configuration=CONFIGURATION,
    )

    report = await soak(plan, tmp_path)

    assert report.ok, f"{report}\n\nlost: {report.lost}\n\nduplicated: {report.duplicated}"
    assert set(report.faults) == set(FAULTS)
