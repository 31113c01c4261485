"""What type of paper a document is.

Each type has phrases that speak for it (:mod:`.lexicon`); a phrase counts once, more near the top
and more in a title. A till's marks (cash, change, a clock beside the date) speak for a receipt. The
confidence follows from how far the best type is ahead, and from how much there was to go by.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from alfrd_events.model import Classification, Document, DocumentType, Prompt
from alfrd_events.providers.analysts.rules import lexicon
from alfrd_events.providers.analysts.rules.layout import Sheet, fold
from alfrd_events.providers.analysts.rules.reading import Reading
from alfrd_events.providers.analysts.rules.totals import find_totals

ROWS_OF_A_TITLE = 12
TITLE_WEIGHT = 5.0
OWN_TYPE_WEIGHT = 2.5
ENOUGH = 6.0
"""A score under which there is too little to go by."""
MOST_TAGS = 6
COMMON_WORDS = frozenset(
    [
        "the",
        "and",
        "for",
        "with",
        "from",
        "that",
        "this",
        "other",
        "any",
        "all",
        "not",
        "document",
        "documents",
        "papers",
        "paper",
        "letter",
        "letters",
        "such",
        "like",
        "etc",
        "about",
        "are",
    ]
)
EXTRA_TERMS = re.compile(r"^\s*[-*]?\s*([a-z][a-z0-9_]{1,40})\s*:\s*(\S.{0,400})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ranking:
    """All types by how much speaks for them."""

    scores: tuple[tuple[str, float], ...]
    evidence: dict[str, tuple[str, ...]]

    @property
    def best(self) -> tuple[str, float]:
        return self.scores[0] if self.scores else ("other", 0.0)

    @property
    def runner_up(self) -> tuple[str, float]:
        return self.scores[1] if len(self.scores) > 1 else ("other", 0.0)


def classify(
    document: Document, types: Sequence[DocumentType], prompt: Prompt | None = None
) -> Classification:
    """Name a document's type, with the words that told."""
    reading = Reading.of(document)
    if reading.sheet.is_blank:
        return Classification(document_type="other", confidence=0, reasoning="There is no text to go by.")
    ranking = rank(reading, types, prompt)
    suggested = _suggestion(reading.sheet, ranking)
    tags = tags_of(reading)
    best, score = ranking.best
    if score < ENOUGH / 2 or (suggested and score < ENOUGH):
        hint = f" A title suggests {suggested.replace('_', ' ')}." if suggested else ""
        return Classification(
            document_type="other",
            confidence=round(max(0.05, 0.4 - score / 20), 3),
            reasoning=f"Too little speaks for any known type.{hint}",
            tags=tags,
            suggested_type=suggested,
        )
    return Classification(
        document_type=best,
        confidence=confidence_of(ranking),
        reasoning=_reasoning(ranking),
        tags=tuple(tag for tag in tags if tag != best),
        suggested_type=suggested if score < 2 * ENOUGH else "",
    )


def rank(reading: Reading, types: Sequence[DocumentType], prompt: Prompt | None = None) -> Ranking:
    """Score every type that the database knows."""
    known = [row.name for row in types] or list(lexicon.type_names())
    text = reading.sheet.folded
    head = "\n".join(row.folded for row in reading.rows[:ROWS_OF_A_TITLE])
    extra = _extra_terms(prompt)
    scores: dict[str, float] = {}
    evidence: dict[str, tuple[str, ...]] = {}
    for name in known:
        score, words = _lexical_score(name, text, head)
        if name in extra:
            hits = _distinct(lexicon.any_of(extra[name]), text)
            score += 3 * len(hits)
            words += hits
        scores[name] = score
        evidence[name] = tuple(dict.fromkeys(words))
    for row in types:
        if row.name not in lexicon.type_names() and row.name != "other":
            hits = _own_type_words(row, text, head)
            scores[row.name] = scores.get(row.name, 0.0) + OWN_TYPE_WEIGHT * len(hits)
            evidence[row.name] = tuple(hits)
    _weigh_purchase(reading, scores, evidence)
    scores["other"] = 0.0
    ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return Ranking(tuple(ordered), evidence)


def confidence_of(ranking: Ranking) -> float:
    """How sure the best type is: by its lead over the runner-up, and by the amount of evidence."""
    best, second = ranking.best[1], ranking.runner_up[1]
    lead = (best - second) / (best + 2)
    substance = 1 - math.exp(-best / 8)
    return round(min(0.99, substance * (0.5 + 0.5 * math.tanh(2.6 * lead))), 3)


def _lexical_score(name: str, text: str, head: str) -> tuple[float, list[str]]:
    """Phrases found; each further one of the same weight counts less, so that length does not win."""
    score = 0.0
    words: list[str] = []
    for weight, pattern in lexicon.type_phrases().get(name, ()):
        hits = _distinct(pattern, text)
        at_the_top = _distinct(pattern, head)
        for position, _ in enumerate(hits):
            score += weight * 0.75**position
        score += 0.3 * weight * min(2, len(at_the_top))
        words += hits
    title = lexicon.type_titles().get(name)
    if title is not None:
        found = _titles_in(title, head)
        if found:
            score += TITLE_WEIGHT
            words = [*found, *words]
    return score, words


def _titles_in(pattern: re.Pattern[str], head: str) -> list[str]:
    """Titles among the first rows: the phrase must be most of its row."""
    found = []
    for line in head.split("\n"):
        for cell in line.split("  "):
            match = pattern.search(cell)
            if match and len(match[0]) >= 0.5 * len(cell.strip()):
                found.append(match[0])
    return found


def _distinct(pattern: re.Pattern[str], text: str) -> list[str]:
    found: dict[str, None] = {}
    for match in pattern.finditer(text):
        found[" ".join(match[0].split())] = None
        if len(found) >= 12:
            break
    return list(found)


def _own_type_words(row: DocumentType, text: str, head: str) -> list[str]:
    """Words of a user's own type that occur: those of its name anywhere, of its description weakly."""
    name = fold(row.name.replace("_", " "))
    hits = [name] * 3 if re.search(rf"(?<![a-z]){re.escape(name)}", head) else []
    if not hits and re.search(rf"(?<![a-z]){re.escape(name)}", text):
        hits = [name] * 2
    words = {word for word in re.findall(r"[a-z]{4,}", fold(row.description)) if word not in COMMON_WORDS}
    hits += [word for word in sorted(words) if re.search(rf"(?<![a-z]){re.escape(word)}s?(?![a-z])", text)][
        :6
    ]
    return hits


def _extra_terms(prompt: Prompt | None) -> dict[str, str]:
    """Lines ``type: term; term`` of the prompt: words that its author adds to a type."""
    if prompt is None:
        return {}
    return {match[1]: fold(match[2]) for match in EXTRA_TERMS.finditer(prompt.text)}


def _weigh_purchase(reading: Reading, scores: dict[str, float], evidence: dict[str, tuple[str, ...]]) -> None:
    """Tell a till's receipt from an invoice: money changing hands, and a clock beside the date."""
    if "receipt" not in scores:
        return
    totals = find_totals(reading)
    roles = {candidate.role for candidate in totals.candidates}
    marks = []
    if "change" in roles and "payment" in roles:
        marks.append("cash and change")
    if "rounding" in roles:
        marks.append("rounding")
    if "payment" in roles and totals.total is not None:
        marks.append("payment")
    if re.search(r"\d[/.-]\d{2,4}\s{0,3}\d{1,2}:\d{2}|\d{1,2}:\d{2}\s?[ap]m", reading.sheet.folded):
        marks.append("time of day")
    if _is_narrow(reading):
        marks.append("narrow columns")
    scores["receipt"] += 2.0 * len(marks)
    evidence["receipt"] = (*evidence.get("receipt", ()), *marks)
    if "invoice" in scores and ("cash and change" in marks or len(marks) >= 3):
        scores["invoice"] *= 0.6


def _is_narrow(reading: Reading) -> bool:
    """A till roll: few characters to a row."""
    lengths = sorted(len(row.text) for row in reading.rows)
    return 8 <= len(lengths) <= 150 and lengths[int(len(lengths) * 0.9)] <= 48


def _suggestion(sheet: Sheet, ranking: Ranking) -> str:
    head = "\n".join(row.folded for row in sheet.rows[:ROWS_OF_A_TITLE])
    known = {name for name, _ in ranking.scores}
    for name, pattern in lexicon.unknown_titles().items():
        if name not in known and _titles_in(pattern, head):
            return name
    return ""


def tags_of(reading: Reading) -> tuple[str, ...]:
    """A few lower-case tags: what it is about, and its year."""
    text = reading.sheet.folded
    found = [name for name, pattern in lexicon.tags().items() if pattern.search(text)][:MOST_TAGS]
    years = [str(placed.value.value.year) for row in reading.dates for placed in row]
    if years:
        found.append(max(sorted(set(years)), key=years.count))
    return tuple(found)


def _reasoning(ranking: Ranking) -> str:
    best, score = ranking.best
    second, second_score = ranking.runner_up
    words = ", ".join(f"“{word}”" for word in ranking.evidence.get(best, ())[:6])
    against = f"; next best is {second} ({second_score:.1f})" if second_score > 0 else ""
    return f"Found {words or 'its words'}: {best} scores {score:.1f}{against}."
