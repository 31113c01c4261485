"""``eval``: a table of scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alfrd_events.terminal.columns import Column
from alfrd_events.terminal.output import Output

_SCORES = (
    "all_right", "type", "entity", "entity_exact", "date", "due_date", "total_amount", "currency", "invoice_number",
    "series", "text", "due_date_invented",
)  # fmt: skip
_TITLES = {
    "all_right": "all right",
    "entity_exact": "exact",
    "total_amount": "total",
    "due_date": "due",
    "invoice_number": "number",
    "text": "words",
    "due_date_invented": "due invented",
}


def print_scores(output: Output, scores: Mapping[str, Any]) -> None:
    """A row for each source, for each type and for all, then what was handled otherwise than expected."""
    _table(output, "source", {**scores["by_source"], "all": scores["overall"]})
    _table(output, "type", scores["by_type"])
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


def _table(output: Output, name: str, groups: Mapping[str, Mapping[str, Any]]) -> None:
    rows = [{"group": group, **values} for group, values in groups.items()]
    shown = [each for each in _SCORES if any(row[each] is not None for row in rows)]
    output.table(
        rows,
        [
            Column(name, lambda row: row["group"], style=lambda row: "bold" if row["group"] == "all" else ""),
            Column("documents", lambda row: row["documents"], right=True),
            *(_score_column(each) for each in shown),
        ],
        empty="no documents to score",
    )


def _score_column(name: str) -> Column:
    return Column(
        _TITLES.get(name, name), lambda row: None if row[name] is None else f"{row[name]:.3f}", right=True
    )
