"""Documents that no model is asked about: an electronic invoice tells all itself, and a blank page nothing."""

from __future__ import annotations

from dataclasses import replace

from alfrd_events.analysis.rules import RulesAnalyst
from alfrd_events.analysis.rules.e_invoice import find_invoice
from alfrd_events.model import Document, Provenance
from alfrd_events.model.jobs import AnalysisJob, DocumentJob, ResultT
from alfrd_events.model.protocols import Analyst


class ExactFirst:
    """Has rules work on electronic invoices, whose values they take as they are, and on blank pages; asks another
    analyst for all other documents.
    """

    def __init__(self, asked: Analyst, rules: RulesAnalyst | None = None) -> None:
        self._rules = rules or RulesAnalyst()
        self._asked = asked
        self.name = asked.name
        self.prompt_prefixes = asked.prompt_prefixes
        self.learns_from = asked.learns_from

    async def run(self, job: AnalysisJob[ResultT]) -> ResultT:
        """Have rules answer what needs no model, without the words that a prompt may add to types."""
        if not isinstance(job, DocumentJob) or not _needs_no_model(job.document):
            return await self._asked.run(job)
        found: ResultT = await self._rules.run(job.with_prompt(replace(job.prompt, text="")))
        notes = found.provenance.notes if found.provenance else ()
        return found.model_copy(update={"provenance": Provenance(made_by=RulesAnalyst.name, notes=notes)})

    async def aclose(self) -> None:
        """Close both."""
        await self._rules.aclose()
        await self._asked.aclose()


def _needs_no_model(document: Document) -> bool:
    return find_invoice(document) is not None or not document.text.strip()
