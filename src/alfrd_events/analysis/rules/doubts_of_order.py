"""Days that a person should look at: nothing on the paper says whether the day or the month is first."""

from __future__ import annotations

from collections.abc import Iterator

from alfrd_events.analysis.ranking.ranker import Choice
from alfrd_events.analysis.rules.proposals.dates import Day
from alfrd_events.analysis.text.dates import FoundDate
from alfrd_events.analysis.text.parsed import ParsedText, Placed
from alfrd_events.model import Doubt
from alfrd_events.model.doubts import clause


def doubts_of_order(
    parsed: ParsedText, own: Choice[Day] | None, due: Placed[FoundDate] | None
) -> Iterator[Doubt]:
    """A doubt for each date of the paper that would be another day if the month came first."""
    if parsed.is_order_sure:
        return
    found = {"document_date": own.value.placed.value if own else None, "due_date": due.value if due else None}
    for field, day in found.items():
        if day is not None and day.ambiguous:
            yield Doubt(field=field, reason=clause("order", day=day.text))
