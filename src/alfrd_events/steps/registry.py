"""The steps that this program can run.

The built-in ones, and those that installed packages offer under the entry point group
``alfrd_events.steps``: the entry's name is the step, its object the handler or a whole :class:`~.step.Step`.
With one row in ``alfrd.routes`` that is all a step of one's own takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points

from alfrd_events.errors import SettingsInvalid
from alfrd_events.model.inputs import (
    AnswerKeyInput,
    ClassifyInput,
    ExtractInput,
    FamilyInput,
    FileInput,
    FilingInput,
    OcrInput,
    ScoreClassificationInput,
    ScoreSummaryInput,
    SummarizeInput,
    TrialInput,
    WatchInput,
)
from alfrd_events.steps import analysis, answer_keys, evolving, filing, reading, teaching, watching
from alfrd_events.steps.step import Step

GROUP = "alfrd_events.steps"


def _by_name(steps: Iterable[Step]) -> Mapping[str, Step]:
    return {step.name: step for step in steps}


BUILT_IN = _by_name(
    (
        Step("ocr", reading.ocr, OcrInput),
        Step("classify", analysis.classify, ClassifyInput),
        Step("score_classification", analysis.score_classification, ScoreClassificationInput),
        Step("summarize", analysis.summarize, SummarizeInput),
        Step("score_summary", analysis.score_summary, ScoreSummaryInput),
        Step("file", filing.file, FilingInput),
        Step("extract", filing.extract, ExtractInput),
        Step("summarize_file", filing.summarize_file, FileInput),
        Step("try_lessons", teaching.try_lessons, TrialInput),
    )
)

CALENDAR = _by_name((Step("watch_series", watching.watch_series, WatchInput),))
"""What series are looked after with: by the clock, apart from the way of a document."""

EVOLUTION = _by_name(
    (
        Step("answer_key", answer_keys.answer_key, AnswerKeyInput),
        Step("evolve_prompt", evolving.evolve_prompt, FamilyInput),
    )
)
"""Served only where prompts may evolve: with a language model, unless ``ALFRD_EVOLUTION`` is off."""


def all_steps(*, evolution: bool = False) -> dict[str, Step]:
    """Every step that this program can run, by name.

    :param evolution: with those by which prompts evolve.
    :raise SettingsInvalid: an installed package offers a step under a built-in name, or one that cannot be loaded.
    """
    found: dict[str, Step] = {**BUILT_IN, **CALENDAR, **(EVOLUTION if evolution else {})}
    for entry in entry_points(group=GROUP):
        if entry.name in {**BUILT_IN, **CALENDAR, **EVOLUTION}:
            raise SettingsInvalid(
                f"step {entry.name!r} of {entry.value} has the name of a step that exists already: rename it"
            )
        try:
            loaded = entry.load()
        except Exception as error:
            raise SettingsInvalid(f"step {entry.name!r}: cannot load {entry.value}: {error}") from error
        found[entry.name] = loaded if isinstance(loaded, Step) else Step(entry.name, loaded)
    return found
