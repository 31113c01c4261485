"""``doctor``: check the set-up, line by line, with a hint for each thing that is wrong."""

from __future__ import annotations

import asyncio
import shutil
import struct
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alfrd_events.cli import doctor_models, wiring
from alfrd_events.cli.app import OPERATE, Json, app
from alfrd_events.errors import AlfrdError, DatabaseUnavailable, SettingsInvalid, Unhealthy

if TYPE_CHECKING:
    from alfrd_events.settings import Settings

_REPLICA_SECONDS = 3.0
"""How long a replica may take to show what was committed."""
_LITTLE_SPACE = 1024**3
_CLOCK_DRIFT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of the answer."""

    name: str
    good: bool
    detail: str
    hint: str = ""


@app.command(rich_help_panel=OPERATE)
def doctor(
    fix: Annotated[
        bool,
        typer.Option(
            "--fix", help="Migrate an older schema; put functions, triggers, roles and rights back in place."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the set-up: settings, database, LISTEN, readers, directories, the model server, and AWS."""
    from alfrd_events.terminal.output import Output

    output = Output(as_json=as_json)
    diagnoses: list[Diagnosis] = []

    def tell(diagnosis: Diagnosis) -> None:
        diagnoses.append(diagnosis)
        if not as_json:
            mark = "✓" if diagnosis.good else "✗"
            output.line(
                f"{mark} {diagnosis.name}: {' '.join(diagnosis.detail.split())}",
                style="" if diagnosis.good else "red",
            )
            if diagnosis.hint:
                output.line(f"  → {diagnosis.hint}")

    if fix:
        asyncio.run(_mend())
    asyncio.run(examine(tell))
    if as_json:
        output.json(
            [{"check": d.name, "good": d.good, "detail": d.detail, "hint": d.hint} for d in diagnoses]
        )
    raise typer.Exit(0 if all(diagnosis.good for diagnosis in diagnoses) else 1)


async def _mend() -> None:
    """Migrate, which puts in place what an older release, a restore or a change by hand has left; say what it did.

    A given database without our schema may be another's: it is left alone.
    """
    from alfrd_events.db.migrate import has_schema, migrate
    from alfrd_events.terminal.output import complain, remark

    try:
        chosen = wiring.settings()
        url = wiring.database_url(chosen)
        if chosen.database_url and not await has_schema(url):
            complain(
                "nothing was mended: the database has no schema alfrd; if it is the right one, alfrd-events migrate "
                "makes it"
            )
            return
        applied = await migrate(url, tell=remark)
    except AlfrdError as error:
        complain(f"nothing was mended: {error}")
        return
    remark(f"mended: applied {', '.join(applied)}" if applied else "nothing of the schema was to be mended")


async def examine(tell: Callable[[Diagnosis], None]) -> None:
    """Go through the checks; those that need what has failed are left out."""

    async def check(name: str, look: Callable[[], Awaitable[str]]) -> bool:
        try:
            tell(Diagnosis(name, True, await look()))
        except Unhealthy as error:
            tell(Diagnosis(name, False, str(error), error.hint))
        except DatabaseUnavailable as error:
            tell(Diagnosis(name, False, str(error), _way_out(str(error))))
        except AlfrdError as error:
            tell(Diagnosis(name, False, str(error)))
        except Exception as error:  # noqa: BLE001 - one broken check must not hide what the others find
            tell(Diagnosis(name, False, f"unexpected {type(error).__name__}: {error}"))
        else:
            return True
        return False

    try:
        chosen = wiring.settings()
    except SettingsInvalid as error:
        tell(Diagnosis("settings", False, str(error), "correct the ALFRD_* variable, or unset it"))
        return
    tell(Diagnosis("settings", True, f"reader {chosen.reader}, analyst {chosen.analyst}"))
    await check("slots", lambda: _slots(chosen))
    await check("space", lambda: _space(chosen.data_dir))
    await check("file roots", lambda: _file_roots(chosen))
    if await check("reader", lambda: _reader(chosen)) and chosen.reader == "local":
        await check("pages", lambda: _pages(chosen))
    await _aws(chosen, check)
    await doctor_models.look_at_server(chosen, check)
    url = ""

    async def connect() -> str:
        nonlocal url
        url = wiring.database_url(chosen)
        return await _server(url, chosen)

    if await check("database", connect):
        await check("clock", lambda: _clock(url))
        await check("LISTEN", lambda: _listen(chosen, url))
        if await check("schema", lambda: _schema(chosen, url)):
            await check("server", lambda: _complaints(url))
            await check("access", lambda: _access(url))
            if chosen.read_url:
                await check("replica", lambda: _replica(chosen, url))
            await doctor_models.look_at_prices(chosen, url, check)


def _way_out(problem: str) -> str:
    if "database" in problem and "does not exist" in problem:
        return "make it with createdb, or correct the name in ALFRD_DATABASE_URL"
    return "start it, or correct ALFRD_DATABASE_URL; unset, an embedded server is used"


async def _slots(chosen: Settings) -> str:
    from alfrd_events.steps.registry import all_steps

    known = all_steps()
    unknown = [step for step in chosen.slots if step not in known]
    if unknown:
        raise Unhealthy(
            f"no step {', '.join(unknown)}", f"correct ALFRD_SLOTS: the steps are {', '.join(known)}"
        )
    return ", ".join(f"{step} {chosen.slots_for(step)}" for step in known)


async def _space(directory: Path) -> str:
    place = _existing(directory)
    free = shutil.disk_usage(place).free
    if free < _LITTLE_SPACE:
        raise Unhealthy(
            f"{free / 1024**2:,.0f} MB are free in {place}",
            "free some space, or move ALFRD_DATA_DIR elsewhere",
        )
    return f"{free / 1024**3:,.1f} GB are free in {place}"


def _existing(directory: Path) -> Path:
    place = directory.resolve()
    while not place.exists():
        place = place.parent
    return place


async def _file_roots(chosen: Settings) -> str:
    missing = [str(root) for root in chosen.file_roots if not root.is_dir()]
    if missing:
        raise Unhealthy(f"no directory {', '.join(missing)}", "make it, or take it out of ALFRD_FILE_ROOTS")
    if not chosen.file_roots:
        return "none: file:// URIs are refused (ALFRD_FILE_ROOTS)"
    return ", ".join(str(root) for root in chosen.file_roots)


async def _reader(chosen: Settings) -> str:
    """Read a picture that was made here; wrong text is no matter, a library that is missing is.

    Always on this machine, also where another reader is chosen: that one needs the same libraries, and may cost money.
    """
    from alfrd_events.model import Part

    local = chosen.model_copy(update={"ocr_processes": 1, "reader": "local", "analyst": "rules"})
    tools = wiring.build_tools(local)
    try:
        part = Part(1, "doctor.png", letters_png())
        info = await tools.reader.inspect(part)
        text = [page.text.strip() async for page in tools.reader.read(part)]
    finally:
        await tools.reader.aclose()
        await tools.sources.aclose()
    found = " ".join("".join(text).split())
    if "HELLO" not in found.upper().replace("0", "O"):
        raise Unhealthy(
            f"read {found!r} where HELLO is written ({info.media_type})",
            "install it again: pip install --force-reinstall 'alfrd-events[local]'",
        )
    return f"{tools.reader.name} read {found!r} from a picture"


async def _pages(chosen: Settings) -> str:
    """Which engine recognises text here, and what a page costs; measured once, then kept."""
    from alfrd_events.reading.speed import page_seconds

    choice, seconds = await page_seconds(chosen.ocr_engine, chosen.data_dir)
    how = "chosen for this processor" if chosen.ocr_engine == "auto" else "ALFRD_OCR_ENGINE"
    return f"{choice} ({how}): {seconds:.1f} s of processor time for a page of forty lines"


async def _aws(
    chosen: Settings, check: Callable[[str, Callable[[], Awaitable[str]]], Awaitable[bool]]
) -> None:
    """What the settings use of AWS, as far as region and credentials let it be asked."""
    from alfrd_events.clients.aws_checks import Wishes, checks

    wishes = Wishes(
        region=chosen.aws_region,
        textract=chosen.reader == "textract",
        features=chosen.textract_features,
        staging=chosen.textract_bucket,
        buckets=chosen.s3_buckets,
        models=doctor_models.models_of(chosen) if chosen.llm == "bedrock" else (),
    )
    for number, one in enumerate(checks(wishes)):
        good = await check(one.name, lambda look=one.look: asyncio.to_thread(look))  # type: ignore[misc]
        if not good and number < 2:
            return  # without a region or credentials nothing else can be asked


async def _server(url: str, chosen: Settings) -> str:
    from alfrd_events.db import health

    version = await health.server_version(url)
    where = (
        "the one of ALFRD_DATABASE_URL" if chosen.database_url else f"embedded, in {chosen.data_dir}/postgres"
    )
    if version < health.OLDEST_SERVER:
        raise Unhealthy(f"PostgreSQL {version // 10000} is too old", "use PostgreSQL 15 or newer")
    reach = "" if chosen.database_url else f"; psql '{url}'"
    return f"PostgreSQL {version // 10000}.{version % 10000}, {where}{reach}"


async def _clock(url: str) -> str:
    from alfrd_events.db import health

    drift = await health.clock_drift(url)
    if abs(drift) > _CLOCK_DRIFT_SECONDS:
        raise Unhealthy(
            f"the database's clock differs from this machine's by {drift:+.0f} s",
            "leases go by the database's clock and are safe; times in logs will not match: set the clocks by NTP",
        )
    return f"differs from the database's by {drift:+.3f} s"


async def _listen(chosen: Settings, url: str) -> str:
    from alfrd_events.db import health

    if not chosen.listen:
        return f"switched off (ALFRD_LISTEN); new work is found every {chosen.poll_seconds:g} s"
    try:
        seconds = await health.listen_round_trip(chosen.listen_url or url, url)
    except DatabaseUnavailable as error:
        if not chosen.listen_url:
            raise
        raise Unhealthy(
            str(error), "correct ALFRD_LISTEN_URL, or unset it: ALFRD_DATABASE_URL answers"
        ) from error
    if seconds is None:
        raise Unhealthy(
            "a notification that was sent did not come back",
            "a PgBouncer in transaction mode drops LISTEN: set ALFRD_LISTEN_URL to the server itself",
        )
    return f"a notification came back in {seconds * 1000:.0f} ms"


async def _schema(chosen: Settings, url: str) -> str:
    await wiring.prepare(chosen, url)
    return "up to date"


async def _complaints(url: str) -> str:
    from alfrd_events.db import operate
    from alfrd_events.db.database import Database

    async with Database(url, max_size=1) as database:
        complaints = await operate.complaints(database)
    if complaints:
        raise Unhealthy(
            "; ".join(f"{complaint.what}: {complaint.cause}" for complaint in complaints),
            "; ".join(complaint.remedy for complaint in complaints),
        )
    return "no old transaction, and room in the notification queue"


async def _replica(chosen: Settings, url: str) -> str:
    """Whether the server of ``ALFRD_READ_URL`` follows this database, and how closely."""
    from alfrd_events.db.database import Database
    from alfrd_events.db.replica import ReadReplica

    async with (
        Database(url, max_size=1) as database,
        ReadReplica(database, chosen.read_url, max_size=1, tell=lambda _: None) as replica,
    ):
        if not await replica.settle(_REPLICA_SECONDS):
            raise Unhealthy(
                f"the primary answers for pages and search: {replica.complaint or 'it is behind'}",
                "see to the replica, or correct or unset ALFRD_READ_URL",
            )
    return "it has what was committed a moment ago"


async def _access(url: str) -> str:
    """Whether what this login sees and does is the whole: rights, roles, triggers, row level security."""
    from alfrd_events.db.database import Database
    from alfrd_events.db.findings import findings

    async with Database(url, max_size=1) as database:
        found = await findings(database)
    if found:
        raise Unhealthy(
            "; ".join(f"{one.what}: {one.cause}" for one in found), "; ".join(one.remedy for one in found)
        )
    return "all rows are visible, and roles, rights and triggers are as migrated"


def letters_png() -> bytes:
    """HELLO in black on white, drawn with nothing but the standard library."""
    rows = (
        "#...#.#####.#.....#......###.",
        "#...#.#.....#.....#.....#...#",
        "#...#.#.....#.....#.....#...#",
        "#####.####..#.....#.....#...#",
        "#...#.#.....#.....#.....#...#",
        "#...#.#.....#.....#.....#...#",
        "#...#.#####.#####.#####..###.",
    )
    scale, margin = 8, 40
    width = len(rows[0]) * scale + 2 * margin
    blank = [b"\xff" * width] * margin
    drawn = [
        b"\xff" * margin
        + b"".join((b"\x00" if dot == "#" else b"\xff") * scale for dot in row)
        + b"\xff" * margin
        for row in rows
        for _ in range(scale)
    ]
    lines = [*blank, *drawn, *blank]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, len(lines), 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\x00" + line for line in lines))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
