"""Every setting there is, in one typed tree, read from the environment (``ALFRD_*``).

Only ``cli/wiring.py`` builds it and passes each part the values that it needs. ``.env.example`` has the same
names with the same defaults.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from alfrd_events.errors import SettingsInvalid

PREFIX = "ALFRD_"
_OF_THE_TESTS = "ALFRD_TEST_"

_DAY = 86_400.0
Seconds = Annotated[float, Field(gt=0, le=_DAY, allow_inf_nan=False)]
"""Up to a day: the engine adds them to times, and what is infinite has no place in a column."""
Usd = Annotated[Decimal, Field(ge=0, le=99_999_999, allow_inf_nan=False)]
"""As much as a column holds."""
_MOST_SLOTS = 10_000

DEFAULT_SLOTS: Mapping[str, int] = {
    "classify": 8,
    "score_classification": 8,
    "summarize": 8,
    "score_summary": 8,
    "file": 8,
    "extract": 8,
    "summarize_file": 2,
    "answer_key": 2,
    "evolve_prompt": 2,
}
"""Tasks of a step at once in one worker; ``ocr`` has one for each core. Steps of users: 4."""
OCR_SLOTS_ELSEWHERE = 8
"""Documents at once where another machine reads them and ours waits."""
HOME = ".alfrd"
"""The folder that makes a directory, and all below it, use a home of their own."""


def home() -> Path:
    """The folder ``.alfrd`` of this directory or of one above it, as git finds ``.git``; else the user's own.

    A ``.alfrd`` that belongs to somebody else is passed by: who may write to ``/tmp`` does not choose our database. The
    user's own is ``$XDG_DATA_HOME/alfrd-events``, which is under ``~/.local/share`` where that is not set.
    """
    here = Path.cwd()
    for directory in (here, *here.parents):
        place = directory / HOME
        with suppress(OSError):  # a folder that we may not look into
            if place.is_dir() and place.stat().st_uid == os.geteuid():
                return Path(HOME) if directory == here else place
    shared = os.environ.get("XDG_DATA_HOME", "")
    if not os.path.isabs(shared):  # the specification says to ignore it then
        try:
            shared = str(Path.home() / ".local" / "share")
        except RuntimeError:
            return Path(HOME)  # a user without a home
    return Path(shared) / "alfrd-events"


class Settings(BaseSettings):
    """The settings of the program."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", env_ignore_empty=True)

    database_url: str = ""
    """libpq URL. Empty: an embedded PostgreSQL under ``data_dir``."""
    listen_url: str = ""
    """URL for the LISTEN connection, past a PgBouncer. Empty: ``database_url``."""
    read_url: str = ""
    """URL of a streaming replica that answers for the console's pages and for search. Empty: ``database_url``."""
    listen: bool = True
    """Off: no LISTEN at all; new work is found by the poll."""
    data_dir: Path = Field(default_factory=home)
    """Where the embedded PostgreSQL and the inbox of ``up`` are. Empty: see :func:`home`."""

    reader: Literal["local", "textract"] = "local"
    analyst: Literal["rules", "llm", "cascade"] = "rules"
    ocr_engine: Literal["auto", "openvino", "onnxruntime"] = "auto"
    """What runs the models that recognise text; ``auto``: whichever is fastest on this processor."""
    ocr_processes: Annotated[int, Field(ge=1, le=1024)] = os.cpu_count() or 1
    slots: Annotated[dict[str, int], NoDecode] = Field(default_factory=dict)
    """Tasks at once per step in this worker, over the defaults: ``ocr=2,classify=4``."""

    llm: Literal["bedrock", "openai"] = "bedrock"
    """Where the model of ``analyst`` ``llm`` and ``cascade`` is."""
    llm_model: str = ""
    """Empty: ``us.amazon.nova-lite-v1:0`` on Bedrock; any other server needs a name here."""
    llm_large_model: str = ""
    """For ``cascade``: the model to ask where the first model's answer fails a check, too. Empty: none."""
    compiled_series: Literal["on", "off"] = "on"
    """For ``llm`` and ``cascade``: read the documents of a series by the layout that earlier ones taught."""
    llm_input_tokens: Annotated[int, Field(ge=1000, le=100_000_000)] = 24_000
    """The most of a document's text that is shown in one question, estimated at 3.3 characters a token."""
    llm_reasoning_tokens: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    """What a model may spend on thinking, beside its answer."""
    llm_seconds: Seconds = 120
    """How long a server may take to answer before its answer counts as lost, from the question to the last byte."""
    openai_base_url: str = ""
    """Up to the version, ``http://localhost:11434/v1``. A user and a password in it are sent as such."""
    openai_api_key: SecretStr = SecretStr("")

    evolution: Literal["off", "suggest", "auto"] = "off"
    """Whether prompts are tried and improved: not at all, until a person approves, or by themselves."""
    evolution_day_usd: Usd = Decimal(1)
    """The most that answer keys and trials of a day (UTC) may cost, in USD."""
    evolution_trial_usd: Usd = Decimal("0.75")
    """The most that one trial may cost, in USD."""

    aws_region: str = ""
    """Empty: as ``AWS_REGION`` or the profile says. Credentials come from where every AWS tool has them."""
    textract_features: Annotated[tuple[Literal["layout", "tables", "forms"], ...], NoDecode] = ()
    """What AnalyzeDocument is to find beside the text, at a higher price. Empty: DetectDocumentText."""
    textract_bucket: str = ""
    """``bucket`` or ``bucket/prefix``, in the same region: where documents of several pages are put for a while, to be
    read by one job. Empty: page by page."""

    lease_seconds: Annotated[Seconds, Field(ge=1)] = 30
    """How long a worker owns its tasks without a heartbeat."""
    drain_seconds: Annotated[float, Field(ge=0, le=_DAY, allow_inf_nan=False)] = 20
    """How long running steps may finish after SIGTERM or Ctrl-C; then they are given back."""
    poll_seconds: Seconds = 30
    """How often an idle worker looks at the queue without a notification."""
    probe_seconds: Seconds = 15
    """How often the listener proves by a round trip that it still receives notifications."""
    rescue_seconds: Seconds = 1
    """How often a worker looks for workers that are gone, while any task runs."""
    reconcile_seconds: Seconds = 300
    """How often a worker looks for documents whose task is missing."""
    step_seconds: Seconds = 900
    """The longest that one attempt of a step may take."""
    status_feed: bool = True
    """Whether this worker publishes its status changes on channel ``alfrd_status``."""

    console_token: str = ""
    """Who may use the console at another address than 127.0.0.1: ``role:digest``, with commas between, as
    ``alfrd-events console token`` prints it."""
    console_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Names under which the console may be asked for, beside its own address, with commas between."""
    console_language: str = "browser"
    """``en``, ``de`` or another language of the console; ``browser``: the one that each browser asks for."""

    cap_document_usd: Usd | None = None
    """The most that may be spent on a document, in USD; ``None``: no cap."""
    cap_day_usd: Usd | None = None
    """The most that may be spent on a day (UTC), in USD; ``None``: no cap."""
    calls_at_once: Annotated[int, Field(ge=1, le=100_000)] = 64
    """Calls to one paid provider under way at once in this worker, at most; fewer while it throttles."""
    reply_cache_days: Annotated[float, Field(ge=0, le=36_500, allow_inf_nan=False)] = 30
    """How old a paid reply may be that is given again to exactly the same request."""

    mail_password: SecretStr = SecretStr("")
    """Of the mailbox that ``watch imaps://…`` watches."""
    mail_password_file: Path | None = None
    """The file that holds it instead; it is read at each connection."""

    file_roots: Annotated[tuple[Path, ...], NoDecode] = ()
    """Directories under which ``file://`` URIs may be read, separated by ``:``. Empty: none."""
    s3_buckets: Annotated[tuple[str, ...], NoDecode] = ()
    """Buckets from which ``s3://`` URIs may be read, with commas between. Empty: none."""
    max_file_bytes: Annotated[int, Field(gt=0, le=2**40)] = 100 * 1024 * 1024
    max_pages: Annotated[int, Field(gt=0, le=1_000_000)] = 1000
    max_megapixels: Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)] = 100

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    @field_validator("*", mode="before")
    @classmethod
    def _strip(cls, value: Any) -> Any:
        """Strip white space: files with Windows line ends and secrets with a final newline are meant without it."""
        return value.strip() if isinstance(value, str) else value

    @field_validator("slots", mode="before")
    @classmethod
    def _parse_slots(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        slots = {}
        for entry in filter(None, (part.strip() for part in value.split(","))):
            step, separator, number = entry.partition("=")
            if not separator or not re.fullmatch(r"[0-9]{1,9}", number.strip()) or int(number) < 1:
                raise ValueError(f"{entry!r} is not of the form step=number, such as ocr=2,classify=4")
            if int(number) > _MOST_SLOTS:
                raise ValueError(
                    f"{entry!r}: at most {_MOST_SLOTS} tasks of a step run at once in one worker"
                )
            slots[step.strip()] = int(number)
        return slots

    @field_validator("textract_features", "s3_buckets", "console_hosts", mode="before")
    @classmethod
    def _parse_names(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(filter(None, (name.strip() for name in value.split(","))))

    @field_validator("file_roots", mode="before")
    @classmethod
    def _parse_roots(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(Path(entry).expanduser() for entry in value.split(os.pathsep) if entry)

    def slots_for(self, step: str) -> int:
        """Return how many tasks of a step this worker runs at once."""
        if step in self.slots:
            return self.slots[step]
        if step == "ocr":
            return self.ocr_processes if self.reader == "local" else OCR_SLOTS_ELSEWHERE
        return DEFAULT_SLOTS.get(step, 4)


def load_settings(**overrides: Any) -> Settings:
    """Read the environment.

    :raise SettingsInvalid: names each variable that is wrong or unknown, with the reason.
    """
    _refuse_unknown(os.environ)
    try:
        return Settings(**overrides)
    except ValidationError as error:
        wrong = "; ".join(
            f"{PREFIX}{'_'.join(str(place) for place in problem['loc']).upper()}: "
            f"{problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()
        )
        raise SettingsInvalid(f"the settings make no sense: {wrong}") from error


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    """Refuse unknown names: a misspelt one would be ignored, and the worker would silently use another database."""
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    wrong = []
    for name in sorted(environment):
        if not name.upper().startswith(PREFIX) or name.upper().startswith(_OF_THE_TESTS):
            continue
        if name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            wrong.append(f"there is no {name}" + (f"; did you mean {near[0]}?" if near else ""))
    if wrong:
        raise SettingsInvalid(f"the settings make no sense: {'; '.join(wrong)}")
