"""Commands ``review`` and ``accept``: a person's look at what the analyst is unsure of."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from alfrd_events.cli.app import CORRECT, DocumentId, Json, app
from alfrd_events.cli.wiring import CommandContext, ask

if TYPE_CHECKING:
    from alfrd_events.cli.cut_outs import CutOuts
    from alfrd_events.db.database import Database
    from alfrd_events.db.reviewing import Claimed
    from alfrd_events.terminal.keys import Keyboard
    from alfrd_events.terminal.output import Output


@app.command(rich_help_panel=CORRECT)
def accept(id: DocumentId, as_json: Json = False) -> None:
    """Say that a document is right as it is; that ends its review."""
    ask(lambda context: _accept(context, id, as_json))


async def _accept(context: CommandContext, id: str, as_json: bool) -> None:
    from alfrd_events.db import queries, reviewing
    from alfrd_events.terminal.output import Output

    _, document = await queries.find(context.database, id)
    await reviewing.accept(context.database, document)
    output = Output(as_json=as_json)
    if as_json:
        output.json({"id": document, "verdict": "accepted"})
    else:
        output.line(f"accepted {document}")


@app.command(rich_help_panel=CORRECT)
def review(
    reviewer: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Who looks; your login on this machine if not given."),
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.01, max=1440, help="For so long nobody else gets the document.")
    ] = 10,
    pictures: Annotated[
        bool, typer.Option(help="Cut the value out of its page, where the terminal shows pictures.")
    ] = True,
) -> None:
    """Look at the documents that need it, the worst first: a key accepts, a letter lets type."""
    import getpass

    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise typer.BadParameter(
            "review waits for keys, and there is no terminal: list with documents --review, then correct or accept"
        )
    name = reviewer or getpass.getuser()
    ask(lambda context: _review(context, name, minutes, pictures))


async def _review(context: CommandContext, reviewer: str, minutes: float, pictures: bool) -> None:
    from alfrd_events.cli.cut_outs import cut_outs
    from alfrd_events.terminal.keys import keyboard
    from alfrd_events.terminal.output import Output

    output = Output()
    with keyboard() as keys:
        round = _Round(context.database, keys, output, reviewer, minutes)
        if not pictures:
            await round.go()
        else:
            async with cut_outs(context, keys, output) as round.cut_outs:
                await round.go()
    output.line()
    output.line(round.told())


@dataclass
class _Round:
    """A reviewer's documents, from the first to the key that quits."""

    database: Database
    keys: Keyboard
    output: Output
    reviewer: str
    minutes: float
    cut_outs: CutOuts | None = None
    accepted: int = 0
    corrected: int = 0
    skipped: list[UUID] = field(default_factory=list)
    done: list[tuple[UUID, bool]] = field(default_factory=list)
    """Documents with a verdict, and whether it was a correction: the last one can be taken back."""
    taught: tuple[UUID, int] | None = None
    """The document that was corrected last, if others of its sender may be settled by it, and how many."""

    async def go(self) -> None:
        """Show one document after the other, until none is left or the reviewer quits."""
        from alfrd_events.db import reviewing

        while (
            case := await reviewing.next_review(self.database, self.reviewer, self.minutes, self.skipped)
        ) is not None:
            verdict = ""
            try:
                verdict = await self._judge(case)
            finally:
                if verdict != "judged":
                    await reviewing.release(self.database, case.id)
            if verdict == "quit":
                return

    def told(self) -> str:
        """What was done, in a line."""
        from alfrd_events.terminal.values import many

        parts = [f"{self.accepted} accepted", f"{self.corrected} corrected", f"{len(self.skipped)} skipped"]
        return f"{many(self.accepted + self.corrected, 'document')} reviewed: {', '.join(parts)}"

    async def _judge(self, case: Claimed) -> str:
        """Show a document until a key ends it: ``judged``, ``released`` or ``quit``."""
        from alfrd_events.terminal import review as screen
        from alfrd_events.terminal.keys import END, ENTER

        doubted = screen.doubted(case.reason, case.values)
        others = screen.alternatives(doubted, case.values)
        changed: dict[str, str] = {}
        place = self.accepted + self.corrected + len(self.skipped) + 1
        while True:
            picture = await self.cut_outs.of(case.id, case.values.get(doubted, {})) if self.cut_outs else ""
            screen.print_case(self.output, place, case, doubted, changed, picture)
            if self.cut_outs and self.cut_outs.failed:
                self.output.line(f"  no picture of the page: {self.cut_outs.failed}", style="dim")
            screen.print_keys(self.output, list(changed), bool(others), self.taught[1] if self.taught else 0)
            key = await self.keys.key()
            if key == ENTER and await self._end(case, changed):
                return "judged"
            if key in ("q", END):
                return "quit"
            if key == "s":
                self.skipped.append(case.id)
                self.output.line("  skipped", style="dim")
                return "released"
            if key == "z" and await self._take_back():
                return "released"
            if key == "a" and self.taught:
                await self._apply(self.taught[0], case.id)
                return "judged"
            if key.isdigit() and 0 < int(key) <= len(others):
                changed[doubted] = others[int(key) - 1]
            elif key in screen.FIELDS:
                column, noun = screen.FIELDS[key]
                typed = await self.keys.line(f"  {noun}: ")
                if typed is not None:
                    changed[column] = typed

    async def _end(self, case: Claimed, changed: dict[str, str]) -> bool:
        """Hand the verdict in; a value that is refused is shown with the reason, and typed again."""
        from alfrd_events.db import corrections, lessons, reviewing
        from alfrd_events.errors import Refused

        try:
            made = await corrections.correct(self.database, case.id, changed) if changed else []
        except Refused as refusal:
            self.output.line(f"  {refusal}", style="red")
            changed.clear()
            return False
        if not made:
            await reviewing.accept(self.database, case.id)
        self.accepted += not made
        self.corrected += bool(made)
        self.done.append((case.id, bool(made)))
        more = len(await lessons.reviews_taught(self.database, case.id)) if made else 0
        self.taught = (case.id, more) if more else None
        said = ", ".join(each.field.replace("_", " ") for each in made)
        self.output.line(f"  ✓ corrected: {said}" if made else "  ✓ accepted", style="green")
        return True

    async def _apply(self, taught_by: UUID, shown: UUID) -> None:
        """Do the open reviews of the sender again with what was taught.

        The one that is shown is given back first: a document that a person looks at is left alone.
        """
        from alfrd_events.db import lessons, reviewing
        from alfrd_events.terminal.values import many

        await reviewing.release(self.database, shown)
        again = await lessons.apply_lessons(self.database, taught_by)
        self.taught = None
        self.output.line(
            f"  {many(len(again), 'document')} will be done again with what was taught", style="green"
        )

    async def _take_back(self) -> bool:
        """Undo the last verdict or skip of this round, so that its document comes again."""
        from alfrd_events.db import corrections, reviewing

        self.taught = None
        if self.done:
            document, was_corrected = self.done.pop()
            if was_corrected:
                await corrections.undo(self.database, document)
                self.corrected -= 1
            else:
                await reviewing.reopen(self.database, document)
                self.accepted -= 1
        elif self.skipped:
            self.skipped.pop()
        else:
            self.output.line("  nothing to take back", style="dim")
            return False
        self.output.line("  taken back", style="dim")
        return True
