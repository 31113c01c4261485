"""Learn where a series prints its values, from documents whose values are known, and read the next one by it.

A place is believed only if it tells the stored value of *every* document that has one, and at least of
:data:`ENOUGH`: each of those was read on its own, so that a rule which gives all of their values agrees with as many
independent readings. Documents whose values fail a check do not count until a person has looked at them. A person's
correction is one more value that a place must tell; the place that gave the wrong one is forgotten with it, since
it no longer does.

Nothing is kept: what is learned is worked out from the documents as they are now, in a fraction of a second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from rapidfuzz import fuzz

from alfrd_events.analysis.compiled.places import Paper, Place, Sort, Value, same, squashed
from alfrd_events.analysis.rules.checks import faults_of
from alfrd_events.analysis.rules.summary import one_line, summarize, what_it_is
from alfrd_events.analysis.text.grounding import Support
from alfrd_events.model import Document, Evidence, JsonObject, Peer, Summary

ENOUGH = 3
"""Documents whose values must agree before the next one is read without asking."""
LEAST_CONFIDENCE = 0.8
"""Of recognition, on the worst page: a faint scan is for whoever can guess."""
MOVED_ACROSS, MOVED_DOWN = 0.08, 0.2
"""Parts of the page by which a value may stand away from where it stood in earlier documents."""
LIKE_A_KNOWN_LABEL = 85.0
CORE: Mapping[str, Sort] = {
    "entity": "text",
    "document_date": "day",
    "due_date": "day",
    "total_amount": "number",
    "currency": "text",
    "account_number": "text",
    "period_start": "first_day",
    "period_end": "last_day",
}
NOT_COPIED = frozenset({"line_items", "unsupported"})
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Unknown(Exception):
    """The series does not tell enough to read this document; its text says why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How to find one value."""

    sort: Sort
    constant: str = ""
    """The same in all documents; it counts where the text holds it."""
    places: tuple[Place, ...] = ()
    """All of them tell it: where several apply, they must agree."""
    area: tuple[float, float, float, float] | None = None
    """Where it stood: left, top, right, bottom of the values' top left corners."""
    always: bool = True
    """Whether all documents have it."""


@dataclass(frozen=True)
class Learned:
    """What the documents of a series have in common."""

    rules: Mapping[str, Rule]
    amounts: frozenset[str]
    """The labels beside amounts that are known."""
    has_items: bool
    faults: frozenset[str]
    """Checks that fail on documents that a person has set right."""


def learn(peers: Sequence[Peer]) -> Learned:
    """Find the places of all values that the documents share.

    :raise Unknown: too few documents, or a value that all of them have stands in no place that tells it.
    """
    faults = {id(peer): faults_of(peer.document) for peer in peers}
    peers = [peer for peer in peers if peer.corrected or not faults[id(peer)]]
    if len(peers) < ENOUGH:
        raise Unknown(f"{len(peers)} documents are too few")
    papers = [(Paper(peer.document), values_of(peer)) for peer in peers]
    rules = {}
    for name in dict.fromkeys(name for _, values in papers for name in values):
        rule = _rule(name, [(paper, values.get(name, "")) for paper, values in papers])
        if rule is not None:
            rules[name] = rule
        elif all(name in values for _, values in papers):
            raise Unknown(f"{name} stands in no place that tells it in all documents")
    items = [_items(peer.document.structured_data) for peer in peers if not peer.corrected]
    has_items = any(items)
    if has_items and items != [_items(_found_items(peer.document)) for peer in peers if not peer.corrected]:
        raise Unknown("line_items cannot be read alike")
    return Learned(
        rules,
        frozenset(label for paper, _ in papers for label in paper.labels_of_amounts()),
        has_items,
        frozenset(fault for peer in peers for fault in faults[id(peer)]),
    )


def read(document: Document, learned: Learned) -> Summary:
    """A document's values by what was learned.

    :raise Unknown: a value is missing or has moved, a row of the bill is new, or the values do not fit each other.
    """
    if min((page.confidence for page in document.pages), default=0.0) < LEAST_CONFIDENCE:
        raise Unknown("the page is hard to read")
    paper, evidence = Paper(document), dict[str, Evidence]()
    _refuse_new_rows(paper, learned)
    found = {name: _value(name, rule, paper, evidence) for name, rule in learned.rules.items()}
    core = {name: value for name, value in found.items() if name in CORE and value is not None}
    structured: JsonObject = {
        name: _text(value) for name, value in found.items() if name not in CORE and value is not None
    }
    if learned.has_items:
        items = _found_items(document).get("line_items")
        if not items:
            raise Unknown("line_items are missing")
        structured["line_items"] = items
    summary = Summary.model_validate(
        {"summary": "-", **core, "structured_data": structured, "evidence": evidence}
    )
    told = summary.model_copy(update={"summary": one_line(what_it_is(document, summary), summary)})
    faults = set(faults_of(replace(document, **_columns(told)))) - learned.faults
    if faults:
        raise Unknown(f"a check fails: {min(faults)}")
    return told


def values_of(peer: Peer) -> dict[str, str]:
    """The values of an earlier document that count, as text: all, or what a person corrected in what was compiled."""
    document = peer.document
    values = {name: getattr(document, name) for name in CORE}
    values |= {name: value for name, value in document.structured_data.items() if name not in NOT_COPIED}
    if peer.was_compiled:
        kept = peer.corrected | (
            set(document.structured_data) if "structured_data" in peer.corrected else set()
        )
        values = {name: value for name, value in values.items() if name in kept}
    return {
        name: _text(value)
        for name, value in values.items()
        if value not in (None, "") and isinstance(value, str | int | float | Decimal | date)
    }


def _rule(name: str, known: Sequence[tuple[Paper, str]]) -> Rule | None:
    """The rule that tells a value in all documents that have it; ``None``: there is none."""
    having = [(paper, text) for paper, text in known if text]
    always = len(having) == len(known)
    if len(having) < min(ENOUGH, len(known)) - (not always):
        return None
    sort = CORE.get(name) or _sort([text for _, text in having])
    if sort == "text" and len({squashed(text) for _, text in having}) == 1 and always:
        return Rule(sort, constant=having[0][1])
    shared: dict[Place, list[Evidence]] | None = None
    for paper, text in having:
        places = {place: seen.evidence for place, seen in paper.places_of(_parsed(text, sort), sort).items()}
        if shared is None:
            shared = {place: [where] for place, where in places.items()}
        else:
            shared = {place: [*before, places[place]] for place, before in shared.items() if place in places}
    missing = [paper for paper, text in known if not text]
    telling = {
        place: where
        for place, where in (shared or {}).items()
        if all(paper.at(place, sort) is None for paper in missing)
    }
    # "only" says most; another turn at the same label says less and is not needed beside it.
    sure = {(place.how, place.label) for place in telling if place.turn == "only"}
    kept = {p: w for p, w in telling.items() if p.turn == "only" or (p.how, p.label) not in sure}
    if not kept:
        return None
    return Rule(
        sort,
        places=tuple(kept),
        area=_area([where for all_of in kept.values() for where in all_of]),
        always=always,
    )


def _sort(texts: Sequence[str]) -> Sort:
    if all(_DAY.fullmatch(text) for text in texts):
        return "day"
    return "number" if all(_NUMBER.fullmatch(text) for text in texts) else "text"


def _parsed(text: str, sort: Sort) -> Value:
    try:
        if sort == "number":
            return Decimal(text)
        if sort != "text":
            return date.fromisoformat(text)
    except (InvalidOperation, ValueError):
        return text
    return text


def _text(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _area(places: Sequence[Evidence]) -> tuple[float, float, float, float] | None:
    boxes = [place.box for place in places if place.box]
    if len(boxes) < len(places):
        return None
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[0] for box in boxes),
        max(box[1] for box in boxes),
    )


def _value(name: str, rule: Rule, paper: Paper, evidence: dict[str, Evidence]) -> Value | None:
    if rule.constant:
        return _constant(name, rule.constant, paper, evidence)
    seen = [found for place in rule.places if (found := paper.at(place, rule.sort)) is not None]
    if not seen:
        if rule.always:
            raise Unknown(f"{name} is missing")
        return None
    if any(not same(found.value, seen[0].value) for found in seen):
        raise Unknown(f"{name} differs between two places")
    if rule.area and not any(_stays(found.evidence, rule.area) for found in seen):
        raise Unknown(f"{name} has moved")
    evidence[name] = seen[0].evidence
    return seen[0].value


def _constant(name: str, text: str, paper: Paper, evidence: dict[str, Evidence]) -> str:
    support = Support(paper.parsed)
    is_there = {"entity": support.has_entity, "currency": support.has_currency}.get(name, support.has_text)
    if not is_there(text):
        raise Unknown(f"{name} is not the usual one")
    where = support.place_of_entity(text) if name == "entity" else support.place_of_text(text)
    if where is not None and name != "currency":
        evidence[name] = where
    return text


def _stays(evidence: Evidence, area: tuple[float, float, float, float]) -> bool:
    if evidence.box is None:
        return True
    left, top = evidence.box[:2]
    across = area[0] - MOVED_ACROSS <= left <= area[2] + MOVED_ACROSS
    return across and area[1] - MOVED_DOWN <= top <= area[3] + MOVED_DOWN


def _refuse_new_rows(paper: Paper, learned: Learned) -> None:
    """A charge that no earlier bill had is worth a look by whoever understands it."""
    for label in paper.labels_of_amounts() - learned.amounts:
        if not any(fuzz.ratio(label, known) >= LIKE_A_KNOWN_LABEL for known in learned.amounts):
            raise Unknown("a row with an amount is new")


def _found_items(document: Document) -> JsonObject:
    return summarize(document).structured_data


def _items(structured: Mapping[str, object]) -> list[tuple[str, str]]:
    """Line items as far as they must agree: what, and for how much."""
    listed = structured.get("line_items")
    rows = listed if isinstance(listed, list) else []
    return [
        (squashed(str(row.get("description") or "")), _plain_amount(row.get("amount")))
        for row in rows
        if isinstance(row, dict)
    ]


def _plain_amount(amount: object) -> str:
    try:
        return f"{Decimal(str(amount)).normalize():f}"
    except InvalidOperation:
        return ""


def _columns(summary: Summary) -> dict[str, Any]:
    return {name: getattr(summary, name) for name in (*CORE, "summary", "structured_data")}
