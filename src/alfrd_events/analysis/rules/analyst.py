"""The ``rules`` analyst: deterministic, offline, the default on a fresh machine."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from alfrd_events.analysis.rules import child, files
from alfrd_events.analysis.rules.isolated import IsolatedRules
from alfrd_events.analysis.text.excerpt import excerpt
from alfrd_events.model import Provenance
from alfrd_events.model.jobs import AnalysisJob, DocumentJob, ResultT, SummarizeFile

_LONG_TEXT = 20_000
"""Characters; about seven full pages, and a tenth of a second. The worst of texts takes a second."""


class RulesAnalyst:
    """Reads documents by lexicons, by positions of values beside their labels, and by arithmetic.

    The same document gives the same answer every time. A document's text is data: nothing it says is
    obeyed. An ordinary document takes some milliseconds; a long one is worked on in a process, so that the worker's
    heartbeat goes on meanwhile, and a stop or a time-out ends the work. Of a very long one only an :mod:`.excerpt` is
    looked at, and the result says so.

    Its prompts are not instructions to a model. The one for classifying may add words to types, one
    type a line: ``insurance: no claims bonus; policy schedule``.

    :param isolated: the processes; ``None``: long texts are worked on here as well, where nothing else waits.
    """

    name = "rules"
    prompt_prefixes: tuple[str, ...] = ("rules_",)
    learns_from = 0

    def __init__(self, isolated: IsolatedRules | None = None) -> None:
        self._isolated = isolated

    async def run(self, job: AnalysisJob[ResultT]) -> ResultT:
        """Answer by rules; the prompt only adds words to types.

        :raise Permanent: the text takes more processor time than is allowed.
        """
        if isinstance(job, SummarizeFile):
            return cast(ResultT, files.summarize_file(job.file))
        assert isinstance(job, DocumentJob), "all other questions are about a document"
        seen = excerpt(job.document)
        if self._isolated is None or sum(len(page.text) for page in seen.pages) < _LONG_TEXT:
            found: ResultT = child.answer(job)
        else:
            found = await self._isolated.run(job.about(replace(job.document, pages=seen.pages, peers=())))
        if not seen.note:
            return found
        signature = Provenance(made_by=self.name, prompt_id=job.prompt.id, notes=(seen.note,))
        return found.model_copy(update={"provenance": signature})

    async def aclose(self) -> None:
        """End the processes."""
        if self._isolated is not None:
            await self._isolated.aclose()
