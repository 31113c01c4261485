"""The two interfaces to the outside: readers read a document, analysts interpret it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Container, Sequence
from typing import Protocol, runtime_checkable
from uuid import UUID

from alfrd_events.model import (
    AnswerKey,
    Document,
    DocumentType,
    Line,
    Page,
    Part,
    PartInfo,
    Prompt,
)
from alfrd_events.model.jobs import AnalysisJob, ResultT


class Reader(Protocol):
    """Turns a part into pages of text."""

    name: str
    is_paid: bool
    """Its calls cost money; :class:`~.calls.Calls` records each one."""

    async def inspect(self, part: Part) -> PartInfo:
        """Return the type and the number of pages without reading them.

        :raise Unreadable: empty, damaged, protected, too large or of an unknown type.
        """
        ...

    def read(self, part: Part, *, skip: Container[int] = ()) -> AsyncGenerator[Page]:
        """Yield the pages of a part, each as soon as it is read, in any order. Closing it early ends the work.

        :param skip: page numbers (within the part) that are stored already and cost nothing again.
        :raise Unreadable: as :meth:`inspect`, or found out later.
        :raise Transient: the machine, not the document, is at fault.
        """
        ...

    async def aclose(self) -> None:
        """Release processes and connections."""
        ...


@runtime_checkable
class ReadsHeads(Protocol):
    """A reader that can look at the pictures of a page that it has read by its text layer."""

    async def read_head(self, part: Part, page: Page) -> tuple[Line, ...]:
        """Return the lines at the top of a page that its text does not hold: the name in a logo.

        :raise Transient: the machine, not the document, is at fault.
        """
        ...


class Analyst(Protocol):
    """Interprets a document that has been read."""

    name: str
    """The name stored with a result, unless the result names another: ``rules``, ``bedrock:<model>`` …"""

    prompt_prefixes: tuple[str, ...]
    """Prepended to a prompt's kind: the ``rules`` analyst's versions live beside those of an LLM. A job comes with the
    prompt of the first prefix; those of the others are :attr:`~alfrd_events.model.Prompt.beside` it."""

    learns_from: int
    """How many earlier documents of a series it wants to see with a new one; 0: it does not learn."""

    async def run(self, job: AnalysisJob[ResultT]) -> ResultT:
        """Answer one question.

        :raise Permanent: no answer is possible for this document or file.
        :raise Transient: the service or the machine, not the document, is at fault.
        """
        ...

    async def aclose(self) -> None:
        """Release connections."""
        ...


class Improved(Protocol):
    """A new version of an instruction, as it was proposed."""

    @property
    def text(self) -> str:
        """The whole of it."""
        ...


class Examiner(Analyst, Protocol):
    """An analyst that also says what a perfect answer is, and how an instruction could be better.

    A language model; no rules do that.
    """

    async def write_key(self, document: Document, types: Sequence[DocumentType]) -> AnswerKey:
        """Return what a perfect reader would find in the full text; the writer sees no output.

        :raise BadReply: twice no good answer. Then there is no key, and no score.
        """
        ...

    async def improve_prompt(
        self, current: Prompt, misses: Sequence[str], max_words: int, prompt: Prompt
    ) -> Improved:
        """Return a better instruction.

        :param misses: what went wrong with the current one, a line each.
        :param prompt: the instruction for this job, of kind ``prompt_improver``.
        :raise BadReply: twice no good answer.
        """
        ...


class SeriesKeeper(Protocol):
    """What is kept of a series beside its calendar: its SQL view, and which of its bills are paid."""

    async def keep(self, series: UUID) -> None:
        """Bring both up to date, in a transaction of its own: it may wait for those who read the view."""
        ...
