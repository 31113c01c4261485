"""A model that writes values in a form of its own, each time that it is asked: taken, or left empty, and never dead."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from alfrd_events.analysis.llm.answer_keys import KeyForm
from alfrd_events.analysis.llm.forms import (
    ClassificationForm,
    ExtractionForm,
    FileForm,
    FilingForm,
    ItemsForm,
    PromptForm,
    ScoreForm,
    SummaryForm,
)
from alfrd_events.clients.llm.schemas import unbounded
from alfrd_events.clients.llm.structured import Form, Intake, schema_of
from alfrd_events.model import JsonObject
from alfrd_events.model.jobs import Classify, DetectSeries, Summarize
from testing.harness import Harness
from tests.analysts.paper import TYPES, plain
from tests.cloud import rule_model
from tests.cloud.asking import BILL, PROMPT, analyst, known, saying
from tests.cloud.chat import check_strict
from tests.cloud.many_documents import process
from tests.cloud.papers import papers

FORMS: list[type[Form]] = [
    ClassificationForm, ExtractionForm, FileForm, FilingForm, ItemsForm, KeyForm, PromptForm, ScoreForm, SummaryForm,
]  # fmt: skip
DAY = date(2024, 3, 5)
SUMMARY: JsonObject = {
    "summary": "a bill", "entity": "Acme", "document_date": "", "due_date": "", "total_amount": "", "currency": "",
    "account_number": "", "period_start": "", "period_end": "", "unsure": [], "other_values": [], "item_count": 0,
    "line_items": [],
}  # fmt: skip


def taken(form: type[Form], field: str, value: Any, **rest: Any) -> tuple[Any, list[str]]:
    """A field's value after validation, and the notes."""
    intake = Intake()
    return getattr(form.model_validate({**rest, field: value}, context=intake), field), intake.notes


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2024-03-05", DAY), ("2024.03.05", DAY), ("2024/3/5", DAY), ("05.03.2024", DAY), ("5.3.2024", DAY),
        ("March 5, 2024", DAY), ("5 March 2024", DAY), ("5. März 2024", DAY), ("Mar 5, 2024", DAY), ("20240305", DAY),
        ("2024-03-05T00:00:00Z", DAY), ("2024年3月5日", DAY), ("25/03/2024", date(2024, 3, 25)), (["2024-03-05"], DAY),
        ("03/25/2024", date(2024, 3, 25)), ("Tuesday, March 5th, 2024", DAY), ("05/05/2024", date(2024, 5, 5)),
    ],
)  # fmt: skip
def test_a_date_is_a_date_in_any_notation(written: Any, day: date) -> None:
    assert taken(SummaryForm, "document_date", written, **SUMMARY) == (day, [])


@pytest.mark.parametrize(
    "written", ["", None, "unknown", "N/A", "null", "None", "-", "Not specified", "n.a."]
)
def test_nothing_is_nothing_in_any_word(written: Any) -> None:
    for field in ("document_date", "total_amount"):
        assert taken(SummaryForm, field, written, **SUMMARY) == (None, [])
    for field in ("entity", "currency", "account_number"):
        assert taken(SummaryForm, field, written, **SUMMARY) == ("", [])
    for field in ("line_items", "other_values"):
        assert taken(SummaryForm, field, written, **SUMMARY) == ([], [])


@pytest.mark.parametrize(
    "written",
    ["2024-00-00", "2024-13-45", "03/05/2024", "soon", "January 2024", "2024", 7, True, {"day": 5}, ["a", "b"],
     "2024-03-05 to 2024-03-31 inclusive, or March 7, 2024", "31.02.2024"],
)  # fmt: skip
def test_what_is_no_day_for_certain_is_left_empty_with_a_note(written: Any) -> None:
    found, notes = taken(SummaryForm, "due_date", written, **SUMMARY)
    if isinstance(written, str) and written.startswith("2024-03-05"):
        assert found == DAY  # it begins with one
        return
    assert found is None
    assert notes == ["due_date is not a date that can be told, and is left empty"]


@pytest.mark.parametrize(
    ("written", "amount"),
    [("1234.50", "1234.50"), (1234.5, "1234.5"), ("$1,234.50", "1234.50"), ("1.234,50 €", "1234.50"), (7, "7"),
     ("1'234.50", "1234.50"), ("-5.00", "-5.00"), ("USD 80.00", "80.00"), (["12.00"], "12.00")],
)  # fmt: skip
def test_an_amount_is_an_amount_in_any_notation(written: Any, amount: str) -> None:
    assert taken(SummaryForm, "total_amount", written, **SUMMARY) == (Decimal(amount), [])


@pytest.mark.parametrize(
    "written", ["many", "1e400", "1e-20000", "NaN0", "12.00 and 13.00", {"a": 1}, "Infinity"]
)
def test_what_is_no_amount_is_left_empty_with_a_note(written: Any) -> None:
    found, notes = taken(SummaryForm, "total_amount", written, **SUMMARY)
    assert found is None
    assert notes == ["total_amount is not an amount that can be told, and is left empty"]


@pytest.mark.parametrize(
    ("written", "share", "is_noted"),
    [(0.9, 0.9, False), ("0.9", 0.9, False), ("95%", 0.95, False), ("95 %", 0.95, False), (95, 0.95, False),
     ("High", 0.9, False), ("low", 0.2, False), ("8/10", 0.8, False), ("0,75", 0.75, False), (1, 1.0, False),
     (7, 0.5, True), ("", 0.5, True), (None, 0.5, True), ("sure thing", 0.5, True), (-1, 0.5, True), (True, 0.5, True),
     ("400%", 0.5, True), (float("nan"), 0.5, True)],
)  # fmt: skip
def test_a_share_is_told_by_number_percent_and_word(written: Any, share: float, is_noted: bool) -> None:
    rest = {"reasoning": "r", "document_type": "receipt", "tags": [], "suggested_type": ""}
    found, notes = taken(ClassificationForm, "confidence", written, **rest)
    assert found == pytest.approx(share)
    assert bool(notes) == is_noted


@pytest.mark.parametrize(
    ("written", "frequency"),
    [("Monthly", "monthly"), ("every month", "monthly"), ("Annually", "annual"), ("bi-weekly", "biweekly"),
     ("Semi-Annual", "semiannual"), ("one-time", "irregular"), (None, "irregular"), ("whenever", "irregular")],
)  # fmt: skip
def test_a_frequency_is_told_in_any_word(written: Any, frequency: str) -> None:
    rest = {"candidate": "", "entity": "Acme", "kind": "bill", "description": ""}
    assert taken(FilingForm, "frequency", written, **rest)[0] == frequency


@pytest.mark.parametrize(
    ("written", "code", "is_noted"),
    [("usd", "USD", False), ("€", "EUR", False), ("US$", "USD", False), ("$", "", True), ("Dollars", "", True),
     ("EUR (Euro)", "EUR", False), ("", "", False)],
)  # fmt: skip
def test_a_currency_is_told_by_its_sign(written: str, code: str, is_noted: bool) -> None:
    found, notes = taken(SummaryForm, "currency", written, **SUMMARY)
    assert (found, bool(notes)) == (code, is_noted)


@pytest.mark.parametrize(
    ("written", "passed"), [("yes", True), ("Passed", True), (1, True), ("no", False), (None, False)]
)
def test_yes_and_no_are_told_by_words(written: Any, passed: bool) -> None:
    checks, _ = taken(ScoreForm, "checks", [{"passed": written}], score=1, feedback="f", improvements=[])
    assert checks[0].passed is passed


@pytest.mark.parametrize(
    ("field", "written", "expected"),
    [
        ("tags", "power, home", ["power", "home"]),
        ("tags", {"a": 1}, []),
        ("tags", ["power", None, 7, {"a": 1}], ["power", "7"]),
        ("reasoning", ["one", "two"], "one, two"),
        ("document_type", ["receipt"], "receipt"),
        ("suggested_type", 7, "7"),
    ],
)
def test_one_value_for_a_list_and_a_list_for_one(field: str, written: Any, expected: Any) -> None:
    rest = {"reasoning": "r", "document_type": "receipt", "confidence": 1, "tags": [], "suggested_type": ""}
    assert taken(ClassificationForm, field, written, **rest)[0] == expected


def test_names_and_values_may_come_as_an_object_and_items_as_lines() -> None:
    values, _ = taken(ExtractionForm, "values", {"invoice_number": 7, "iban": "DE02"})
    assert [(value.name, value.value) for value in values] == [("invoice_number", "7"), ("iban", "DE02")]
    items, _ = taken(ItemsForm, "line_items", ["Rye bread", {"description": "Milk", "amount": "1.89"}])
    assert [(item.description, item.amount) for item in items] == [
        ("Rye bread", None),
        ("Milk", Decimal("1.89")),
    ]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_no_form_is_refused_for_the_shape_of_a_value(form: type[Form], data: st.DataObject) -> None:
    """Any JSON for any field; only a form whose essential fields are all empty may be refused."""
    answer = {name: data.draw(ANYTHING, label=name) for name in form.model_fields}
    for name in form.essential:
        answer[name] = "something"
    try:
        found = form.model_validate(answer, context=Intake())
    except ValidationError as error:
        raise AssertionError(f"{answer!r}: {error}") from error
    json.dumps(found.model_dump(mode="json"))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_schemas_bind_what_they_can(form: type[Form]) -> None:
    schema = schema_of(form)
    check_strict(schema)
    check_strict(unbounded(schema))

    def walk(part: JsonObject, name: str) -> None:
        kind = part["type"]
        if kind == "object":
            for field, one in part["properties"].items():
                walk(one, f"{name}.{field}")
        elif kind == "array":
            assert part["maxItems"] <= 50, name
            walk(part["items"], name)
        elif kind in ("number", "integer"):
            assert {"minimum", "maximum"} <= part.keys(), name
        elif kind == "string" and name != "PromptForm.text":
            assert part.keys() & {"maxLength", "pattern", "enum"}, name

    walk(schema, form.__name__)
    assert not {"maxLength", "maxItems", "pattern", "minimum"} & set(json.dumps(unbounded(schema)).split('"'))


# --- behind the wire -------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["03/03/2024", "3.3.2024", "March 3, 2024", "2024.03.03"])
async def test_a_bill_whose_model_writes_dates_its_own_way_is_filed_by_them(written: str) -> None:
    async with analyst(saying(document_date=written), obeys=False) as (llm, cloud):
        found = await llm.run(Summarize(plain(BILL, document_type="utility_bill"), PROMPT))

    assert found.document_date == date(2024, 3, 3)
    assert len(cloud.log) == 1


@pytest.mark.parametrize(
    ("text", "day"),
    [("Date: 04/03/2024\nLondon, United Kingdom, VAT", date(2024, 3, 4)), ("Date: April 3, 2024\n", date(2024, 4, 3)),
     ("Date: 04/03/2024\nDallas, TX 75201 USA", date(2024, 4, 3))],
)  # fmt: skip
async def test_a_date_that_may_be_two_is_the_one_that_is_printed(text: str, day: date) -> None:
    said = saying(document_date="04/03/2024", due_date="", period_start="", period_end="")
    async with analyst(said, obeys=False) as (llm, _):
        found = await llm.run(
            Summarize(plain(f"Acme Ltd\n{text}\nTotal 12.00\n", document_type="invoice"), PROMPT)
        )

    assert found.document_date == day
    assert found.unsupported == ()


async def test_what_is_missing_twice_is_left_empty_with_a_note() -> None:
    def forgetful(form: str, system: str, material: str) -> JsonObject:
        answer = rule_model.answer(form, system, material)
        return {
            name: value
            for name, value in answer.items()
            if name in ("entity", "total_amount", "document_type")
        }

    document = plain(BILL, document_type="utility_bill")
    async with analyst(forgetful, obeys=False) as (llm, cloud):
        found = await llm.run(Summarize(document, PROMPT))
        classified = await llm.run(Classify(document, TYPES, PROMPT))

    assert (found.entity, found.total_amount, found.document_date) == (
        "Harbor Electric Company",
        Decimal("85.12"),
        None,
    )
    assert found.summary
    assert classified.document_type == "utility_bill"
    assert len(cloud.log) == 4, "each is asked for once more"
    for finding in (found, classified):
        assert finding.provenance is not None
        assert "missing in the answer, and left empty" in finding.provenance.notes[0]


async def test_the_schema_names_types_and_candidates() -> None:
    document = plain(BILL, document_type="utility_bill", entity="Harbor Electric Company")
    async with analyst() as (llm, cloud):
        await llm.run(Classify(document, TYPES, PROMPT))
        await llm.run(DetectSeries(document, [known("Granite Mutual"), known("Harbor Electric Co")], PROMPT))

    forms: list[Any] = [each.request.json()["response_format"] for each in cloud.log]
    schemas = [form["json_schema"]["schema"] for form in forms]
    assert schemas[0]["properties"]["document_type"]["enum"] == [*(row.name for row in TYPES)]
    assert schemas[1]["properties"]["candidate"]["enum"] == ["", "1", "2"]


async def test_documents_pass_through_a_model_that_keeps_to_no_form(db: Harness) -> None:
    """Every kind of slip at once, in every answer, and for ever."""
    given_papers = papers(4)

    def sloppy(form: str, system: str, material: str) -> JsonObject:
        answer = rule_model.answer(form, system, material)
        for name in ("document_date", "due_date", "period_start", "period_end"):
            if answer.get(name):
                answer[name] = date.fromisoformat(answer[name]).strftime("%d.%m.%Y")
            elif name in answer:
                answer[name] = "N/A"
        changes: dict[str, JsonObject] = {
            "classification": {"confidence": "95%", "tags": "bills, home", "suggested_type": None},
            "summary": {
                "total_amount": f"$ {answer.get('total_amount')}",
                "currency": "$",
                "line_items": "none",
            },
            "filing": {"frequency": "Monthly", "candidate": answer.get("candidate") or None},
            "score": {
                "score": "high",
                "checks": [{"name": "total", "passed": "yes"}],
                "improvements": "none",
            },
        }
        return {**answer, **changes.get(form, {})}

    async with analyst(sloppy, obeys=False) as (llm, _):
        await process(db, llm, given_papers)

    rows = await db.sql(
        "select status, total_amount, document_date, error from alfrd.documents order by filename"
    )
    wanted = sorted(given_papers, key=lambda paper: paper.filename)
    assert [row["status"] for row in rows] == ["completed"] * 4, [row["error"] for row in rows]
    assert [(row["total_amount"], row["document_date"]) for row in rows] == [(p.total, p.day) for p in wanted]
