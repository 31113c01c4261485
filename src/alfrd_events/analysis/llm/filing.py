"""Series: which candidates a model is shown, what its choice is held against, and a member's values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from alfrd_events.analysis.llm.forms import ExtractionForm, FilingForm
from alfrd_events.analysis.llm.grounded import RESERVED, field_name
from alfrd_events.analysis.rules.extract import extract as known_values
from alfrd_events.analysis.rules.extract import fields_for
from alfrd_events.analysis.rules.series import description_of, documents_needed, filed_in, kind_of
from alfrd_events.analysis.text.grounding import Support
from alfrd_events.analysis.text.naming import clean_name, entity_key, likeness, same_entity
from alfrd_events.clients.calls import BadReply
from alfrd_events.clients.llm.structured import Intake
from alfrd_events.model import Document, Extraction, Filing, JsonObject, Series

MOST_CANDIDATES = 24
MOST_FIELDS = 40
_KIND = re.compile(r"[a-z][a-z0-9 &'-]{1,39}")


def likest(document: Document, candidates: Sequence[Series]) -> tuple[Series, ...]:
    """The candidates worth showing: those whose company is named like the document's, then the newest."""
    ranking = sorted(candidates, key=lambda series: likeness(series.entity, document.entity), reverse=True)
    return tuple(ranking[:MOST_CANDIDATES])


def checked(form: FilingForm, shown: Sequence[Series], intake: Intake) -> FilingForm:
    """The answer as it may be believed; on the last try without a candidate that was not shown.

    :raise BadReply: a candidate that was not shown, or a kind that is no kind.
    """
    if form.candidate and _number(form.candidate) not in range(1, len(shown) + 1):
        if not intake.lenient:
            raise BadReply("filing: candidate must be one of the numbers listed, or empty", "invalid")
        intake.note("the model chose a series that was not listed; its choice was left out")
        form = form.model_copy(update={"candidate": ""})
    if intake.lenient:
        return form  # what is no kind is replaced by the document's own type
    if not form.candidate and form.entity and not _KIND.fullmatch(_kind(form.kind)):
        raise BadReply("filing: kind must be two or three lower-case words", "invalid")
    return form


def filed(document: Document, form: FilingForm, shown: Sequence[Series]) -> Filing:
    """The series of an answer, as far as the document bears it out.

    A candidate counts only if the document names its company, whatever the document says of series; so does a new
    series' company, else the one that the summary found is taken.
    """
    support = Support.of(document)
    if form.candidate:
        chosen = shown[_number(form.candidate) - 1]
        if same_entity(chosen.entity, document.entity) or support.has_entity(chosen.entity):
            return filed_in(chosen)
    named = clean_name(form.entity)
    entity = named if named and support.has_entity(named) else clean_name(document.entity)
    kind = _kind(form.kind) if _KIND.fullmatch(_kind(form.kind)) else kind_of(document)
    if not entity_key(entity):
        return Filing(entity="", kind=kind, frequency="irregular", title=kind)
    for series in shown:
        if series.kind == kind and same_entity(series.entity, entity):
            return filed_in(series)
    return Filing(
        entity=entity,
        kind=kind,
        frequency=form.frequency,
        title=f"{entity}: {kind}",
        description=form.description or description_of(entity, kind, form.frequency),
        documents_needed=documents_needed(document),
    )


def fields_of(series: Series) -> tuple[str, ...]:
    """The names to ask for: the series' own, and those that its kind usually has while it has few; no former ones."""
    former = {name for field in series.named for name in field.former_names}
    usual = sorted(fields_for(series.kind) - former)
    return tuple(dict.fromkeys([*series.fields, *usual]))[:MOST_FIELDS]


def extracted(
    document: Document, series: Series, names: Sequence[str], form: ExtractionForm
) -> tuple[Extraction, list[str]]:
    """The values under the names that were asked for, and the names of those that are not in the text.

    What the summary has established is not read a second time: it stands, and the answer fills the gaps. A field that
    the series has and this document lacks is ``null``.
    """
    support = Support.of(document)
    fields: JsonObject = dict(known_values(document, series).fields)
    left_out: list[str] = []
    for given in form.values:
        name = field_name(given.name)
        if name not in names or fields.get(name) not in (None, "") or not given.value:
            continue
        if support.has_text(given.value):
            fields[name] = given.value
        elif name not in RESERVED or name in series.fields:
            left_out.append(name)
    return Extraction(fields=fields), sorted(set(left_out))


def _number(candidate: str) -> int:
    match: Any = re.fullmatch(r"\W*(\d{1,3})\W*", candidate)
    return int(match[1]) if match else 0


def _kind(given: str) -> str:
    return " ".join(given.lower().replace("_", " ").split())
