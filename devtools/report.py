"""How right the values are, how well their confidence tells, and where they are said to be: as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean

from alfrd_events.analysis.rules.value_signs import values_of
from alfrd_events.cli.reliability import auroc, calibration_error
from devtools.boxes import COVERED, Coverage
from devtools.outcome import MAIN, Outcome

TITLES = {
    "document_type": "type",
    "entity": "company",
    "document_date": "date",
    "total_amount": "total",
    "due_date": "due date",
    "currency": "currency",
    "invoice_number": "invoice number",
}
INTRODUCTION = """\
# Accuracy

Written by `python -m devtools.measure`; do not edit. Every document goes through all rules: it is classified, then
summarised by a ranker, calibrations and a threshold that saw no document of its family. A family is one sender, or
papers of nearly the same words, which is one layout.

Only what is trained is held out. The rules were changed while their authors read documents of every source here, so
that all figures are better than on papers of other senders. What is chosen by hand (the lead by which the ranker
replaces the rules' pick, the weight of generated papers, the signs that confidence is computed from) was chosen on
these figures, too. So a fifth of the documents is flagged at least, even where fewer would do here.
"""

Table = list[str]


def as_markdown(
    outcomes: Sequence[Outcome],
    covered: Sequence[Coverage],
    turned: Mapping[int, Sequence[Outcome]],
    held_back: frozenset[str],
) -> str:
    """The whole report."""
    sections = [
        [INTRODUCTION.rstrip()],
        _right(outcomes),
        _confidence(outcomes),
        _review(outcomes, held_back),
        _places(outcomes, covered),
        _skew(turned),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _right(outcomes: Sequence[Outcome]) -> Table:
    return [
        "## Right values",
        "",
        "Right of all documents that print the value, with their number; a value that was not found is wrong, and so",
        "is a due date on a paper that has none. A type is right if a fair judge would accept it, a company if it is",
        "nearly the same; beside them are types that are the first choice, and companies that are right to the letter.",
        "",
        *_rows_of_right("source", outcomes, lambda each: each.known.source),
        "",
        *_rows_of_right("type", outcomes, lambda each: each.known.truth["document_type"]),
    ]


def _rows_of_right(name: str, outcomes: Sequence[Outcome], group_of: Callable[[Outcome], str]) -> Table:
    groups = {"all": list(outcomes)}
    for each in sorted(outcomes, key=group_of):
        groups.setdefault(group_of(each), []).append(each)
    return [
        f"| {name} | documents | all right | {' | '.join(TITLES.values())} | first type | company exact |",
        "|---|---|---|" + "---|" * (len(TITLES) + 2),
        *(
            f"| {group} | {len(some)} | {_share(each.is_right for each in some)} | "
            + " | ".join(_share_of_field(field, some) for field in TITLES)
            + f" | {_share(each.is_strictly_typed for each in some)} | {_share(each.is_exact for each in some)} |"
            for group, some in groups.items()
        ),
    ]


def _share_of_field(field: str, outcomes: Sequence[Outcome]) -> str:
    right = [each.right[field] for each in outcomes if field in each.right]
    return f"{fmean(right):.3f} ({len(right)})" if right else "–"


def _share(values: Iterable[bool]) -> str:
    return f"{fmean(values):.3f}"


def _confidence(outcomes: Sequence[Outcome]) -> Table:
    others = sorted({field for each in outcomes for field in each.right} - set(TITLES))
    return [
        "## Confidence",
        "",
        "AUROC says how well confidence parts right from wrong: 1 is always, ½ is chance; it needs both. ECE says by",
        "how much confidence misses the share that is right. Both are of values that were found.",
        "",
        "| value | found | right of them | AUROC | ECE |",
        "|---|---|---|---|---|",
        *(_confidence_row(title, _claims(outcomes, [field])) for field, title in TITLES.items()),
        _confidence_row("all other values that are known", _claims(outcomes, others)),
        _confidence_row(
            "the document: none of type and these is wrong",
            [(not each.holds_wrong_value, each.sure) for each in outcomes],
        ),
    ]


def _claims(outcomes: Sequence[Outcome], fields: Iterable[str]) -> list[tuple[bool, float]]:
    return [
        (each.right[field], sure)
        for field in fields
        for each in outcomes
        if field in each.right and (sure := each.confidence(field)) is not None
    ]


def _confidence_row(title: str, claims: Sequence[tuple[bool, float]]) -> str:
    right, sure = [each for each, _ in claims], [each for _, each in claims]
    if not claims:
        return f"| {title} | 0 | – | – | – |"
    parted = auroc(right, sure)
    return (
        f"| {title} | {len(claims)} | {fmean(right):.3f} | {'–' if parted is None else f'{parted:.2f}'} "
        f"| {calibration_error(right, sure):.3f} |"
    )


def _review(outcomes: Sequence[Outcome], held_back: frozenset[str]) -> Table:
    unseen = [each for each in outcomes if each.known.source in held_back]
    return [
        "## Flags",
        "",
        "What a person is asked to look at, and what is wrong among the rest: a type or value that is given and wrong,",
        "or one that is wrong or missing. So few documents are wrong that one of them moves an AUROC by hundredths.",
        "",
        "| documents | count | flagged | without a flag | of them with a wrong value | of them wrong or incomplete |",
        "|---|---|---|---|---|---|",
        _flag_row("all", outcomes),
        _flag_row(f"of {', '.join(sorted(held_back))}", unseen),
    ]


def _flag_row(title: str, outcomes: Sequence[Outcome]) -> str:
    left = [each for each in outcomes if not each.is_flagged]
    wrong = sum(each.holds_wrong_value for each in left)
    incomplete = sum(not each.is_right for each in left)
    return f"| {title} | {len(outcomes)} | {1 - len(left) / len(outcomes):.0%} | {len(left)} | {wrong} | {incomplete} |"


def _places(outcomes: Sequence[Outcome], covered: Sequence[Coverage]) -> Table:
    values = [(each, value.field) for each in outcomes for value in values_of(each.summary)]
    values += [(each, field) for each in outcomes for field in MAIN[:3] if field in each.summary.evidence]
    found = [each.summary.evidence[field] for each, field in values if field in each.summary.evidence]
    known = [each for each in found if each.text]
    lines = [
        "## Places",
        "",
        f"Of {len(values)} values {len(known) / len(values):.1%} have a place, and "
        f"{sum(each.confidence is not None for each in found) / len(values):.1%} a confidence.",
    ]
    if covered:
        lines += [
            f"Boxes are held against those that people drew around the lines of {len({each.file for each in covered})} "
            f"receipts. A box covers a value if {COVERED:.0%}",
            "of where the value is printed lies in it; people draw wider than the print. Right values only.",
            "",
            "| value | values | covered | covered by 70 % |",
            "|---|---|---|---|",
            *(
                _covered_row(TITLES[field], [each for each in covered if each.field == field])
                for field in MAIN[:3]
            ),
            _covered_row("all", covered),
        ]
    return lines


def _covered_row(title: str, covered: Sequence[Coverage]) -> str:
    more = _share(each.share >= 0.7 for each in covered)
    return f"| {title} | {len(covered)} | {_share(each.is_covered for each in covered)} | {more} |"


def _skew(turned: Mapping[int, Sequence[Outcome]]) -> Table:
    if not turned:
        return []
    every = [each for some in turned.values() for each in some]
    first = next(iter(turned.values()))
    return [
        "## Skew",
        "",
        f"The first {len(first)} receipts that are pictures, turned by code about their middle, and read anew.",
        "",
        "| degrees | receipts | total | date | company |",
        "|---|---|---|---|---|",
        *(_skew_row(f"{angle:+d}".replace("-", "−"), some) for angle, some in turned.items()),
        _skew_row("all", every),
    ]


def _skew_row(title: str, outcomes: Sequence[Outcome]) -> str:
    shares = (_share_of_field(field, outcomes) for field in ("total_amount", "document_date", "entity"))
    return f"| {title} | {len(outcomes)} | " + " | ".join(each.split(" ")[0] for each in shares) + " |"
