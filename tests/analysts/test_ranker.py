"""Values are chosen among candidates, with a confidence, what else they could be, and a reason to look."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from importlib.resources import files
from typing import Any

import pytest

from alfrd_events.analysis.ranking.ranker import Candidate, choose, judge
from alfrd_events.analysis.ranking.trees import Linear, Model, Tree, trained
from alfrd_events.analysis.rules.proposals.fields import Proposals
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.cli.reliability import auroc, calibration_error, flags
from alfrd_events.model import Document, Invoice, Page
from alfrd_events.model.jobs import Summarize
from tests.analysts.paper import ANALYST, PROMPT, plain, run, scanned

RECEIPT = """
Karolin Bakery Ltd
12 Main Street
Tel: 03-1234567
Date: 04/03/2024  14:51
Bread                    3.00
Cake                     9.00
Subtotal                12.00
Tax 6%                   0.72
Total                   12.72
Cash                    20.00
Change                   7.28
"""
MODEL = Model(
    features=("good", "reading_confidence"),
    base=0.0,
    trees=(Tree((0, -1, -1), (0.5, 0, 0), (1, 0, 0), (2, 0, 0), (0.0, -2.0, 2.0)),),
    linear=Linear(0.0, (2.0, 0.0)),
    replaces_rules_by=1.0,
    confidence_features=("lead", "rules_agree"),
    confidence=Linear(-1.0, (1.0, 1.0)),
    given=Linear(1.0, (1.0, 1.0)),
)


def candidate(name: str, good: float, *, is_rules_pick: bool = False) -> Candidate[str]:
    return Candidate(name, {"good": good, "reading_confidence": 1.0}, name, is_rules_pick)


def test_a_candidate_that_is_well_ahead_takes_the_place_of_the_rules_pick() -> None:
    choice = choose(MODEL, [candidate("rules", 0.0, is_rules_pick=True), candidate("better", 1.0)])

    assert choice is not None
    assert choice.value == "better"
    assert [other.value for other in choice.runners_up] == ["rules"]


def test_a_candidate_that_another_analyst_has_given_is_judged_by_the_others() -> None:
    first, second = candidate("rules", 0.0, is_rules_pick=True), candidate("better", 1.0)

    good, poor = judge(MODEL, [first, second], second), judge(MODEL, [first, second], first)

    assert (good.value, poor.value) == ("better", "rules")
    assert [other.value for other in poor.runners_up] == ["better"]
    assert good.confidence > 0.9 > 0.5 > poor.confidence
    assert judge(MODEL, [first, second], second, log_odds=-2.0).confidence < good.confidence


def test_a_candidate_that_is_hardly_ahead_does_not() -> None:
    choice = choose(MODEL, [candidate("rules", 0.6, is_rules_pick=True), candidate("better", 1.0)])

    assert choice is not None
    assert choice.value == "rules"


def test_agreement_and_a_lead_make_a_choice_surer() -> None:
    alone = choose(MODEL, [candidate("a", 1.0, is_rules_pick=True), candidate("b", 0.0)])
    contested = choose(MODEL, [candidate("a", 1.0, is_rules_pick=True), candidate("b", 0.9)])

    assert alone is not None
    assert contested is not None
    assert 0 < contested.confidence < alone.confidence < 1


def test_without_candidates_nothing_is_chosen() -> None:
    assert choose(MODEL, []) is None


def test_every_main_value_carries_place_label_confidence_and_alternatives() -> None:
    summary = run(ANALYST.run(Summarize(scanned(RECEIPT, document_type="receipt"), PROMPT)))

    total = summary.evidence["total_amount"]
    assert str(summary.total_amount) == "12.72"
    assert total.box is not None
    assert total.label == "total"
    assert total.confidence is not None
    assert total.alternatives
    assert "12.72" not in total.alternatives
    assert summary.evidence["entity"].confidence is not None
    assert summary.document_date in {date(2024, 3, 4), date(2024, 4, 3)}
    assert summary.evidence["document_date"].confidence is not None


def test_a_receipt_without_a_total_is_to_be_looked_at() -> None:
    summary = run(
        ANALYST.run(Summarize(plain("Karolin Bakery Ltd\n04/03/2024", document_type="receipt"), PROMPT))
    )

    assert "no total was found" in [doubt.reason for doubt in summary.doubts]


def test_an_exact_invoice_is_certain_and_never_flagged() -> None:
    invoice = Invoice(
        syntax="CII",
        number="7",
        issue_date=date(2024, 3, 4),
        seller="Karolin GmbH",
        currency="EUR",
        total="119.00",  # type: ignore[arg-type]
    )
    page = Page(1, "Seller: Karolin GmbH\nTotal amount: 119.00", 1.0, source="e_invoice", invoice=invoice)
    document = plain("")
    exact = Document(**{**document.__dict__, "pages": (page,)})

    summary = run(ANALYST.run(Summarize(exact, PROMPT)))

    assert summary.doubts == ()
    assert {where.confidence for where in summary.evidence.values()} == {1}


@pytest.mark.parametrize("field", ["total_amount", "entity", "document_date"])
def test_the_weights_fit_the_features(field: str) -> None:
    """A feature that is added or renamed needs a training; else every document would fail."""
    document = scanned(RECEIPT, document_type="receipt")
    proposals = Proposals.of(document, ParsedText.of(document))
    candidates: Sequence[Candidate[Any]] = {  # type: ignore[assignment]
        "total_amount": proposals.totals,
        "entity": proposals.names,
        "document_date": proposals.dates,
    }[field]

    assert set(candidates[0].features) == set(trained().fields[field].features)


def test_the_weights_are_small_and_hold_no_words() -> None:
    path = files("alfrd_events.analysis.ranking") / "weights.json"
    data = json.loads(path.read_text("ascii"))

    assert len(path.read_bytes()) < 1_000_000
    assert all(set(model) <= set(data["fields"]["entity"]) for model in data["fields"].values())


def test_auroc_and_calibration_error_tell_good_confidences_from_bad_ones() -> None:
    right = [True, True, False, False]

    assert auroc(right, [0.9, 0.8, 0.2, 0.1]) == 1.0
    assert auroc(right, [0.1, 0.2, 0.8, 0.9]) == 0.0
    assert auroc(right, [0.5] * 4) == 0.5
    assert auroc([True], [0.5]) is None
    assert calibration_error([True, True], [1.0, 1.0]) == 0.0
    assert calibration_error([False, False], [1.0, 1.0]) == 1.0


def test_flags_count_what_they_let_through() -> None:
    told = flags([(True, False), (False, False), (False, True), (True, True)])

    assert told == {"n": 4, "flagged": 0.5, "unflagged": 2, "wrong_unflagged": 1}
