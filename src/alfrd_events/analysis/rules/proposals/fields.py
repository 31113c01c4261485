"""All proposals for a document's main values, and what the rules alone would pick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alfrd_events.analysis.ranking.ranker import Candidate
from alfrd_events.analysis.rules.document_dates import STATEMENTS, When, find_dates_of
from alfrd_events.analysis.rules.entity import Issuer, best_for, propose_issuers
from alfrd_events.analysis.rules.forms.form import Form, find_form
from alfrd_events.analysis.rules.proposals.dates import Day, propose_dates
from alfrd_events.analysis.rules.proposals.names import Name, propose_names
from alfrd_events.analysis.rules.proposals.print import Printed
from alfrd_events.analysis.rules.proposals.totals import TotalValue, propose_totals
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.analysis.text.totals import AS_SURE_AS_A_LABEL, Totals, find_totals
from alfrd_events.analysis.text.totals import Candidate as TotalCandidate
from alfrd_events.model import Document

BY_ITS_BOX = 4.0
"""By how much a name in the box of the issuer is ahead of others: as much as by a label before it."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """The candidates of each field, and the rules' own picks."""

    totals: Sequence[Candidate[TotalValue]]
    names: Sequence[Candidate[Name]]
    dates: Sequence[Candidate[Day]]
    rules_totals: Totals
    rules_issuer: Issuer | None
    rules_when: When
    form: Form | None = None
    """The form with boxes that the document is: what they say is the rules' pick."""

    @classmethod
    def of(cls, document: Document, parsed: ParsedText) -> Proposals:
        is_receipt = document.document_type in {"receipt", ""}
        printed = Printed.of(document, parsed)
        form = find_form(parsed)
        totals = find_totals(parsed)
        issuers = list(propose_issuers(parsed, is_receipt=is_receipt))
        if form is not None:
            totals = _total_of(form, totals)
            issuers = _issuers_of(form, issuers)
        issuer = best_for(document, parsed, issuers)
        when = find_dates_of(
            parsed,
            document.created_at,
            is_receipt=is_receipt,
            is_statement=document.document_type in STATEMENTS,
        )
        if form is not None:
            when = When(form.day or when.own, None, form.period or when.period)
        return cls(
            totals=propose_totals(printed, totals),
            names=propose_names(printed, issuers, issuer),
            dates=propose_dates(printed, when, document.created_at),
            rules_totals=totals,
            rules_issuer=issuer,
            rules_when=when,
            form=form,
        )


def _total_of(form: Form, totals: Totals) -> Totals:
    """Put the amount that a form is about in the place of what its other boxes seem to add up to."""
    if form.total is None:
        return replace(totals, total=None, worked_out=None) if form.is_of_taxes else totals
    label = form.total.caption.text
    total = TotalCandidate("total", label, AS_SURE_AS_A_LABEL, form.total.value)
    return replace(totals, total=total, worked_out=None, candidates=(*totals.candidates, total))


def _issuers_of(form: Form, issuers: Sequence[Issuer]) -> list[Issuer]:
    """Without captions and the lines of those who were paid; the one in the issuer's box before all others."""
    found = [each for each in issuers if not any(each.segment is line for line in form.not_issuers)]
    if form.issuer is None:
        return found
    best = max((each.score for each in found), default=0.0)
    return [Issuer(form.issuer.name, form.issuer.segment, best + BY_ITS_BOX, True), *found]
