"""How right the predictions are: pure functions of known answers and what was found.

A field counts where the truth has a value and does not list it as ``unscored``; a value where the truth
says there is none is an invention. What is listed under ``document_type_also``, ``entity_also``, ``date_also``,
``due_also`` and ``total_also`` is right as well. Series are compared as groupings, by pairs of documents, never by
name. Text is compared as a bag of words, since reading order is a matter of taste.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import comb, prod
from typing import Any

from rapidfuzz import fuzz

from alfrd_events.cli.reliability import flags, reliability

Row = Mapping[str, Any]

ENTITY_LIKE_ENOUGH = 85
"""Similarity from which two names are the same company, of 100."""
_LEGAL_FORMS = frozenset(
    {
        "sdn",
        "bhd",
        "s",
        "b",
        "inc",
        "llc",
        "ltd",
        "limited",
        "corp",
        "corporation",
        "co",
        "company",
        "gmbh",
        "ag",
    }
    | {"bv", "plc", "pvt", "private", "sas", "sa", "plt", "the"}
)
_WORD = re.compile(r"\d+(?:[.,:/-]\d+)*|[^\W\d_]+")
_FIELDS = ("type", "entity", "date", "due_date", "total_amount", "currency", "invoice_number", "text")
DOCUMENT = "document"
"""What is right where every field of a document is."""


def score(truths: Sequence[Row], predictions: Sequence[Row]) -> dict[str, Any]:
    """Scores over all documents and for each source, and how broken files were handled.

    :return: ``{"overall": {...}, "by_source": {source: {...}}, "by_type": {type: {...}}, "reliability": {...},
        "robustness": {...}}``; each score is 0 to 1, or ``None`` where nothing could be judged.
    """
    found = {line["file"]: line for line in predictions}
    documents = [truth for truth in truths if truth.get("kind") != "robustness"]
    return {
        "overall": _scores(documents, found),
        "by_source": _grouped(documents, found, "source"),
        "by_type": _grouped(documents, found, "document_type"),
        "reliability": _reliability(documents, found),
        "robustness": _robustness([t for t in truths if t.get("kind") == "robustness"], found),
    }


def _grouped(truths: Sequence[Row], found: Mapping[str, Row], name: str) -> dict[str, Any]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for truth in truths:
        groups[truth.get(name) or "unknown"].append(truth)
    return {value: _scores(group, found) for value, group in sorted(groups.items())}


def _reliability(truths: Sequence[Row], found: Mapping[str, Row]) -> dict[str, Any]:
    """For each field how well its confidence tells right from wrong, and what the flags for review are worth.

    A document is as sure as all of its judged fields together.
    """
    claims: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    documents: list[tuple[bool, bool]] = []
    for truth in truths:
        prediction = found.get(truth["file"], {})
        judged = right_fields(truth, prediction)
        confidence = prediction.get("confidence") or {}
        sure = {field: confidence[field] for field in judged if field in confidence}
        for field, value in sure.items():
            claims[field].append((judged[field], value))
        if sure:
            claims[DOCUMENT].append((all(judged[field] for field in sure), prod(sure.values())))
        documents.append((all(judged.values()), bool(prediction.get("flagged", True))))
    fields = {
        field: reliability([right for right, _ in pairs], [sure for _, sure in pairs])
        for field, pairs in sorted(claims.items())
    }
    return {"fields": fields, "review": flags(documents)}


def _scores(truths: Sequence[Row], found: Mapping[str, Row]) -> dict[str, Any]:
    judged: dict[str, list[float]] = {field: [] for field in _FIELDS}
    invented: list[bool] = []
    exact: list[bool] = []
    whole: list[bool] = []
    for truth in truths:
        prediction = found.get(truth["file"], {})
        for field, value in judge(truth, prediction).items():
            judged[field].append(value)
        if (invents := _invents_due_date(truth, prediction)) is not None:
            invented.append(invents)
        if truth.get("entity") and "entity" not in (truth.get("unscored") or ()):
            exact.append(_is_exact(prediction.get("entity"), _names(truth)))
        if right := right_fields(truth, prediction):
            whole.append(all(right.values()))
    return {
        "documents": len(truths),
        "all_right": _mean(whole),
        **{field: _mean(values) for field, values in judged.items()},
        "entity_exact": _mean(exact),
        "due_date_invented": _mean(invented),
        "series": series_f1(truths, found),
    }


def right_fields(truth: Row, prediction: Row) -> dict[str, bool]:
    """Whether each value is right, without the text; a due date that is invented is wrong."""
    right = {field: bool(value) for field, value in judge(truth, prediction).items() if field != "text"}
    if _invents_due_date(truth, prediction):
        right["due_date"] = False
    return right


def _invents_due_date(truth: Row, prediction: Row) -> bool | None:
    """Whether a due date is given where there is none; ``None``: there is one, or it is not known."""
    if (
        "due_date" not in truth
        or truth["due_date"] is not None
        or "due_date" in (truth.get("unscored") or ())
    ):
        return None
    given = prediction.get("due_date")
    return bool(given) and str(given)[:10] not in _listed(truth.get("due_also"))


def judge(truth: Row, prediction: Row) -> dict[str, float]:
    """Right or wrong, for each field that can be judged."""
    judged: dict[str, float] = {}
    skipped = set(truth.get("unscored") or ())
    if truth.get("document_type") and "document_type" not in skipped:
        types = [truth["document_type"], *_listed(truth.get("document_type_also"))]
        judged["type"] = prediction.get("document_type") in types
    if truth.get("entity") and "entity" not in skipped:
        judged["entity"] = same_entity(prediction.get("entity"), _names(truth))
    for field, also in (("date", "date_also"), ("due_date", "due_also")):
        if truth.get(field) and field not in skipped:
            right = [truth[field], *_listed(truth.get(also))]
            judged[field] = str(prediction.get(field) or "")[:10] in right
    if truth.get("total_amount") is not None and "total_amount" not in skipped:
        right = [truth["total_amount"], *(truth.get("total_also") or ())]
        given = prediction.get("total_amount")
        judged["total_amount"] = given is not None and any(
            abs(float(given) - float(r)) < 0.005 for r in right
        )
    for field in ("currency", "invoice_number"):
        if truth.get(field) and field not in skipped:
            judged[field] = _squeezed(prediction.get(field) or "") == _squeezed(str(truth[field]))
    if truth.get("text_lines"):
        judged["text"] = word_f1(" ".join(truth["text_lines"]), prediction.get("text") or "")
    return judged


def _names(truth: Row) -> list[str]:
    return [truth["entity"], *_listed(truth.get("entity_also"))]


def _listed(also: object) -> list[str]:
    """Other right values: none, one, or a list of them."""
    if not also:
        return []
    return [str(each) for each in also] if isinstance(also, list) else [str(also)]


def _is_exact(given: str | None, names: Iterable[str]) -> bool:
    return bool(given) and _squeezed(given or "") in {_squeezed(name) for name in names}


def same_entity(given: str | None, names: Iterable[str]) -> bool:
    """Whether a name is that of the company, but for its legal form and small slips of reading."""
    if not given:
        return False
    return any(
        _squeezed(given) == _squeezed(name) or fuzz.ratio(_core(given), _core(name)) >= ENTITY_LIKE_ENOUGH
        for name in names
    )


def word_f1(reference: str, text: str) -> float:
    """Harmonic mean of precision and recall of the words, whatever their order."""
    wanted, given = Counter(_WORD.findall(_normal(reference))), Counter(_WORD.findall(_normal(text)))
    return _f1((wanted & given).total(), given.total(), wanted.total())


def series_f1(truths: Sequence[Row], found: Mapping[str, Row]) -> float | None:
    """F1 over the pairs of documents that belong together; a document without a series is alone."""
    judged = [t for t in truths if t.get("series_key") and "series_key" not in (t.get("unscored") or ())]
    if len(judged) < 2:
        return None
    true = [truth["series_key"] for truth in judged]
    given = [found.get(truth["file"], {}).get("series_key") or ("alone", truth["file"]) for truth in judged]
    return round(_f1(_pairs(zip(true, given, strict=True)), _pairs(given), _pairs(true)), 4)


def _pairs(labels: Iterable[Any]) -> int:
    return sum(comb(size, 2) for size in Counter(labels).values())


def _robustness(truths: Sequence[Row], found: Mapping[str, Row]) -> dict[str, Any]:
    """Which files ended otherwise than the truth expects, with the reason that was given."""
    surprises = {}
    for truth in truths:
        prediction = found.get(truth["file"], {"status": "error"})
        if truth.get("expect") in ("ok", "error") and prediction.get("status") != truth["expect"]:
            surprises[truth["file"]] = prediction.get("error") or "reported as readable"
        elif prediction.get("status") == "error" and not prediction.get("error"):
            surprises[truth["file"]] = "an error without a reason"
    return {"files": len(truths), "as_expected": len(truths) - len(surprises), "surprises": surprises}


def _f1(hits: int, given: int, wanted: int) -> float:
    return 2 * hits / (given + wanted) if given + wanted else 1.0


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _squeezed(name: str) -> str:
    return re.sub(r"[\W_]+", "", _normal(name))


def _core(name: str) -> str:
    words = [word for word in re.findall(r"[^\W_]+", _normal(name)) if word not in _LEGAL_FORMS]
    return " ".join(words) or _normal(name)
