"""Put the parts together: settings, the database, the providers, a worker.

The only place that builds :class:`~alfrd_events.settings.Settings`. What is heavy is imported where it is
used, so that ``--help`` answers at once and a look at a table loads no OCR library.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from alfrd_events.errors import SettingsInvalid
from alfrd_events.observe import Log

if TYPE_CHECKING:
    from alfrd_events.clients.calls import Calls, Ledger
    from alfrd_events.clients.llm.base import Llm
    from alfrd_events.clients.s3 import Buckets
    from alfrd_events.db.database import Database
    from alfrd_events.db.ledger import DatabaseLedger
    from alfrd_events.metrics.vitals import Vitals
    from alfrd_events.model import Outcome, Page
    from alfrd_events.model.protocols import Analyst, Reader
    from alfrd_events.reading.pictures import Pictures
    from alfrd_events.reading.sources import Sources
    from alfrd_events.sandbox.limits import ReaderLimits
    from alfrd_events.settings import Settings
    from alfrd_events.steps.spending import Evolution
    from alfrd_events.steps.step import Tools
    from alfrd_events.worker.last_resort import LastResort
    from alfrd_events.worker.run import Report

Answer = TypeVar("Answer")

_SETTLING_SECONDS = 0.5
"""How long a command waits for a replica that is about to have caught up."""


@dataclass(frozen=True)
class CommandContext:
    """A command's settings and its database."""

    settings: Settings
    database: Database

    @property
    def listen_url(self) -> str:
        """Where to LISTEN: past a PgBouncer if one is used."""
        return self.settings.listen_url or self.database.url


def settings() -> Settings:
    """The settings of this process.

    :raise SettingsInvalid: names each variable that is wrong.
    """
    from alfrd_events.settings import load_settings

    return load_settings()


def database_url(chosen: Settings) -> str:
    """The URL that was set, or that of the embedded server, which is started for it.

    :raise SettingsInvalid: libpq cannot read it, or none is set and the extra ``embedded`` is not installed.
    """
    from alfrd_events.db import health

    for url in filter(None, [chosen.database_url, chosen.listen_url, chosen.read_url]):
        health.check_url(url)
    if chosen.database_url:
        return chosen.database_url
    from alfrd_events.db.programs import check_installed

    check_installed()
    from alfrd_events.db import embedded  # which imports what comes with the extra of that name

    tell_if_new(chosen.data_dir)
    return embedded.start(chosen.data_dir)


def tell_if_new(place: Path) -> None:
    """Say where a home is made: in another directory there may be one already."""
    from alfrd_events.terminal.output import remark

    try:
        is_new = not (place / "postgres").exists()
    except OSError:
        return  # starting it says why it cannot be there
    if is_new:
        remark(
            f"making a new home in {place.resolve()}: ALFRD_DATA_DIR, or a folder .alfrd here, is another one"
        )


async def prepare(chosen: Settings, url: str) -> None:
    """See to it that the schema fits: one's own server is migrated, a given one is only checked.

    :raise SchemaOutdated: run ``alfrd-events migrate``.
    """
    from alfrd_events.db import migrate

    if chosen.database_url:
        await migrate.check_schema(url)
    else:
        await migrate.migrate(url)


@asynccontextmanager
async def context() -> AsyncIterator[CommandContext]:
    """Open the database for a command."""
    from alfrd_events.db.database import Database

    chosen = settings()
    url = database_url(chosen)
    await prepare(chosen, url)
    async with Database(url, status_feed=chosen.status_feed) as database:
        yield CommandContext(chosen, database)


@asynccontextmanager
async def reading(opened: CommandContext) -> AsyncIterator[Database]:
    """What a command that only reads may ask: the replica of ``ALFRD_READ_URL`` if it is there and not behind."""
    if not opened.settings.read_url:
        yield opened.database
        return
    from alfrd_events.db.replica import ReadReplica
    from alfrd_events.terminal.output import remark

    def tell(why: str) -> None:
        if why:
            remark(f"the replica of ALFRD_READ_URL is not asked, the primary answers: {why}")

    async with ReadReplica(opened.database, opened.settings.read_url, max_size=1, tell=tell) as replica:
        await replica.settle(_SETTLING_SECONDS)
        yield replica


def ask(question: Callable[[CommandContext], Awaitable[Answer]]) -> Answer:
    """Run a command's coroutine with its context."""

    async def run() -> Answer:
        async with context() as opened:
            return await question(opened)

    return asyncio.run(run())


async def tell_if_nobody_works(context: CommandContext) -> None:
    """Say that what was asked for waits, if no worker is there to do it."""
    from alfrd_events.db.metrics import heartbeats
    from alfrd_events.terminal.output import remark

    if not any(worker.is_alive for worker in await heartbeats(context.database, None)):
        remark("no worker is running: start one with alfrd-events run")


async def work(
    opened: CommandContext,
    *,
    steps: Sequence[str] | None = None,
    only: Sequence[UUID] | None = None,
    until_quiet: bool = False,
    on_outcome: Callable[[Outcome], None] = lambda _: None,
    drain_seconds: float | None = None,
    last_resort: LastResort | None = None,
    metrics: str | None = None,
) -> Report:
    """Run a worker in this process.

    :param steps: serve only these; all if not given.
    :param last_resort: ends the process when a signal does not.
    :param metrics: where to show what it notes of itself, as ``host:port``; ``None``: nowhere.
    :raise SettingsInvalid: a step without a handler, or a provider that is not installed.
    """
    from alfrd_events import __version__, tracing
    from alfrd_events.db.series_keeping import DatabaseKeeper
    from alfrd_events.metrics.vitals import Vitals
    from alfrd_events.steps.registry import all_steps
    from alfrd_events.worker.run import WorkerOptions, run_worker

    chosen = opened.settings
    ledger = build_ledger(chosen, opened.database)
    calls = build_calls(chosen, ledger)
    evolution = build_evolution(chosen, opened.database, calls)
    known = all_steps(evolution=evolution is not None)
    served = list(known) if steps is None else _known(steps, known)
    keeper = DatabaseKeeper(opened.database)
    tools = replace(build_tools(chosen, calls, opened.database), evolution=evolution, keeper=keeper)
    vitals = Vitals()
    warming = asyncio.create_task(_warm_up(tools.reader, "ocr" in served and not until_quiet))
    try:
        with tracing.traced(__version__):
            async with _shown(opened.database, vitals, calls, metrics):
                return await run_worker(
                    opened.database,
                    known,
                    tools,
                    WorkerOptions(
                        slots={step: chosen.slots_for(step) for step in served},
                        lease_seconds=chosen.lease_seconds,
                        drain_seconds=chosen.drain_seconds if drain_seconds is None else drain_seconds,
                        poll_seconds=chosen.poll_seconds,
                        probe_seconds=chosen.probe_seconds,
                        rescue_seconds=chosen.rescue_seconds,
                        reconcile_seconds=chosen.reconcile_seconds,
                        step_seconds=chosen.step_seconds,
                        listen_url=opened.listen_url if chosen.listen else None,
                        until_quiet=until_quiet,
                        only=None if only is None else tuple(only),
                    ),
                    on_outcome,
                    ledger.release_held,
                    last_resort,
                    vitals,
                )
    finally:
        warming.cancel()
        await asyncio.wait({warming})
        await tools.reader.aclose()
        await tools.analyst.aclose()
        await tools.sources.aclose()
        if evolution is not None:
            await evolution.examiner.aclose()
        await ledger.aclose()


@asynccontextmanager
async def _shown(database: Database, vitals: Vitals, calls: Calls, place: str | None) -> AsyncIterator[None]:
    """Answer who asks how the worker is.

    :raise SettingsInvalid: the extra is not installed, or the address cannot be had.
    """
    if place is None:
        yield
        return
    try:
        from alfrd_events.metrics.exposition import Exposition
    except ModuleNotFoundError as error:
        raise SettingsInvalid(
            f"--metrics needs {error.name}, which is not installed: pip install 'alfrd-events[metrics]'"
        ) from error
    from alfrd_events.metrics.server import MetricsServer, address

    server = MetricsServer(database, vitals, Exposition(vitals, calls))
    async with server.listening(*address(place)) as port:
        Log("metrics").info("answering /metrics, /healthz and /readyz", port=port)
        yield


def _known(steps: Sequence[str], known: Mapping[str, object]) -> list[str]:
    unknown = [step for step in steps if step not in known]
    if unknown or not steps:
        raise SettingsInvalid(f"no step {', '.join(unknown) or 'was named'}: choose among {', '.join(known)}")
    return list(dict.fromkeys(steps))


def build_ledger(chosen: Settings, database: Database) -> DatabaseLedger:
    """Where calls to paid providers are written down, with the caps that the settings name."""
    from datetime import timedelta

    from alfrd_events.db.ledger import Caps, DatabaseLedger

    caps = Caps(document=chosen.cap_document_usd, day=chosen.cap_day_usd)
    return DatabaseLedger(database, caps, timedelta(days=chosen.reply_cache_days))


def build_calls(chosen: Settings, ledger: Ledger | None = None) -> Calls:
    """Build the way to paid providers, which each client of a provider needs.

    :param ledger: ``None``: outside of the database; nothing is kept, and nothing forbidden.
    """
    from alfrd_events.clients.calls import Calls

    return Calls(ledger, at_once=chosen.calls_at_once)


def build_tools(chosen: Settings, calls: Calls | None = None, database: Database | None = None) -> Tools:
    """The providers that the settings name.

    :param calls: what paid ones go through; ``None``: nothing is kept of their calls.
    :param database: where jobs that were paid are remembered; without one they are not.
    :raise SettingsInvalid: one is not installed.
    """
    from alfrd_events.reading.sources import Sources
    from alfrd_events.steps.step import Tools

    return Tools(
        reader=_reader(chosen, calls or build_calls(chosen), database),
        analyst=build_analyst(chosen, calls or build_calls(chosen)),
        sources=Sources(chosen.file_roots, chosen.max_file_bytes, build_buckets(chosen)),
        save_page=_not_in_a_task,
    )


def build_buckets(chosen: Settings) -> Buckets | None:
    """The buckets that may be read; ``None``: there are none.

    :raise SettingsInvalid: AWS's libraries are not installed.
    """
    from alfrd_events.clients.aws import Aws
    from alfrd_events.clients.s3 import Buckets

    if not chosen.s3_buckets:
        return None
    return Buckets(Aws(chosen.aws_region), chosen.s3_buckets, chosen.max_file_bytes)


def mail_password(chosen: Settings) -> str:
    """The password of the mailbox that is watched; from a file, as it is there now.

    :raise SettingsInvalid: none is set, two are, or the file cannot be read.
    """
    given, file = chosen.mail_password.get_secret_value(), chosen.mail_password_file
    if bool(given) == bool(file):
        what = "both are set" if given else "neither is set"
        raise SettingsInvalid(
            f"a mailbox wants its password in ALFRD_MAIL_PASSWORD or in ALFRD_MAIL_PASSWORD_FILE: {what}"
        )
    if file is None:
        return given
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"ALFRD_MAIL_PASSWORD_FILE: {file} cannot be read ({error})") from error


def build_analyst(chosen: Settings, calls: Calls) -> Analyst:
    """The analyst that the settings name, and the models that it asks.

    :raise SettingsInvalid: what it needs is not set, or not installed.
    """
    from alfrd_events.analysis.cascade import CascadeAnalyst
    from alfrd_events.analysis.compiled import CompiledAnalyst
    from alfrd_events.analysis.exact import ExactFirst
    from alfrd_events.analysis.llm import LlmAnalyst
    from alfrd_events.analysis.rules import RulesAnalyst
    from alfrd_events.analysis.rules.isolated import IsolatedRules

    rules = RulesAnalyst(IsolatedRules())
    if chosen.analyst == "rules":
        return rules
    names = [chosen.llm_model]
    if chosen.analyst == "cascade" and chosen.llm_large_model:
        names.append(chosen.llm_large_model)
    models = [LlmAnalyst(build_llm(chosen, name, calls), chosen.llm_input_tokens) for name in names]
    asked = CascadeAnalyst(rules, models) if chosen.analyst == "cascade" else models[0]
    return ExactFirst(CompiledAnalyst(asked) if chosen.compiled_series == "on" else asked, rules)


def build_llm(chosen: Settings, model: str, calls: Calls) -> Llm:
    """A client of a model.

    :raise SettingsInvalid: what it needs is not set, or not installed.
    """
    if chosen.llm == "bedrock":
        from alfrd_events.clients.aws import Aws
        from alfrd_events.clients.llm.bedrock import Bedrock

        return Bedrock(
            Aws(chosen.aws_region),
            model,
            calls,
            reasoning_tokens=chosen.llm_reasoning_tokens,
            read_seconds=chosen.llm_seconds,
        )
    from alfrd_events.clients.llm.openai import OpenAi

    return OpenAi(
        chosen.openai_base_url,
        model,
        calls,
        api_key=chosen.openai_api_key.get_secret_value(),
        reasoning_tokens=chosen.llm_reasoning_tokens,
        read_seconds=chosen.llm_seconds,
    )


def build_evolution(chosen: Settings, database: Database, calls: Calls) -> Evolution | None:
    """Build what prompts evolve with; ``None``: no model is asked, or the settings switch it off."""
    from alfrd_events.analysis.llm import LlmAnalyst
    from alfrd_events.db.trials import Trials
    from alfrd_events.steps.spending import Evolution

    if chosen.analyst == "rules" or chosen.evolution == "off":
        return None
    examiner = LlmAnalyst(build_llm(chosen, chosen.llm_model, calls), chosen.llm_input_tokens)
    return Evolution(
        chosen.evolution, examiner, Trials(database), chosen.evolution_day_usd, chosen.evolution_trial_usd
    )


def reader_limits(chosen: Settings) -> ReaderLimits:
    """What one document may cost at most."""
    from alfrd_events.sandbox.limits import ReaderLimits

    return ReaderLimits(
        max_bytes=chosen.max_file_bytes,
        max_pages=chosen.max_pages,
        max_pixels=int(chosen.max_megapixels * 1_000_000),
        ocr_engine=chosen.ocr_engine,
    )


@asynccontextmanager
async def drawing(chosen: Settings, *, processes: int = 1) -> AsyncIterator[tuple[Sources, Pictures]]:
    """Where the bytes of pages come from, and what draws them, while people look at pages.

    :param processes: how many pages are drawn at a time.
    """
    from alfrd_events.reading.pictures import Pictures
    from alfrd_events.reading.sources import Sources

    sources = Sources(chosen.file_roots, chosen.max_file_bytes, build_buckets(chosen))
    pictures = Pictures(reader_limits(chosen), processes=processes)
    try:
        yield sources, pictures
    finally:
        await pictures.aclose()
        await sources.aclose()


def _reader(chosen: Settings, calls: Calls, database: Database | None) -> Reader:
    from alfrd_events.reading.local import LocalReader

    local = LocalReader(reader_limits(chosen), processes=chosen.ocr_processes)
    if chosen.reader == "local":
        return local

    from alfrd_events.clients.aws import Aws
    from alfrd_events.db.jobs import ProviderJobs
    from alfrd_events.reading.textract import TextractReader
    from alfrd_events.reading.textract.service import Textract

    aws = Aws(chosen.aws_region)
    textract = Textract(aws, features=chosen.textract_features, bucket=chosen.textract_bucket)
    return TextractReader(local, aws, textract, calls, ProviderJobs(database) if database else None)


async def _warm_up(reader: Reader, is_wanted: bool) -> None:
    """Load the models while the worker waits for its first document; one that stays for a while has the time."""
    from alfrd_events.reading.local import LocalReader

    if is_wanted and isinstance(reader, LocalReader):
        await reader.warm_up()


async def _not_in_a_task(page: Page, part: int) -> None:
    raise AssertionError(f"page {page.number} of part {part}: pages are saved by the runner of a task")
