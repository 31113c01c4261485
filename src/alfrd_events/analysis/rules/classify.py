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

from alfrd_events.analysis.rules import lexicon
from alfrd_events.analysis.rules.forms.form import find_form
from alfrd_events.analysis.text.dates import MONTHS
from alfrd_events.analysis.text.layout import Layout, fold
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.analysis.text.phrases import Phrases, SearchableText
from alfrd_events.analysis.text.totals import find_totals
from alfrd_events.analysis.text.vocabulary import any_of, listed, pattern
from alfrd_events.model import Classification, Document, DocumentType, Prompt

ROWS_OF_A_TITLE = 12
TITLE_WEIGHT = 5.0
OWN_TYPE_WEIGHT = 2.5
ENOUGH = 6.0
"""A score under which there is too little to go by."""
OF_ONE_WORD = 0.4
"""What is left of a score that a single phrase made: a letter that mentions an election is from no government."""
OF_A_SUBJECT = ("utility_bill", "service_bill", "medical", "insurance", "property", "vehicle", "education")
"""Types by what a paper is about. Their bills are headed "invoice", too, and have all of an invoice's words."""
NARROWER = {"tax": "government", "investment": "bank_statement"}
"""Type → one that has its words as well: what is of an authority and about tax is of tax."""
ENOUGH_OF_A_SUBJECT = 7.5
"""A score from which what a paper is about is no passing mention."""
OF_A_PURCHASE = frozenset({"invoice", "receipt"})
"""An offer, an order and a delivery note have their words, and another title."""
LESS_LIKELY = 0.6
"""What is left of an invoice's score where another type explains its words."""
OF_ONE_BOX = 4.0
"""What each box with a value adds to the score of a form's type."""
MOST_TAGS = 6
OF_MANY_SUBJECTS = frozenset({"bank_statement", "credit_card", "investment", "payroll"})
"""Their lines name shops and deductions of all sorts, which are not what the paper is about."""
COMMON_WORDS = frozenset(listed("papers.common_word"))
TILL_HEADING = re.compile(rf"{any_of('papers.till_heading')}(?!\s*{any_of('papers.till_heading_number')})")
"""What a till prints on top where there is a goods and services tax; it does not make an invoice."""
SETTLED = Phrases.from_words(map(fold, listed("papers.settled")))
PAY_BY = Phrases.from_words(map(fold, listed("papers.pay_by")))
BILLED_TO = re.compile(rf"^\W*{any_of('names.billed_to')}\W*$")
ROWS_WITH_A_RECIPIENT = 40
ROWS_OF_A_RECIPIENT = 2
"""The name and the line below it; more may be of the paper itself."""
AMOUNT_DUE = pattern("papers.amount_due")
EXTRA_TERMS = re.compile(
    r"^[ \t]{0,9}[-*]?[ \t]{0,9}([a-z][a-z0-9_]{1,40})\s*:\s*(\S.{0,400})$", re.MULTILINE
)


_AFTER_A_TITLE = "|".join(rf"(?<={re.escape(fold(title))})" for title in listed("papers.title_with_number"))
NUMBER_OF_A_TITLE = re.compile(
    rf"(?:{_AFTER_A_TITLE})(?:\s*\(\d{{3}}\))?\s*(?:\b{any_of('papers.number_of_title')}(?![a-z])"
    rf"|\b{any_of('papers.day_of_title')}\s|\s[a-z]{{0,3}}[-/]?\d).*$"
)
"""What follows the word in "Handelsrechnung (380) Nr. 471102 vom 5.6.2018"."""

NUMBER_BEHIND = re.compile(rf"\s(?:{any_of('papers.number_of_title')}|n|c|no|number|#)\W{{0,3}}[\w/.-]*\d.*$")
"""A sign for "number", and all that follows, behind any title: "Devis n° DV-2025-007"."""
MONTH_OF_A_TITLE = re.compile(
    rf"(?:\W+\w{{1,4}})?(?:\s+(?:{'|'.join(sorted(MONTHS, key=len, reverse=True))}))?\W+(?:19|20)\d\d\W*$"
)
"""What follows the title in "Rent invoice for April 2024"."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first rows, where a paper says what it is."""

    folded: str
    text: SearchableText
    cells: tuple[str, ...]

    @classmethod
    def of(cls, layout: Layout) -> Head:
        rows = layout.rows[:ROWS_OF_A_TITLE]
        folded = "\n".join(row.folded for row in rows)
        cells = [cell.folded for row in rows for cell in row.segments]
        for behind in (NUMBER_OF_A_TITLE, NUMBER_BEHIND, MONTH_OF_A_TITLE):
            cells += [bare for cell in cells if (bare := behind.sub("", cell)) != cell]
        return cls(folded, SearchableText(folded), tuple(cells))

    def without(self, pattern: re.Pattern[str]) -> Head:
        cleaned = pattern.sub("", self.folded)
        return Head(cleaned, SearchableText(cleaned), tuple(pattern.sub("", cell) for cell in self.cells))

    def title(self, titles: Phrases | None) -> str:
        """The first title that makes up most of its cell, or an empty string."""
        if titles is None:
            return ""
        likely = Phrases.from_words(titles.found_in(self.text))
        return next((title for cell in self.cells if (title := likely.title_in(cell))), "")


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
    parsed = ParsedText.of(document)
    if parsed.layout.is_blank:
        return Classification(document_type="other", confidence=0, reasoning="There is no text to go by.")
    ranking = rank(parsed, types, prompt)
    suggested = _suggestion(parsed.layout, ranking)
    best, score = ranking.best
    tags = tags_of(parsed, best)
    if score < ENOUGH / 2 or (suggested and (score < ENOUGH or best in OF_A_PURCHASE)):
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


def rank(parsed: ParsedText, types: Sequence[DocumentType], prompt: Prompt | None = None) -> Ranking:
    """Score every type that the database knows."""
    known = [row.name for row in types] or list(lexicon.type_names())
    folded = _without_recipient(parsed.layout)
    text = SearchableText(folded)
    head = Head.of(parsed.layout)
    till = bool(TILL_HEADING.search(head.folded))
    plain_text = SearchableText(TILL_HEADING.sub("", folded)) if till else text
    plain_head = head.without(TILL_HEADING) if till else head
    extra = _extra_terms(prompt)
    scores: dict[str, float] = {}
    evidence: dict[str, tuple[str, ...]] = {}
    for name in known:
        if name == "invoice":
            score, words = _lexical_score(name, plain_text, plain_head)
        else:
            score, words = _lexical_score(name, text, head)
        if name in extra:
            hits = Phrases.of(extra[name]).found_in(text)
            score += 3 * len(hits)
            words += hits
        scores[name] = score
        evidence[name] = tuple(dict.fromkeys(words))
    for row in types:
        if row.name not in lexicon.type_names() and row.name != "other":
            hits = _own_type_words(row, text, head)
            scores[row.name] = scores.get(row.name, 0.0) + OWN_TYPE_WEIGHT * len(hits)
            evidence[row.name] = tuple(hits)
    if "invoice" in scores and till:
        scores["invoice"] += 2
        evidence["invoice"] = (*evidence["invoice"], "tax invoice")
    _weigh_subject(scores, evidence)
    _weigh_purchase(parsed, scores, evidence)
    _weigh_form(parsed, scores, evidence)
    scores["other"] = 0.0
    ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return Ranking(tuple(ordered), evidence)


def _without_recipient(layout: Layout) -> str:
    """The folded rows, but for the lines under "Bill to": what a customer is says nothing of the paper."""
    skipped: set[tuple[int, int]] = set()
    for row in layout.rows[:ROWS_WITH_A_RECIPIENT]:
        for at, label in enumerate(row.segments):
            if BILLED_TO.match(label.folded):
                skipped |= {
                    (below.index, index)
                    for below in layout.rows[row.index + 1 : row.index + 1 + ROWS_OF_A_RECIPIENT]
                    for index, other in enumerate(below.segments)
                    if below.page == row.page
                    and (label.overlaps_horizontally(other) if layout.has_boxes else index == at)
                }
    return "\n".join(
        "  ".join(segment.folded for at, segment in enumerate(row.segments) if (row.index, at) not in skipped)
        for row in layout.rows
    )


def _weigh_subject(scores: dict[str, float], evidence: dict[str, tuple[str, ...]]) -> None:
    """Put what a bill is about before its being one: an invoice is what fits no subject."""
    subject = max((scores[name] for name in OF_A_SUBJECT if _is_proven(name, evidence)), default=0.0)
    if "invoice" in scores and subject >= ENOUGH_OF_A_SUBJECT:
        scores["invoice"] = min(scores["invoice"], subject) * LESS_LIKELY
    for name, wider in NARROWER.items():
        if wider in scores and scores.get(name, 0.0) >= ENOUGH_OF_A_SUBJECT and _is_proven(name, evidence):
            scores[wider] = min(scores[wider], scores[name]) * LESS_LIKELY


def _is_proven(name: str, evidence: dict[str, tuple[str, ...]]) -> bool:
    """Whether a word was found that speaks for one type alone; many bills have an address of service, or a fee."""
    return not lexicon.type_proofs().get(name, frozenset()).isdisjoint(evidence.get(name, ()))


def confidence_of(ranking: Ranking) -> float:
    """How sure the best type is: by its lead over the runner-up, and by the amount of evidence."""
    best, second = ranking.best[1], ranking.runner_up[1]
    lead = (best - second) / (best + 2)
    substance = 1 - math.exp(-best / 8)
    return round(min(0.99, substance * (0.5 + 0.5 * math.tanh(2.6 * lead))), 3)


def _lexical_score(name: str, text: SearchableText, head: Head) -> tuple[float, list[str]]:
    """Phrases found; each further one of the same weight counts less, so that length does not win."""
    score = 0.0
    words: list[str] = []
    for weight, phrases in lexicon.type_phrases().get(name, ()):
        hits = phrases.found_in(text)
        for position, _ in enumerate(hits):
            score += weight * 0.75**position
        if hits:
            at_the_top = Phrases.from_words(hits).found_in(head.text, most=2)
            score += 0.3 * weight * len(at_the_top)
        words += hits
    if len(set(words)) == 1:
        score *= OF_ONE_WORD
    title = head.title(lexicon.type_titles().get(name))
    if title:
        score += TITLE_WEIGHT
        words = [title, *words]
    return score, words


def _own_type_words(row: DocumentType, text: SearchableText, head: Head) -> list[str]:
    """Words of a user's own type that occur: those of its name anywhere, of its description weakly."""
    name = Phrases.from_words([fold(row.name.replace("_", " "))])
    hits = name.found_in(head.text) * 3 or name.found_in(text) * 2
    words = sorted(
        {word for word in re.findall(r"[a-z]{4,}", fold(row.description)) if word not in COMMON_WORDS}
    )
    plurals = [word[:-1] for word in words if word.endswith("s") and len(word) > 4]
    return hits + Phrases.from_words([*words, *plurals]).found_in(text, most=6)


def _extra_terms(prompt: Prompt | None) -> dict[str, str]:
    """Lines ``type: term; term`` of the prompt: words that its author adds to a type."""
    if prompt is None:
        return {}
    return {match[1]: fold(match[2]) for match in EXTRA_TERMS.finditer(prompt.text)}


def _weigh_purchase(
    parsed: ParsedText, scores: dict[str, float], evidence: dict[str, tuple[str, ...]]
) -> None:
    """Tell a till's receipt from an invoice: money changing hands, and a clock beside the date."""
    if "receipt" not in scores:
        return
    totals = find_totals(parsed)
    roles = {candidate.role for candidate in totals.candidates}
    marks = []
    if "change" in roles and "payment" in roles:
        marks.append("cash and change")
    if "rounding" in roles:
        marks.append("rounding")
    if "payment" in roles and totals.total is not None:
        marks.append("payment")
    if re.search(r"\d[/.-]\d{2,4}\s{0,3}\d{1,2}:\d{2}|\d{1,2}:\d{2}\s?[ap]m", parsed.layout.folded):
        marks.append("time of day")
    if _is_narrow(parsed):
        marks.append("narrow columns")
    scores["receipt"] += 2.0 * len(marks)
    evidence["receipt"] = (*evidence.get("receipt", ()), *marks)
    if "invoice" in scores and ("cash and change" in marks or len(marks) >= 3):
        scores["invoice"] *= LESS_LIKELY


def _weigh_form(parsed: ParsedText, scores: dict[str, float], evidence: dict[str, tuple[str, ...]]) -> None:
    """Put a form's type before the types whose words its captions hold: dividends, mortgages, insurances."""
    form = find_form(parsed)
    if form is None or form.document_type not in scores:
        return
    captions = [boxed.caption.text for boxed in form.amounts.values()]
    scores[form.document_type] = max(scores.values()) + OF_ONE_BOX * len(captions)
    evidence[form.document_type] = (form.name, *captions, *evidence[form.document_type])


def _is_narrow(parsed: ParsedText) -> bool:
    """A till roll: few characters to a row."""
    lengths = sorted(len(row.text) for row in parsed.rows)
    return 8 <= len(lengths) <= 150 and lengths[int(len(lengths) * 0.9)] <= 48


def _suggestion(layout: Layout, ranking: Ranking) -> str:
    """A type that is not known, by a title that names it, unless one names the best of the known types."""
    head = Head.of(layout)
    if head.title(lexicon.type_titles().get(ranking.best[0])):
        return ""
    known = {name for name, _ in ranking.scores}
    return next(
        (
            name
            for name, titles in lexicon.unknown_titles().items()
            if name not in known and head.title(titles)
        ),
        "",
    )


def tags_of(parsed: ParsedText, document_type: str) -> tuple[str, ...]:
    """A few lower-case tags: what it is about, and its year."""
    text = SearchableText(parsed.layout.folded)
    found: list[str] = []
    if document_type not in OF_MANY_SUBJECTS:
        found = [name for name, phrases in lexicon.tags().items() if phrases.occur_in(text)][:MOST_TAGS]
        if "paid" in found and document_type != "receipt" and is_still_due(parsed, text):
            found.remove("paid")
    years = [str(placed.value.value.year) for row in parsed.dates for placed in row]
    if years:
        found.append(max(sorted(set(years)), key=years.count))
    return tuple(found)


def is_still_due(parsed: ParsedText, text: SearchableText) -> bool:
    """Whether it asks for money: an amount due, or a day to pay by, and no word that all is settled.

    A bill says "payment received" of the balance before.
    """
    if SETTLED.occur_in(text):
        return False
    due = [found.value for found in find_totals(parsed).candidates if AMOUNT_DUE.search(found.label)]
    if due:
        return all(value > 0 for value in due)
    return PAY_BY.occur_in(text)


def _reasoning(ranking: Ranking) -> str:
    best, score = ranking.best
    second, second_score = ranking.runner_up
    words = ", ".join(f"“{word}”" for word in ranking.evidence.get(best, ())[:6])
    against = f"; next best is {second} ({second_score:.1f})" if second_score > 0 else ""
    return f"Found {words or 'its words'}: {best} scores {score:.1f}{against}."
