"""The ``llm`` analyst: prompts of the database, put to a model, and its answers held against the text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ParamSpec, TypeVar, cast

from alfrd_events.analysis.llm import classifying, files, filing, jobs, scoring
from alfrd_events.analysis.llm.answer_keys import write_key
from alfrd_events.analysis.llm.forms import (
    ClassificationForm,
    ExtractionForm,
    FileForm,
    FilingForm,
    ItemForm,
    PromptForm,
    ScoreForm,
    SummaryForm,
)
from alfrd_events.analysis.llm.grounded import chooser, grounded
from alfrd_events.analysis.llm.improving import ImprovedPrompt, improved
from alfrd_events.analysis.llm.material import IDENTITY, VALUES, Focus, Material, whole_or_parts
from alfrd_events.analysis.llm.pieces import whole_list
from alfrd_events.analysis.llm.prompt_injection import without_orders
from alfrd_events.analysis.rules import files as figures
from alfrd_events.analysis.rules import lessons
from alfrd_events.analysis.text.amounts import find_amounts
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.analysis.text.taught import lessons_for
from alfrd_events.clients.llm.base import Llm, Question
from alfrd_events.clients.llm.structured import Intake, answered
from alfrd_events.model import (
    AnalystResult,
    AnswerKey,
    Classification,
    Document,
    DocumentType,
    Extraction,
    FileSummary,
    Filing,
    Prompt,
    Provenance,
    Score,
    Summary,
)
from alfrd_events.model.jobs import (
    AnalysisJob,
    Classify,
    DetectSeries,
    Extract,
    ResultT,
    ScoreClassification,
    ScoreSummary,
    Summarize,
    SummarizeFile,
)

P = ParamSpec("P")
T = TypeVar("T")

_LONG_TEXT = 20_000


class LlmAnalyst:
    """Asks a model, and believes nothing that the document does not say.

    An answer is bound to a schema; types, series and tags are checked against what exists; values that are not in the
    text are not filed. So a document that gives orders can at most make its own answer worse.

    :param input_tokens: how much of a document is shown at most, by ``material``'s estimate.
    """

    prompt_prefixes: tuple[str, ...] = ("",)
    learns_from = 0

    def __init__(self, llm: Llm, input_tokens: int) -> None:
        self.name = llm.name
        self._llm = llm
        self._input_tokens = input_tokens

    async def run(self, job: AnalysisJob[ResultT]) -> ResultT:
        """Ask the model, and take of its answer what the document bears out."""
        found: AnalystResult
        match job:
            case Classify():
                found = await self._classify(job)
            case ScoreClassification():
                found = await self._score_classification(job)
            case Summarize():
                found = await self._summarize(job)
            case ScoreSummary():
                found = await self._score_summary(job)
            case DetectSeries():
                found = await self._detect_series(job)
            case Extract():
                found = await self._extract(job)
            case SummarizeFile():
                found = await self._summarize_file(job)
            case _:
                raise TypeError(f"no model is asked for {type(job).__name__}")
        return cast(ResultT, found)

    async def _classify(self, job: Classify) -> Classification:
        """Name the type; one that is not known is a bad answer, and asked for again."""
        document, material = await self._material(job.document, IDENTITY)
        question = jobs.classification(job.prompt, job.types, document, material.text)
        intake = Intake()
        found = await answered(
            self._llm,
            question,
            ClassificationForm,
            lambda form: classifying.classified(form, job.types, intake),
            intake,
        )
        found = await _compute(document, classifying.with_second_opinion, document, job.types, found)
        found = lessons.classified(job.document, job.types, found)
        return self._signed(found, job.prompt, material, *intake.notes)

    async def _score_classification(self, job: ScoreClassification) -> Score:
        """Have the stored classification judged."""
        document, material = await self._material(job.document, IDENTITY)
        question = jobs.score(
            job.prompt,
            "classification",
            scoring.classification_of(document),
            document,
            material.text,
            scoring.known_types(job.types),
        )
        intake = Intake()
        found = await answered(self._llm, question, ScoreForm, scoring.scored, intake)
        return self._signed(found, job.prompt, material, *intake.notes)

    async def _summarize(self, job: Summarize) -> Summary:
        """One line and the values; what the text does not hold is marked, and not filed."""
        document, material = await self._material(job.document, VALUES)
        question = jobs.summary(job.prompt, document, material.text)
        intake = Intake(choose_day=chooser(document))
        form = await answered(self._llm, question, SummaryForm, lambda form: form, intake)

        def next_items(known: Sequence[ItemForm]) -> Question:
            return jobs.line_items(job.prompt, document, material.text, known)

        printed = await _compute(document, _amounts_in, document)
        form, missing = await whole_list(self._llm, form, intake, next_items, printed)
        found = await _compute(document, grounded, document, form)
        found = await _compute(document, _taught, document, found)
        wrong = await _compute(document, scoring.wrong_sums, document, found)
        return self._signed(found, job.prompt, material, *intake.notes, missing, wrong)

    async def _score_summary(self, job: ScoreSummary) -> Score:
        """Have the stored summary judged."""
        document, material = await self._material(job.document, VALUES)
        question = jobs.score(
            job.prompt, "summary", scoring.summary_of(document), document, material.text, ""
        )
        intake = Intake()
        found = await answered(self._llm, question, ScoreForm, scoring.scored, intake)
        found = await _compute(document, scoring.with_sums, document, found)
        return self._signed(found, job.prompt, material, *intake.notes)

    async def _detect_series(self, job: DetectSeries) -> Filing:
        """Name the series: one of the job.candidates, or a new one of a company that the document names."""
        document, material = await self._material(job.document, IDENTITY)
        shown = filing.likest(document, job.candidates)
        question = jobs.filing(job.prompt, document, material.text, shown, len(job.candidates))
        intake = Intake()
        form = await answered(
            self._llm, question, FilingForm, lambda form: filing.checked(form, shown, intake), intake
        )
        found = await _compute(document, filing.filed, document, form, shown)
        return self._signed(found, job.prompt, material, *intake.notes)

    async def _extract(self, job: Extract) -> Extraction:
        """Give the values under the series' names; those that the text does not hold stay empty."""
        names = filing.fields_of(job.series)
        focus = Focus((*VALUES.words, *(_words(name) for name in names)))
        document, material = await self._material(job.document, focus)
        question = jobs.extraction(job.prompt, document, material.text, job.series, names)
        intake = Intake()
        form = await answered(self._llm, question, ExtractionForm, lambda form: form, intake)
        found, left_out = await _compute(document, filing.extracted, document, job.series, names, form)
        note = f"not in the text, and left out: {', '.join(left_out)}" if left_out else ""
        return self._signed(found, job.prompt, material, *intake.notes, note)

    async def _summarize_file(self, job: SummarizeFile) -> FileSummary:
        """Prose by the model, over a table and figures that are worked out and not asked for."""
        table = figures.summarize_file(job.file)
        if not job.file.members:
            return table
        question = jobs.file_summary(job.prompt, job.file, table)
        intake = Intake()
        form = await answered(self._llm, question, FileForm, lambda form: form, intake)
        return self._signed(
            files.told(form, table, question.material), job.prompt, Material(""), *intake.notes
        )

    async def improve_prompt(
        self, current: Prompt, misses: Sequence[str], max_words: int, prompt: Prompt
    ) -> ImprovedPrompt:
        """Write a better version of an instruction.

        :param misses: what went wrong with the current one, a line each, without values of documents.
        :param prompt: the instruction for this job, of kind ``prompt_improver``.
        :raise BadReply: too long, twice; or with an address in it.
        """
        question = jobs.improvement(prompt, current, misses, max_words)
        return await answered(
            self._llm, question, PromptForm, lambda form: improved(form, current, max_words)
        )

    async def write_key(self, document: Document, types: Sequence[DocumentType]) -> AnswerKey:
        """Write down what a perfect reader would find; see :mod:`~alfrd_events.analysis.llm.answer_keys`."""
        return await write_key(self._llm, document, types, self._input_tokens)

    async def aclose(self) -> None:
        """Close the client's connections."""
        await self._llm.aclose()

    async def _material(self, document: Document, focus: Focus) -> tuple[Document, Material]:
        """The document as far as it is believed, and what is shown of it."""
        believed, note = await _compute(document, without_orders, document)
        material = await _compute(document, whole_or_parts, believed, self._input_tokens, focus)
        return believed, replace(material, note="; ".join(filter(None, (note, material.note))))

    def _signed(self, found: ResultT, prompt: Prompt, material: Material, *more: str) -> ResultT:
        notes = tuple(filter(None, (material.note, *more)))
        signature = Provenance(made_by=self.name, prompt_id=prompt.id, notes=notes)
        return found.model_copy(update={"provenance": signature})


def _taught(document: Document, found: Summary) -> Summary:
    """Put what people have taught of this sender in the place of what a model found."""
    return lessons.summarized(document, ParsedText.of(document), found) if lessons_for(document) else found


def _amounts_in(document: Document) -> int:
    return sum(1 for _ in find_amounts(document.text))


def _words(name: str) -> str:
    return name.replace("_", " ")


async def _compute(document: Document, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Long texts are searched in a thread, so that the worker's heartbeat goes on meanwhile."""
    if sum(len(page.text) for page in document.pages) < _LONG_TEXT:
        return function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)
