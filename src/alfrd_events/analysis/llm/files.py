"""A file's prose by a model, over a table and figures that are worked out.

A sentence with a number that the table does not hold is left out: a model adds up badly, and a document may have told
it what to say.
"""

from __future__ import annotations

import re

from alfrd_events.analysis.llm.forms import FileForm
from alfrd_events.analysis.llm.grounded import numbers_in
from alfrd_events.analysis.text.amounts import find_amounts, parse_amount
from alfrd_events.model import FileSummary

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9])")
_MOST_INSIGHTS = 6
_SMALL = 12
"""Numbers up to here may be counted off: "three of the last 5 bills"."""


def told(form: FileForm, table: FileSummary, shown: str) -> FileSummary:
    """The table with the model's words, as far as its numbers are the table's.

    :param shown: what the model was shown.
    """
    known = {abs(found.value) for line in shown.splitlines() for found in find_amounts(line)}
    words = set(re.findall(r"\w+", shown))

    def is_known(number: str) -> bool:
        if number in words or number in shown or (number.isdigit() and int(number) <= _SMALL):
            return True
        amount = parse_amount(number)
        return amount is not None and abs(amount) in known

    def holds(sentence: str) -> bool:
        return all(map(is_known, numbers_in(sentence)))

    sentences = _SENTENCE.split(" ".join(form.summary.split()))
    kept = [sentence for sentence in sentences if holds(sentence)]
    insights = [line for line in form.insights if line and holds(line)]
    left_out = len(sentences) - len(kept) + len([line for line in form.insights if line]) - len(insights)
    statistics = {**table.statistics, "unsupported_sentences": left_out} if left_out else table.statistics
    return table.model_copy(
        update={
            "summary": " ".join(kept) or table.summary,
            "insights": tuple(dict.fromkeys(insights))[:_MOST_INSIGHTS],
            "statistics": statistics,
        }
    )
