"""``eval``: a table of scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alfrd_events.terminal.columns import Column
from alfrd_events.terminal.output import Output

_SCORES = ("type", "entity", "date", "due_date", "total_amount", "series", "text", "due_date_invented")
_TITLES = {"total_amount": "total", "due_date": "due", "text": "words", "due_date_invented": "due invented"}


def print_scores(output: Output, scores: Mapping[str, Any]) -> None:
    """A row for each source and one for all, then what was handled otherwise than expected."""
    rows = [{"source": source, **values} for source, values in scores["by_source"].items()]
    if len(rows) != 1:
        rows.append({"source": "all", **scores["overall"]})
    output.table(
        rows,
        [
            Column(
                "source",
                lambda row: row["source"],
                style=lambda row: "bold" if row["source"] == "all" else "",
            ),
            Column("documents", lambda row: row["documents"], right=True),
            *(_score_column(name) for name in _SCORES),
        ],
        empty="no documents to score",
    )
    for field, told in scores["reliability"]["fields"].items():
        parted = "–" if told["auroc"] is None else f"{told['auroc']:.2f}"
        output.line(f"confidence of {_TITLES.get(field, field)}: AUROC {parted}, off by {told['ece']:.3f}")
    review = scores["reliability"]["review"]
    if review["n"]:
        output.line(
            f"flagged for review: {review['flagged']:.0%} of {review['n']}; of the other {review['unflagged']}"
            f" {review['wrong_unflagged']} hold a wrong value"
        )
    robustness = scores["robustness"]
    if robustness["files"]:
        output.line(f"broken and odd files: {robustness['as_expected']} of {robustness['files']} as expected")
        for file, why in robustness["surprises"].items():
            output.line(f"  ✗ {file}: {why}", style="red")


def _score_column(name: str) -> Column:
    return Column(
        _TITLES.get(name, name), lambda row: None if row[name] is None else f"{row[name]:.3f}", right=True
    )
