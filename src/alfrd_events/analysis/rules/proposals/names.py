"""Every line that could be the issuer's name, alone and joined with its neighbours, described by shape and place.

The rules propose lines and score them. A name may go over two or three lines, or a wide gap may part it: the joins are
candidates of their own, and what a line and its neighbours look like tells which of them is the whole name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alfrd_events.analysis.ranking.ranker import Candidate
from alfrd_events.analysis.rules.entity import Issuer
from alfrd_events.analysis.rules.name_lines import goes_on, is_first_half
from alfrd_events.analysis.rules.name_words import (
    ADDRESS,
    CONTACT,
    HEADING,
    ISSUER,
    LABEL,
    NUMBER_LABEL,
    ORGANISATION,
    PERSON,
    RECIPIENT,
    TRADE,
)
from alfrd_events.analysis.rules.proposals.print import Printed
from alfrd_events.analysis.text.layout import Row, Segment, fold
from alfrd_events.analysis.text.naming import ENDS_WITH_LEGAL_FORM, LEGAL_FORM, REGISTRATION, clean_name

MOST_PROPOSALS = 12
"""Of more the best by the rules' score are looked at."""
MOST_LINES = 3
LONGEST_NAME = 80
FAR = 20.0
"""Rows; farther away says no more."""


@dataclass(frozen=True, slots=True)
class Name:
    """A possible name and the lines that it was taken from."""

    name: str
    segments: tuple[Segment, ...]

    @property
    def segment(self) -> Segment:
        return self.segments[0]


@dataclass(frozen=True, slots=True)
class _Proposal:
    """A name with the rules' opinion of the line that it begins with."""

    name: Name
    issuer: Issuer
    rank: int
    """Of that line among all by the rules' score, from 0."""
    is_row: bool = False
    """All segments of one row, joined."""


def propose_names(printed: Printed, issuers: Sequence[Issuer], pick: Issuer | None) -> list[Candidate[Name]]:
    """All names that a document's issuer could have, one candidate for each spelling."""
    ranked = sorted(issuers, key=lambda issuer: issuer.score, reverse=True)[:MOST_PROPOSALS]
    best = ranked[0].score if ranked else 0.0
    picked = squash(pick.name) if pick else ""
    heads = _head_rows(printed)
    candidates: dict[str, Candidate[Name]] = {}
    for proposal in _proposals(printed, ranked):
        key = squash(proposal.name.name)
        if len(key) < 2 or key in candidates:
            continue
        features = {
            "is_rules_pick": float(key == picked),
            "within_rules_pick": float(key in picked),
            "holds_rules_pick": float(bool(picked) and picked in key),
            "rules_score": proposal.issuer.score,
            "behind_best": best - proposal.issuer.score,
            "rank": min(10.0, proposal.rank),
            "is_organisation": float(proposal.issuer.is_organisation),
            **_name_features(proposal),
            **_place_features(proposal, printed, heads),
            **_neighbour_features(proposal.name, printed),
        }
        candidates[key] = Candidate(proposal.name, features, key, key == picked)
    return list(candidates.values())


def squash(name: str) -> str:
    """Letters and digits alone."""
    return re.sub(r"[\W_]+", "", name.casefold())


def _proposals(printed: Printed, ranked: Sequence[Issuer]) -> Iterator[_Proposal]:
    """Single lines first, so that a join that adds nothing is not taken for one."""
    for rank, issuer in enumerate(ranked):
        yield _Proposal(Name(issuer.name, (issuer.segment,)), issuer, rank)
    for rank, issuer in enumerate(ranked):
        for name in _joined(issuer, printed):
            yield _Proposal(name, issuer, rank)
        row = printed.parsed.rows[issuer.segment.row]
        if len(row.segments) > 1 and (text := clean_name(row.text)) and len(text) <= LONGEST_NAME:
            yield _Proposal(Name(text, row.segments), issuer, rank, is_row=True)


def _joined(issuer: Issuer, printed: Printed) -> Iterator[Name]:
    segments = [issuer.segment]
    text = issuer.name
    for distance in range(1, MOST_LINES):
        row = printed.neighbour(issuer.segment, distance)
        below = (
            next((each for each in row.segments if each.overlaps_horizontally(segments[-1])), None)
            if row
            else None
        )
        if below is None:
            return
        segments.append(below)
        text = f"{text} {below.text}"
        name = clean_name(text)
        if len(name) > LONGEST_NAME:
            return
        yield Name(name, tuple(segments))


def _name_features(proposal: _Proposal) -> dict[str, float]:
    """What the name looks like, whatever it says."""
    name = proposal.name.name
    folded = fold(name)
    letters = [character for character in name if character.isalpha()]
    words = name.split()
    return {
        "lines": float(len(proposal.name.segments)) if not proposal.is_row else 1.0,
        "is_row": float(proposal.is_row),
        "characters": min(60.0, len(name)),
        "words": min(10.0, len(words)),
        "capitals": sum(letter.isupper() for letter in letters) / max(1, len(letters)),
        "words_with_capital": sum(word[:1].isupper() for word in words) / max(1, len(words)),
        "digits": sum(character.isdigit() for character in name) / max(1, len(name)),
        "marks": sum(not (c.isalnum() or c.isspace()) for c in name) / max(1, len(name)),
        "ends_with_legal_form": float(bool(ENDS_WITH_LEGAL_FORM.search(name))),
        "legal_forms": min(3.0, len(LEGAL_FORM.findall(name))),
        "core_words": min(10.0, len(LEGAL_FORM.sub("", name).split())),
        "is_legal_form": float(bool(LEGAL_FORM.search(name)) and len(squash(LEGAL_FORM.sub("", name))) < 3),
        "has_organisation_word": float(bool(ORGANISATION.search(folded))),
        "is_heading": float(bool(HEADING.match(folded))),
        "is_address": float(bool(ADDRESS.search(folded))),
        "is_contact": float(bool(CONTACT.search(folded))),
        "names_recipient": float(bool(RECIPIENT.search(folded))),
        "is_trade": float(bool(TRADE.match(folded))),
        "is_label": float(bool(LABEL.search(folded))),
        "is_person": float(bool(PERSON.search(name))),
        "has_colon": float(":" in name),
        "is_odd_bracket": float(name.count("(") != name.count(")")),
        "was_cleaned": float(squash(name) != squash(" ".join(each.text for each in proposal.name.segments))),
    }


@dataclass(frozen=True, slots=True)
class _Heads:
    """The rows where a sender's head ends: the first address, contact, heading."""

    address: int
    contact: int
    heading: int
    recipient: int


def _head_rows(printed: Printed) -> _Heads:
    def first(pattern: re.Pattern[str]) -> int:
        rows = (row.index for row in printed.parsed.rows[:60] if pattern.search(row.folded))
        return next(rows, 60)

    return _Heads(first(ADDRESS), first(CONTACT), first(HEADING), first(RECIPIENT))


def _place_features(proposal: _Proposal, printed: Printed, heads: _Heads) -> dict[str, float]:
    segment = proposal.name.segment
    row = printed.parsed.rows[segment.row]
    box = segment.box
    core = squash(LEGAL_FORM.sub("", proposal.name.name))
    return {
        "row": min(FAR, segment.row),
        "row_share": segment.row / len(printed.parsed.rows),
        "page": min(3.0, segment.page),
        "centre": (box[0] + box[2]) / 2 if box else 0.5,
        "width": box[2] - box[0] if box else 0.5,
        "top": box[1] if box else min(1.0, segment.row / 60),
        "height": printed.relative_height(segment),
        "segments_in_row": min(5.0, len(row.segments)),
        "to_address": _distance(heads.address, segment.row),
        "to_contact": _distance(heads.contact, segment.row),
        "to_heading": _distance(heads.heading, segment.row),
        "to_recipient": _distance(heads.recipient, segment.row),
        "mentions": min(4.0, printed.parsed.squashed.count(core)) if len(core) > 3 else 0.0,
        "reading_confidence": min(printed.confidence(each) for each in proposal.name.segments),
    }


def _distance(row: int, other: int) -> float:
    return max(-FAR, min(FAR, float(row - other)))


def _neighbour_features(name: Name, printed: Printed) -> dict[str, float]:
    """What stands just above and just below the name: an address below speaks for it, a legal form for a join."""
    features: dict[str, float] = {}
    last = name.segments[-1]
    for place, segment, distance in (("above", name.segment, -1), ("below", last, 1)):
        row = printed.neighbour(segment, distance)
        text = row.text if row else ""
        folded = row.folded if row else ""
        other = row.segments[0] if row else None
        features |= {
            f"nothing_{place}": float(row is None),
            f"address_{place}": float(bool(ADDRESS.search(folded))),
            f"contact_{place}": float(bool(CONTACT.search(folded))),
            f"heading_{place}": float(bool(HEADING.match(folded))),
            f"legal_form_{place}": float(bool(ENDS_WITH_LEGAL_FORM.search(text))),
            f"registration_{place}": float(bool(REGISTRATION.search(text))),
            f"label_{place}": float(bool(ISSUER.search(folded) or RECIPIENT.search(folded))),
            f"digits_{place}": sum(c.isdigit() for c in text) / max(1, len(text)),
            f"words_{place}": min(10.0, len(text.split())),
            f"height_{place}": _height_ratio(segment, other),
            f"gap_{place}": _gap(segment, other),
            f"repeats_{place}": float(len(squash(text)) > 2 and squash(text) in squash(name.name)),
            f"other_case_{place}": float(bool(text) and text.isupper() != name.name.isupper()),
        }
    above, below = printed.neighbour(name.segment, -1), printed.neighbour(last, 1)
    features["goes_on_above"] = float(above is not None and goes_on(above.segments[0], name.segment))
    features["goes_on_below"] = float(below is not None and goes_on(last, below.segments[0]))
    features["half_above"] = float(above is not None and _joins(above, name.segment))
    features["half_below"] = float(below is not None and _joins(below, last))
    return features


def _joins(row: Row, segment: Segment) -> bool:
    """Whether a line beside a name reads as a part of it: words in the same print that say nothing else."""
    said_elsewhere = (HEADING, ADDRESS, CONTACT, NUMBER_LABEL, RECIPIENT, ISSUER)
    return not any(pattern.search(row.folded) for pattern in said_elsewhere) and is_first_half(
        row.segments[0], segment
    )


def _height_ratio(segment: Segment, other: Segment | None) -> float:
    if other is None or other.box is None or segment.box is None:
        return 1.0
    return min(3.0, (other.box[3] - other.box[1]) / max(1e-6, segment.box[3] - segment.box[1]))


def _gap(segment: Segment, other: Segment | None) -> float:
    """The blank between the two in heights of the segment."""
    if other is None or other.box is None or segment.box is None:
        return 1.0
    upper, lower = sorted((segment.box, other.box), key=lambda box: box[1])
    return max(-1.0, min(6.0, (lower[1] - upper[3]) / max(1e-6, segment.box[3] - segment.box[1])))
