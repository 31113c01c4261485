"""Commands about prompts: ``prompts list``, ``show``, ``diff``, ``history``, ``activate``, ``rollback`` and so on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from alfrd_events.cli.app import OPERATE, Json, app
from alfrd_events.cli.wiring import CommandContext, ask
from alfrd_events.errors import Refused
from alfrd_events.escape import visible_lines

prompts = typer.Typer(
    name="prompts",
    help="The instructions of the language model: versions, scores, trials.",
    no_args_is_help=True,
)
app.add_typer(prompts, rich_help_panel=OPERATE)

Version = Annotated[
    str,
    typer.Argument(
        metavar="VERSION", help="classifier:V3, summarizer/utility_bill:V2, or V3 if that is clear."
    ),
]
Family = Annotated[str, typer.Argument(metavar="KIND[/TYPE]", help="classifier, or summarizer/utility_bill.")]
Reason = Annotated[str, typer.Option(help="Why, for the history.")]


@prompts.command("list")
def list_(
    family: Annotated[
        str, typer.Argument(metavar="[KIND[/TYPE]]", help="Only this kind, all versions.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="All versions, not only the active ones.")] = False,
    as_json: Json = False,
) -> None:
    """The active versions with their scores, or all versions of a kind."""
    ask(lambda context: _list(context, family, every or bool(family), as_json))


async def _list(context: CommandContext, family: str, every: bool, as_json: bool) -> None:
    from alfrd_events.db import prompts as store
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.prompts import FAMILIES, VERSIONS

    rows = await store.versions(context.database, family, active_only=not every)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
        return
    output.table(rows, VERSIONS)
    output.line()
    output.line(evolution_in_words(context), style="dim")
    evolving = [row for row in await store.families(context.database) if not family or _within(row, family)]
    if context.settings.analyst != "rules":
        output.table(evolving, FAMILIES, title="What may evolve")


def _within(row: dict[str, Any], family: str) -> bool:
    kind, _, document_type = family.partition("/")
    return row["kind"] == kind and document_type in ("", row["document_type"])


def evolution_in_words(context: CommandContext) -> str:
    """Whether prompts evolve with these settings, in a sentence."""
    chosen = context.settings
    if chosen.analyst == "rules":
        return "prompts do not evolve: the rules analyst uses none"
    if chosen.evolution == "off":
        return "prompts do not evolve: ALFRD_EVOLUTION is off"
    how = "wait for approval" if chosen.evolution == "suggest" else "are used at once"
    return (
        f"prompts evolve, and better versions {how} (ALFRD_EVOLUTION={chosen.evolution});"
        f" at most {chosen.evolution_day_usd} USD a day, {chosen.evolution_trial_usd} USD for a trial"
    )


@prompts.command()
def show(version: Version, as_json: Json = False) -> None:
    """One version: where it comes from, how good it is, and its text."""
    ask(lambda context: _show(context, version, as_json))


async def _show(context: CommandContext, version: str, as_json: bool) -> None:
    from alfrd_events.db import prompts as store
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.prompts import print_version

    row = await store.find(context.database, version)
    output = Output(as_json=as_json)
    if as_json:
        output.json(row)
    else:
        print_version(output, row)


@prompts.command()
def diff(
    first: Version,
    second: Annotated[str, typer.Argument(metavar="[VERSION]", help="The active one if not given.")] = "",
) -> None:
    """What differs between two versions, line by line."""
    ask(lambda context: _diff(context, first, second))


async def _diff(context: CommandContext, first: str, second: str) -> None:
    import difflib

    from alfrd_events.db import prompts as store
    from alfrd_events.terminal.output import Output

    old = await store.find(context.database, first)
    new = await (store.find(context.database, second) if second else store.active(context.database, old))
    lines = difflib.unified_diff(
        old["text"].splitlines(),
        new["text"].splitlines(),
        store.name_of(old),
        store.name_of(new),
        lineterm="",
    )
    output = Output()
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines:
        output.line(line, style=styles.get(line[:1], ""))
    if old["text"] == new["text"]:
        output.line(f"{store.name_of(old)} and {store.name_of(new)} are the same")


@prompts.command()
def history(
    family: Annotated[str, typer.Argument(metavar="[KIND[/TYPE]]", help="All if not given.")] = "",
    as_json: Json = False,
) -> None:
    """Which version was made active when, by whom and why."""
    ask(lambda context: _history(context, family, as_json))


async def _history(context: CommandContext, family: str, as_json: bool) -> None:
    from alfrd_events.db import prompts as store
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.prompts import HISTORY

    rows = await store.history(context.database, family)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    else:
        output.table(rows, HISTORY, empty=f"no prompts {family}")


@prompts.command()
def activate(version: Version, reason: Reason = "") -> None:
    """Make a version the active one; a trial that is under way ends."""
    ask(lambda context: _activate(context, version, reason or "activated by hand"))


async def _activate(context: CommandContext, version: str, reason: str) -> None:
    from alfrd_events.db import prompts as store
    from alfrd_events.terminal.output import Output

    row = await store.find(context.database, version)
    now = await store.active(context.database, row)
    if now["id"] == row["id"]:
        Output().line(f"{store.name_of(row)} is active already")
        return
    await _switch(context, row, now, reason)


async def _switch(context: CommandContext, row: dict[str, Any], now: dict[str, Any], reason: str) -> None:
    from alfrd_events.db import prompts as store
    from alfrd_events.terminal.output import Output

    if not await store.activate(context.database, row, expected=now["id"], reason=reason):
        raise Refused(
            f"{store.name_of(now)} was replaced by another version meanwhile: look again, and repeat it"
        )
    Output().line(
        f"{store.name_of(row)} is active, V{now['version']} is not any more; documents stay as they are"
    )
    Output().line(
        f"  what V{now['version']} made is made again by: alfrd-events replay --prompt {store.name_of(now)}"
    )


@prompts.command()
def rollback(family: Family, reason: Reason = "") -> None:
    """Go back to the version that was active before."""
    ask(lambda context: _rollback(context, family, reason or "rolled back by hand"))


async def _rollback(context: CommandContext, family: str, reason: str) -> None:
    from alfrd_events.db import prompts as store

    row = await store.previous(context.database, family)
    await _switch(context, row, await store.active(context.database, row), reason)


@prompts.command()
def approve(
    version: Version,
    decline: Annotated[bool, typer.Option("--decline", help="No: close its trial.")] = False,
) -> None:
    """Use a version that has proved itself and waits (ALFRD_EVOLUTION=suggest)."""
    ask(lambda context: _approve(context, version, decline))


async def _approve(context: CommandContext, version: str, decline: bool) -> None:
    from alfrd_events.db import prompts as store
    from alfrd_events.terminal.output import Output

    row = await store.find(context.database, version)
    trial = await store.suggested(context.database, row)
    if decline:
        await store.decline(context.database, trial)
        Output().line(f"{store.name_of(row)} is declined")
    elif await store.approve(context.database, trial):
        Output().line(f"{store.name_of(row)} is active; the version before runs along on its next documents")
    else:
        raise Refused(f"{store.name_of(row)} was tried against a version that is not active any more")


@prompts.command("import")
def import_(
    family: Family,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A text file with the instruction.", exists=True)
    ],
    static: Annotated[bool, typer.Option("--static", help="It shall never evolve by itself.")] = False,
    ceiling: Annotated[float, typer.Option(min=0, max=1, help="A score at which it is left alone.")] = 0.95,
    max_words: Annotated[int | None, typer.Option(min=1, help="Words that its successors may have.")] = None,
    note: Annotated[str, typer.Option(help="A note to keep beside it.")] = "",
) -> None:
    """Make a new version from a file; it waits to be activated."""
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file} cannot be read as text: {error}") from error
    ask(lambda context: _import(context, family, text, static, ceiling, max_words, note))


async def _import(
    context: CommandContext,
    family: str,
    text: str,
    static: bool,
    ceiling: float,
    max_words: int | None,
    note: str,
) -> None:
    from alfrd_events.db import prompts as store
    from alfrd_events.terminal.output import Output

    kind, _, document_type = family.partition("/")
    made = await store.import_version(
        context.database,
        kind,
        document_type,
        text,
        origin="import",
        can_evolve=not static,
        score_ceiling=ceiling,
        max_words=max_words or (300 if kind == "classifier" else 400),
        note=note,
    )
    name = f"{family}:V{made.version}"
    if made.existed:
        Output().line(f"{name} has this text already")
    else:
        Output().line(f"{name} is made; activate it with: alfrd-events prompts activate {name}")


@prompts.command()
def export(
    version: Version,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Standard output if not given.")
    ] = None,
) -> None:
    """Write a version's text, to be changed and imported again."""
    text = ask(lambda context: _text(context, version))
    if file is None:
        # Into a pipe as it is, to be imported again; on a terminal it could do things.
        print(visible_lines(text) if sys.stdout.isatty() else text)
    else:
        file.write_text(f"{text}\n", encoding="utf-8")


async def _text(context: CommandContext, version: str) -> str:
    from alfrd_events.db import prompts as store

    return str((await store.find(context.database, version))["text"])


@prompts.command()
def impact(
    version: Version,
    limit: Annotated[int, typer.Option(min=1, help="Look at so many of the newest documents.")] = 50,
    tries: Annotated[
        int,
        typer.Option(
            "--try", min=0, metavar="N", help="Ask the model about N documents of which it is not known."
        ),
    ] = 0,
    as_json: Json = False,
) -> None:
    """Which fields of which recent documents a version would change, and what re-running costs."""
    ask(lambda context: _impact(context, version, limit, tries, as_json))


async def _impact(context: CommandContext, version: str, limit: int, tries: int, as_json: bool) -> None:
    from alfrd_events.cli.trying import one_by_one
    from alfrd_events.db import prompts as store
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.prompts import print_impact

    row = await store.find(context.database, version)
    if tries:
        async with one_by_one(context, row) as run:
            seen = await store.impact(context.database, row, limit, run, tries)
    else:
        seen = await store.impact(context.database, row, limit)
    output = Output(as_json=as_json)
    if as_json:
        usd = seen["usd_per_document"]
        output.json({**seen, "usd_per_document": None if usd is None else f"{usd:.6f}"})
    else:
        print_impact(output, store.name_of(row), seen)
