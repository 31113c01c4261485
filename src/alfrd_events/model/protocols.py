"""The two seams towards the outside: who reads a document, and who makes sense of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Sequence
from typing import Protocol

from alfrd_events.model import (
    AnswerKey,
    Classification,
    Document,
    DocumentType,
    Extraction,
    File,
    FileSummary,
    Filing,
    Page,
    Part,
    PartInfo,
    Prompt,
    Score,
    Series,
    Summary,
)


class Reader(Protocol):
    """Turns a part into pages of text."""

    name: str
    is_paid: bool
    """Its calls are written down one by one, as they are made, by way of :class:`~.calls.Calls`."""

    async def inspect(self, part: Part) -> PartInfo:
        """Tell type and number of pages without reading them.

        :raise Unreadable: empty, damaged, protected, too large or of an unknown type.
        """
        ...

    def read(self, part: Part, *, skip: Container[int] = ()) -> AsyncIterator[Page]:
        """Yield the pages of a part, each as soon as it is read, in any order.

        :param skip: page numbers (within the part) that are stored already and cost nothing again.
        :raise Unreadable: as :meth:`inspect`, or found out later.
        :raise Transient: the machine, not the document, is at fault.
        """
        ...

    async def aclose(self) -> None:
        """Release processes and connections."""
        ...


class Analyst(Protocol):
    """Makes sense of a document that has been read."""

    name: str
    """Who made a result, as stored beside it, unless the result says so itself: ``rules``, ``bedrock:<model>`` …"""

    prompt_prefixes: tuple[str, ...]
    """Prepended to a prompt's kind: the ``rules`` analyst's versions live beside those of an LLM. A method is given the
    prompt of the first prefix; those of the others are :attr:`~alfrd_events.model.Prompt.beside` it."""

    learns_from: int
    """How many earlier documents of a series it wants to see with a new one; 0: it does not learn."""

    async def classify(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Classification:
        """Name the document's type; an unknown type is a suggestion, not an error."""
        ...

    async def score_classification(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Score:
        """Judge the stored classification against the text."""
        ...

    async def summarize(self, document: Document, prompt: Prompt) -> Summary:
        """One line and the values; nothing is invented that the text does not hold."""
        ...

    async def score_summary(self, document: Document, prompt: Prompt) -> Score:
        """Judge the stored summary against the text: values present, sums right, fields complete."""
        ...

    async def detect_series(self, document: Document, candidates: Sequence[Series], prompt: Prompt) -> Filing:
        """Name the series the document belongs to, one of the candidates where it fits."""
        ...

    async def extract(self, document: Document, series: Series, prompt: Prompt) -> Extraction:
        """Give the document's values under the series' own stable names."""
        ...

    async def summarize_file(self, file: File, prompt: Prompt) -> FileSummary:
        """Describe a collection: a table of its members' values, totals, trend and gaps."""
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
        """What a perfect reader would find, from the full text, without having seen an output.

        :raise BadReply: twice no good answer. Then there is no key, and no score.
        """
        ...

    async def improve_prompt(
        self, current: Prompt, misses: Sequence[str], max_words: int, prompt: Prompt
    ) -> Improved:
        """A better instruction.

        :param misses: what went wrong with the current one, a line each.
        :param prompt: the instruction for this job, of kind ``prompt_improver``.
        :raise BadReply: twice no good answer.
        """
        ...
