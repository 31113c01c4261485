"""``eval``: what counts as right, by source, type and field, and how well confidence tells."""

from __future__ import annotations

from typing import Any

import pytest

from alfrd_events.cli.accuracy import score

TRUTH: dict[str, Any] = {
    "file": "a",
    "source": "scans",
    "document_type": "invoice",
    "document_type_also": ["service_bill"],
    "entity": "Kranz GmbH",
    "entity_also": ["Malerbetrieb Kranz"],
    "date": "2024-03-05",
    "due_date": "2024-03-19",
    "due_also": ["2024-03-20"],
    "total_amount": 654.5,
    "currency": "EUR",
    "invoice_number": "2024-117",
}
RIGHT: dict[str, Any] = {
    "file": "a",
    "document_type": "invoice",
    "entity": "KRANZ GMBH",
    "date": "2024-03-05",
    "due_date": "2024-03-19",
    "total_amount": 654.5,
    "currency": "EUR",
    "invoice_number": "2024 117",
    "confidence": {"type": 0.9, "entity": 0.9, "total_amount": 0.9},
    "flagged": False,
}


def overall(truth: dict[str, Any] | None = None, **found: Any) -> dict[str, Any]:
    return dict(score([TRUTH | (truth or {})], [RIGHT | found])["overall"])


def test_every_field_is_reported_and_the_document_as_a_whole() -> None:
    scores = overall()

    fields = ("all_right", "type", "entity", "entity_exact", "date", "due_date", "total_amount", "currency")
    assert {field: scores[field] for field in (*fields, "invoice_number")} == dict.fromkeys(
        (*fields, "invoice_number"), 1.0
    )


@pytest.mark.parametrize(
    ("field", "also"),
    [
        ("type", {"document_type": "service_bill"}),
        ("entity", {"entity": "Malerbetrieb Kranz"}),
        ("due_date", {"due_date": "2024-03-20"}),
    ],
)
def test_what_the_truth_accepts_beside_its_own_value_is_right(field: str, also: dict[str, Any]) -> None:
    assert overall(**also)[field] == 1


def test_another_due_date_may_be_one_or_a_list_and_one_beside_none_is_not_invented() -> None:
    one: dict[str, Any] = {"due_date": None, "due_also": "2024-03-19"}

    assert (
        overall(one)["due_date_invented"]
        == overall({**one, "due_also": ["2024-03-19"]})["due_date_invented"]
        == 0
    )
    assert overall({**one, "due_also": []})["due_date_invented"] == 1


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("currency", {"currency": "CHF"}),
        ("invoice_number", {"invoice_number": None}),
        ("total_amount", {"total_amount": 550.0}),
        ("due_date", {"due_date": "2024-05-01"}),
    ],
)
def test_one_wrong_value_makes_the_document_wrong(field: str, wrong: dict[str, Any]) -> None:
    scores = overall(**wrong)

    assert (scores[field], scores["all_right"]) == (0, 0)


def test_an_invented_due_date_makes_the_document_wrong() -> None:
    assert overall({"due_date": None, "due_also": None})["all_right"] == 0


def test_a_company_that_is_nearly_right_is_not_exact() -> None:
    scores = overall(entity="Malerbetreib Kranz")

    assert (scores["entity"], scores["entity_exact"]) == (1, 0)


def test_a_document_is_as_sure_as_its_values_together() -> None:
    truths = [TRUTH, TRUTH | {"file": "b", "source": "mails", "document_type": "receipt"}]
    wrong = RIGHT | {
        "file": "b",
        "document_type": "receipt",
        "entity": "Else",
        "confidence": {"type": 0.9, "entity": 0.2},
    }

    scores = score(truths, [RIGHT, wrong])

    assert scores["reliability"]["fields"]["document"] == {
        "n": 2,
        "auroc": 1.0,
        "ece": pytest.approx((0.271 + 0.18) / 2),
    }
    assert set(scores["by_source"]) == {"scans", "mails"}
    assert set(scores["by_type"]) == {"invoice", "receipt"}
    assert scores["reliability"]["review"]["wrong_unflagged"] == 1
