"""Command ``bills``: what is to be paid, what was, and by what."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from alfrd_events.cli.app import LOOK, DocumentId, Json, app
from alfrd_events.cli.wiring import CommandContext, ask

bills = typer.Typer(invoke_without_command=True, help="What is to be paid, and what was.")
app.add_typer(bills, name="bills", rich_help_panel=LOOK)


@bills.callback()
def list_(
    context: typer.Context,
    is_open: Annotated[
        bool, typer.Option("--open", help="Only those to be paid that are not overdue.")
    ] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those whose day has passed.")] = False,
    paid: Annotated[bool, typer.Option("--paid", help="Only the paid ones.")] = False,
    credited: Annotated[
        bool, typer.Option("--credited", help="Only those that credit notes take back.")
    ] = False,
    unclear: Annotated[
        bool, typer.Option("--unclear", help="Only those that the payment of an equal one may have paid.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bills, the most urgent first: open, overdue, paid or credited, and by which statement or credit note."""
    wanted = {"open": is_open, "overdue": overdue, "paid": paid, "credited": credited}
    states = [state for state, is_wanted in wanted.items() if is_wanted]
    if context.invoked_subcommand is None:
        ask(lambda context: _list(context, states, unclear, as_json))


async def _list(context: CommandContext, states: list[str], unclear: bool, as_json: bool) -> None:
    from alfrd_events.db import bills as stored
    from alfrd_events.terminal.bills import BILLS
    from alfrd_events.terminal.output import Output

    rows = await stored.bills(context.database, states, unclear=unclear)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    else:
        output.table(rows, BILLS, empty="it is clear what paid each bill" if unclear else _none(states))


def _none(states: list[str]) -> str:
    if states == ["open"]:
        return "no bill is open; those whose day has passed: alfrd-events bills --overdue"
    return f"no bill is {' or '.join(states)}" if states else "no bills yet"


@bills.command()
def link(
    bill: DocumentId,
    statement: Annotated[
        str | None,
        typer.Argument(
            metavar="STATEMENT",
            help="The statement that shows it, or the credit note that takes it back; none: paid otherwise.",
        ),
    ] = None,
    row: Annotated[
        int | None,
        typer.Option(
            help="N of its structured_data: transactions.N; the first of this amount if not given.", min=0
        ),
    ] = None,
    on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day; that of the row, or today, if not given."),
    ] = None,
    amount: Annotated[
        str | None, typer.Option(help="How much; the row's, or all of it, if not given.")
    ] = None,
) -> None:
    """Say that a bill is paid, or credited."""
    ask(lambda context: _link(context, bill, statement, row, on.date() if on else None, _amount(amount)))


def _amount(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        raise typer.BadParameter(f"{text} is no amount such as 12.50") from None


async def _link(
    context: CommandContext,
    bill: str,
    statement: str | None,
    row: int | None,
    on: date | None,
    amount: Decimal | None,
) -> None:
    from alfrd_events.db import bills as stored
    from alfrd_events.db.queries import find
    from alfrd_events.terminal.output import Output

    _, paid = await find(context.database, bill)
    shown = (await find(context.database, statement))[1] if statement else None
    await stored.link(context.database, paid, shown, row, on, amount)
    Output().line(f"{paid} is paid; take it back with: alfrd-events bills unlink {bill}")


@bills.command()
def confirm(
    bill: DocumentId,
    other: Annotated[
        bool,
        typer.Option("--other", help="No: it was paid by the payment of its rival, and the rival by its."),
    ] = False,
) -> None:
    """Answer what --unclear asks: it was paid as it is linked, or the other way round."""
    ask(lambda context: _confirm(context, bill, other))


async def _confirm(context: CommandContext, bill: str, other: bool) -> None:
    from alfrd_events.db import bills as stored
    from alfrd_events.db.queries import find
    from alfrd_events.terminal.output import Output

    _, unclear = await find(context.database, bill)
    await stored.answer(context.database, unclear, is_right=not other)
    Output().line(f"{unclear} is paid {'by the payment of its rival' if other else 'as it was linked'}")


@bills.command()
def unlink(bill: DocumentId) -> None:
    """Say that a bill was not paid by what is linked to it; the same is not linked to it again."""
    ask(lambda context: _unlink(context, bill))


async def _unlink(context: CommandContext, bill: str) -> None:
    from alfrd_events.db import bills as stored
    from alfrd_events.db.queries import find
    from alfrd_events.terminal.output import Output

    _, unpaid = await find(context.database, bill)
    gone = await stored.unlink(context.database, unpaid)
    Output().line(f"{gone} {'payment' if gone == 1 else 'payments'} of {unpaid} taken off")
