"""All proposals for a document's main values, and what the rules alone would pick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alfrd_events.analysis.ranking.ranker import Candidate
from alfrd_events.analysis.rules.document_dates import STATEMENTS, When, find_dates_of
from alfrd_events.analysis.rules.entity import Issuer, best_for, propose_issuers
from alfrd_events.analysis.rules.proposals.dates import Day, propose_dates
from alfrd_events.analysis.rules.proposals.names import Name, propose_names
from alfrd_events.analysis.rules.proposals.print import Printed
from alfrd_events.analysis.rules.proposals.totals import TotalValue, propose_totals
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.analysis.text.totals import Totals, find_totals
from alfrd_events.model import Document


@dataclass(frozen=True, slots=True)
class Proposals:
    """The candidates of each field, and the rules' own picks."""

    totals: Sequence[Candidate[TotalValue]]
    names: Sequence[Candidate[Name]]
    dates: Sequence[Candidate[Day]]
    rules_totals: Totals
    rules_issuer: Issuer | None
    rules_when: When

    @classmethod
    def of(cls, document: Document, parsed: ParsedText) -> Proposals:
        is_receipt = document.document_type in {"receipt", ""}
        printed = Printed.of(document, parsed)
        totals = find_totals(parsed)
        issuers = list(propose_issuers(parsed, is_receipt=is_receipt))
        issuer = best_for(document, issuers)
        when = find_dates_of(
            parsed,
            document.created_at,
            is_receipt=is_receipt,
            is_statement=document.document_type in STATEMENTS,
        )
        return cls(
            totals=propose_totals(printed, totals),
            names=propose_names(printed, issuers, issuer),
            dates=propose_dates(printed, when, document.created_at),
            rules_totals=totals,
            rules_issuer=issuer,
            rules_when=when,
        )
