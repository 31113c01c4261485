"""How sure the values are that another analyst has given: a model, or the layout of a series.

What such an analyst says of itself is one input and not the answer. The rules look for the same values on their own:
whether theirs agree, what else the value could be, what it adds up with and how well it was read tells how sure it is,
by weights that are trained on answers of which :data:`USUALLY_RIGHT` are right.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from math import log
from typing import Any, TypeVar

from alfrd_events.analysis.ranking.ranker import Candidate, Choice, judge
from alfrd_events.analysis.ranking.trees import MOST_SURE, Model, Weights, probability, trained
from alfrd_events.analysis.rules.chosen import Chosen
from alfrd_events.analysis.rules.doubts import doubts_of
from alfrd_events.analysis.rules.proposals.fields import Proposals
from alfrd_events.analysis.rules.proposals.names import squash
from alfrd_events.analysis.rules.value_signs import Signs, with_confidence
from alfrd_events.analysis.text.excerpt import excerpt
from alfrd_events.analysis.text.naming import entity_key
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.model import Document, Evidence, Summary

ValueT = TypeVar("ValueT")

USUALLY_RIGHT = 0.9
"""The share of right values among the given ones that the weights are trained on."""
NOT_PROPOSED = 0.4
"""How sure a value is that the text holds, and that the rules would take for nothing of the kind."""
SAID_TO_BE_UNSURE = -1.5
"""Log-odds; a model that doubts a value of its own is wrong more often, but less so than it says."""


def with_second_opinion(
    document: Document,
    summary: Summary,
    *,
    unsure: Collection[str] = (),
    usually_right: float = USUALLY_RIGHT,
    weights: Weights | None = None,
) -> Summary:
    """A summary with a place, a confidence and alternatives for each of its values, and with what is in doubt.

    :param unsure: the values that the analyst itself is not sure of, by name.
    :param usually_right: the share of right values among those that the analyst gives.
    """
    weights = weights or trained()
    document = replace(document, pages=excerpt(document).pages)
    parsed = ParsedText.of(document)
    if parsed.layout.is_blank:
        return summary
    base = _log_odds(usually_right) - _log_odds(USUALLY_RIGHT)

    def shift(field: str) -> float:
        return base + (SAID_TO_BE_UNSURE if field in unsure else 0.0)

    proposals = Proposals.of(document, parsed)
    chosen = Chosen(
        parsed,
        proposals,
        name=_judged(weights.fields["entity"], proposals.names, _is_named(summary.entity), shift("entity")),
        day=_judged(
            weights.fields["document_date"],
            proposals.dates,
            lambda day: day.value == summary.document_date,
            shift("document_date"),
        ),
        total=_judged(
            weights.fields["total_amount"],
            proposals.totals,
            lambda total: summary.total_amount is not None and abs(total.value) == abs(summary.total_amount),
            shift("total_amount"),
        ),
    )
    evidence = _unproposed(summary, shift) | chosen.evidence()
    summary = summary.model_copy(update={"evidence": {**summary.evidence, **evidence}})
    found = with_confidence(Signs(document, parsed, summary), weights)
    doubted = {
        field: _less_sure(found[field]) for field in unsure if field in found and field not in evidence
    }
    summary = summary.model_copy(update={"evidence": {**found, **doubted}})
    return summary.model_copy(
        update={"doubts": doubts_of(document, summary, weights, of_unsupported="not_in_text")}
    )


def _judged(
    model: Model, candidates: Sequence[Candidate[ValueT]], is_given: Callable[[ValueT], bool], log_odds: float
) -> Choice[ValueT] | None:
    """How sure the candidate is that is the given value; ``None``: it is none of the candidates."""
    given = next((each for each in candidates if is_given(each.value)), None)
    return judge(model, candidates, given, log_odds=log_odds) if given is not None else None


def _is_named(entity: str) -> Callable[[Any], bool]:
    squashed, key = squash(entity), entity_key(entity)
    return lambda name: bool(squashed) and (squash(name.name) == squashed or entity_key(name.name) == key)


def _unproposed(summary: Summary, shift: Callable[[str], float]) -> dict[str, Evidence]:
    """The evidence of the main values as the analyst gave it, no surer than what the rules would not propose."""
    found = {}
    for field in ("entity", "document_date", "total_amount"):
        if getattr(summary, field) not in (None, ""):
            where = summary.evidence.get(field) or Evidence(page=1, text="")
            sure = probability(_log_odds(NOT_PROPOSED) + shift(field))
            found[field] = where.model_copy(update={"confidence": round(sure, 4)})
    return found


def _less_sure(where: Evidence) -> Evidence:
    sure = min(MOST_SURE, max(1 - MOST_SURE, where.confidence or 0.0))
    return where.model_copy(update={"confidence": round(probability(_log_odds(sure) + SAID_TO_BE_UNSURE), 4)})


def _log_odds(share: float) -> float:
    return log(share / (1 - share))
