"""New versions of an instruction, written by a model that sees what went wrong.

It sees the mistakes on the worst train documents: which value, wrong in which way, and what the line of the
document looked like; with every digit turned into 9, and the values themselves into ``…``. So it can hardly copy one,
and what it proposes is searched for them all the same.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from alfrd_events.clients.calls import BadReply
from alfrd_events.errors import Permanent
from alfrd_events.model import Document, Prompt
from alfrd_events.prompts.candidates import ShownMaterial, objections
from alfrd_events.prompts.grading import Miss
from alfrd_events.prompts.pool import pareto_pool
from alfrd_events.prompts.trial import FamilyState, Trial
from alfrd_events.steps.answer_keys import graded
from alfrd_events.steps.spending import Evolution

_WORST = 12
"""Train documents whose mistakes the model sees, for each proposal half of them."""
_MISSES_TOLD = 24
_LONGEST_LINE = 120


@dataclass(frozen=True)
class Proposals:
    """What came of it."""

    texts: tuple[tuple[str, int], ...]
    """Usable instructions, each with the version that it was made from."""
    refused: tuple[str, ...]
    """Why others were thrown away."""


async def propose(family_state: FamilyState, trial: Trial, evolution: Evolution) -> Proposals:
    """Two proposals from the champion, and one from another version that is the best at something.

    The same trial asks the same again, so a crash in between is answered from the replies that were paid for.
    """
    if not family_state.improver:
        raise Permanent("no active prompt of kind prompt_improver in alfrd.prompts: activate a version")
    improver = Prompt(0, "prompt_improver", "", 0, family_state.improver)
    scores = await evolution.journal.scores(family_state.family.id)
    chance = random.Random(trial.id)
    parents = [trial.champion, trial.champion]
    others = [version for version in pareto_pool(scores) if version != trial.champion.id]
    parents.append((await _version(evolution, others, chance)) or trial.champion)
    # Of all train documents, shown or not: a value has no business in an instruction, wherever it comes from.
    known = await evolution.journal.keys([document for own in scores.values() for document in own])
    values = [fact.value for key in known.values() for fact in key.answers.facts if fact.value]
    texts: list[tuple[str, int]] = []
    refused: list[str] = []
    for number, parent in enumerate(parents):
        worst = _worst(scores.get(parent.id) or scores.get(trial.champion.id, {}))
        shown = [document for place, document in enumerate(worst) if number == 2 or place % 2 == number]
        found = await _lessons(family_state, parent, shown, evolution)
        try:
            proposed = await evolution.examiner.improve_prompt(
                parent, [f"attempt {number + 1}", *found.lines], family_state.max_words, improver
            )
        except (BadReply, Permanent) as error:
            refused.append(str(error))
            continue
        material = ShownMaterial((*values, *found.values), found.texts)
        reasons = objections(proposed.text, parent.text, material, family_state.max_words)
        if reasons:
            refused.append("; ".join(reasons))
        else:
            texts.append((proposed.text, parent.id))
    return Proposals(tuple(texts), tuple(refused))


async def _version(evolution: Evolution, ids: Sequence[int], chance: random.Random) -> Prompt | None:
    if not ids:
        return None
    return await evolution.journal.version(chance.choice(list(ids)))


def _worst(scores: Mapping[UUID, float]) -> list[UUID]:
    imperfect = [document for document, score in scores.items() if score < 1]
    return sorted(imperfect, key=lambda document: (scores[document], document))[:_WORST]


@dataclass(frozen=True)
class _Lessons:
    lines: tuple[str, ...]
    values: tuple[str, ...]
    """Values of the documents that the lines are about, right and wrong ones."""
    texts: tuple[str, ...]


async def _lessons(
    family_state: FamilyState, parent: Prompt, documents: Sequence[UUID], evolution: Evolution
) -> _Lessons:
    keys = await evolution.journal.keys(documents)
    lines: list[str] = []
    values: list[str] = []
    texts: list[str] = []
    kinds: Counter[str] = Counter()
    for made in await evolution.journal.evaluations([parent.id], documents):
        document = await evolution.journal.document(made.document)
        if document is None or made.document not in keys:
            continue
        key = keys[made.document].answers
        texts.append(document.text)
        for miss in graded(parent.id, family_state.family.kind, key, made.output).misses:
            kinds[miss.kind] += 1
            values += [value for value in (miss.expected, miss.got) if value and miss.name != "document_type"]
            lines.append(_line(miss, document))
    counted = [f"{number} times: {kind}" for kind, number in kinds.most_common()]
    return _Lessons((*counted, *lines[:_MISSES_TOLD]), tuple(values), tuple(texts))


def _line(miss: Miss, document: Document) -> str:
    about = f"{document.document_type or 'document'}: {miss.kind}"
    if miss.name == "document_type":
        return about
    printed = next(_printed(miss.expected, document.text), "") if miss.expected else ""
    return about + (f", where it is printed like: {printed}" if printed else "")


def _printed(value: str, text: str) -> Iterator[str]:
    """Lines that hold the value, with the value and every digit made unreadable."""
    pattern = re.compile(re.escape(value), re.IGNORECASE)
    for line in text.splitlines():
        if pattern.search(line):
            yield re.sub(r"\d", "9", pattern.sub("…", line)).strip()[:_LONGEST_LINE]
