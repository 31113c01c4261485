"""Step ``answer_key``: what a perfect reader would find on a document, and how good its results are."""

from __future__ import annotations

from alfrd_events.clients.calls import BadReply
from alfrd_events.errors import Permanent
from alfrd_events.model import COMPARISONS, AnswerKey, Document, KeyFact, Result
from alfrd_events.model.inputs import AnswerKeyInput
from alfrd_events.observe import Log
from alfrd_events.prompts.grading import GRADED, Miss, grade
from alfrd_events.prompts.pool import Split, split
from alfrd_events.steps.step import Tools

log = Log("evolution")


class VersionGrade(Result):
    """How good what a version made of the document is."""

    prompt_id: int
    score: float
    misses: tuple[Miss, ...]


class KeyedOutputs(Result):
    """A document's key, with the grades that follow from it."""

    key: AnswerKey | None
    """``None``: none could be written; then there is no score either."""
    split: Split
    sampled: bool
    """Chance chose the document; no person drew attention to it."""
    verified: tuple[str, ...]
    """Names of facts that a person has set."""
    grades: tuple[VersionGrade, ...]


async def answer_key(given: AnswerKeyInput, tools: Tools) -> KeyedOutputs:
    """Write the key, unless there is one, put right what people have corrected, and grade what is known.

    The model that writes it sees the text alone, no output. Where a key exists no model is asked, so a correction
    costs nothing.
    """
    document, grading = given.document, given.grading
    assert grading is not None, "loaded for this step"
    if grading.key is not None:
        key: AnswerKey | None = AnswerKey.model_validate(grading.key)
    else:
        key = await _written(given, tools)
    if key is not None:
        key = corrected(key, document, grading.corrected)
    return KeyedOutputs(
        key=key,
        split=split(document.id),
        sampled=grading.by_chance,
        verified=tuple(name for name in grading.corrected if name in COMPARISONS or name == "document_type"),
        grades=tuple(
            graded(made.prompt, made.kind, key, made.output)
            for made in grading.outputs
            if key is not None and made.kind in GRADED
        ),
    )


async def _written(given: AnswerKeyInput, tools: Tools) -> AnswerKey | None:
    if tools.evolution is None:
        raise Permanent(
            "answer keys are written by a language model: set ALFRD_ANALYST=llm and ALFRD_EVOLUTION"
        )
    try:
        with tools.evolution.paying():
            return await tools.evolution.examiner.write_key(given.document, given.types)
    except (BadReply, Permanent) as error:
        log.warning("no answer key, so no score", document=given.document.id, error=error)
        return None


def graded(prompt: int, kind: str, key: AnswerKey, output: dict[str, object] | None) -> VersionGrade:
    """The grade of an output as it is kept; nothing that could be used is worth 0."""
    if output is None:
        return VersionGrade(prompt_id=prompt, score=0, misses=(NO_OUTPUT,))
    found = grade(kind, key, output)
    return VersionGrade(prompt_id=prompt, score=round(found.score, 6), misses=found.misses)


NO_OUTPUT = Miss(name="reply", how="wrong", expected="", got="")
"""The model's reply did not have the shape that was asked for."""


def corrected(key: AnswerKey, document: Document, columns: tuple[str, ...]) -> AnswerKey:
    """A key in which people are right: what they have set on the document is what is true."""
    facts = {fact.name: fact for fact in key.facts}
    for name in columns:
        if name in COMPARISONS:
            value = getattr(document, name)
            facts[name] = KeyFact(
                name=name, kind=COMPARISONS[name], value="" if value is None else str(value)
            )
    document_type = document.document_type if "document_type" in columns else key.document_type
    return AnswerKey(document_type=document_type, facts=tuple(facts.values()))
