"""Lists that are longer than a model's answer may be: the rest is asked for, piece by piece, in bounded number.

A note says what is still missing after that; the values beside the list are not lost with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alfrd_events.analysis.llm.forms import MOST_ITEMS, ItemForm, ItemsForm, SummaryForm
from alfrd_events.clients.calls import BadReply
from alfrd_events.clients.llm.base import Llm, Question
from alfrd_events.clients.llm.structured import CUT_NOTE, Intake, answered
from alfrd_events.observe import Log

log = Log("llm")

MOST_PIECES = 10
"""Further questions for one list."""


async def whole_list(
    llm: Llm, form: SummaryForm, intake: Intake, ask: Callable[[Sequence[ItemForm]], Question], printed: int
) -> tuple[SummaryForm, str]:
    """The summary with all of its line items, as far as they are to be had.

    :param intake: of the first answer.
    :param ask: makes the question for the items after those that are known.
    :param printed: how many items there can be at most: a model may count wrong.
    :return: the form, and a note of what is missing.
    """
    if intake.was_cut:
        intake.notes.remove(CUT_NOTE)  # the note below says what is missing of the list in the end
    items = list(form.line_items)
    counted = min(form.item_count, printed)
    more = intake.was_cut or len(items) >= MOST_ITEMS or len(items) < counted
    for _ in range(MOST_PIECES):
        if not more or not items:
            break
        parsed = Intake()
        try:
            piece = await answered(llm, ask(items), ItemsForm, lambda piece: piece.line_items, parsed)
        except BadReply as error:
            log.warning("the rest of a list could not be had", model=llm.name, error=error)
            break
        new = _after(items, piece)
        items += new
        more = bool(new) and (parsed.was_cut or len(piece) >= MOST_ITEMS or len(items) < counted)
        if not new:
            break
    note = ""
    if len(items) < counted:
        note = f"{len(items)} of {counted} line items"
    elif more:
        note = f"{len(items)} line items were taken, and there are more"
    return form.model_copy(update={"line_items": items}), note


def _after(known: Sequence[ItemForm], piece: Sequence[ItemForm]) -> list[ItemForm]:
    """What a piece adds: without rows that repeat the end of what is known, and nothing if it begins anew."""
    if len(piece) > 1 and list(piece) == list(known[: len(piece)]):
        return []
    for overlap in range(min(len(known), len(piece)), 0, -1):
        if list(known[-overlap:]) == list(piece[:overlap]):
            return list(piece[overlap:])
    return list(piece)
