"""The commands and the SQL of README and docs do what a reader expects: they are run as they are printed.

They find a household with a year of papers: :func:`papers`. What a page leaves to its reader (``ID``, ``'…'``) is
filled in by :data:`FILLED_IN`. A block of ``sql``, ``sh`` or ``console`` that cannot run here has a comment before it:
``<!-- not run: a reason -->``; a command that only a person can answer is in :data:`ASKS`. Blocks of other languages
are run where they are the subject of a test, and read by their language everywhere.
The names in its commands are checked all the same: the options of ``alfrd-events``, the targets of make, the settings
with their values, and the extras.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from typer.main import get_command

from alfrd_events.cli import app
from alfrd_events.settings import Settings
from testing.server import Server
from tests.cli.program import Program, bill
from tests.packaging.test_workflows import make_targets

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", "samples/README.md", "examples/README.md"]
PAGES += sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md"))
BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]+) -->\n)?^```(?P<language>sql|sh|console)\n(?P<text>.*?)^```$",
    re.M | re.S,
)
DOCUMENT = "3f2a0000-0000-4000-8000-000000000001"
"""The document that the pages speak of."""
STATEMENT = "8e1f0000-0000-4000-8000-000000000001"
FILLED_IN = {
    "ID": DOCUMENT,
    "ID…": DOCUMENT,
    "BILL": "5b1c0000-0000-4000-8000-000000000002",
    "STATEMENT": STATEMENT,
    "SERIES": "harborlight-electric-electricity-bill",
    "INTO": "harborlight-electric-electricity-bill",
    "FROM": "harbor-li-power-electricity-bill",
}
"""What the pages leave to their reader."""
OF_ANOTHER_KIND = {
    "alfrd.dismiss_alert": "select id from alfrd.open_alerts order by id limit 1",
    "alfrd.snooze_alert": "select id from alfrd.open_alerts order by id desc limit 1",
    "alfrd.file_members": "select id from alfrd.files limit 1",
}
"""Functions whose ``'…'`` is not a document."""
ENDLESS = {"run", "watch"}
"""Commands that end with ``--once`` only."""
ASKS = {"review", "delete"}
"""Commands that ask a person; tests/cli/test_reviewing.py and test_correcting.py answer them."""
POWER = """{company}
Electricity bill
Account number: {account}
Bill date: {day:%B} {day.day}, {day.year}
Due date: {due:%B} {due.day}, {due.year}
Energy used: 412 kWh
Total amount due: ${amount}
"""
BANK = """Lanternfish Bank
Bank statement
Account number: 5500 3306
Statement period: {first} - {last}
Statement date: {last}

Date        Description            Amount      Balance
{last}  Harborlight Electric     -104.20     1,895.80
Opening balance 2,000.00
Closing balance 1,895.80
"""
RENT = (
    "Tern Property Management\nRent receipt\nDate: March 4, 2025\nParking and garage\nTotal paid: $2,150.00\n"
)


def papers() -> Iterator[tuple[str, str, str, list[str], str]]:
    """Id, file name, owner, tags and text of each paper of the household: two names of a power company, and more.

    One month is missing, and the last bill is dearer than usual: there is something to tell.
    """
    today = datetime.now(UTC).date()
    ends = "02", "03", "04", "05", "06", "07", "08"
    for back, end in zip((7, 6, 5, 4, 2, 1, 0), ends, strict=True):
        day = today - timedelta(days=30 * back + 3)
        id = DOCUMENT if back == 0 else f"5b1c0000-0000-4000-8000-0000000000{end}"
        text = POWER.format(
            company="Harborlight Electric",
            account="4071-5528-03",
            day=day,
            due=day + timedelta(days=21),
            amount="164.20" if back == 0 else "104.20",
        )
        yield id, f"power-{day}.txt", "", ["home", "taxes", "2025"], text
    for back in (9, 8):
        day = today - timedelta(days=30 * back + 3)
        text = POWER.format(
            company="Harbor Li Power",
            account="77-1200-4",
            day=day,
            due=day + timedelta(days=21),
            amount="99.00",
        )
        yield f"6c1d0000-0000-4000-8000-00000000000{back}", f"harbor-li-{day}.txt", "", ["tax-papers"], text
    last = today - timedelta(days=20)
    yield STATEMENT, "statement.txt", "", [], BANK.format(first=last - timedelta(days=30), last=last)
    yield "7d1e0000-0000-4000-8000-000000000001", "rent.txt", "ann", ["taxes", "tax-papers"], RENT


@dataclass(frozen=True)
class Block:
    """What stands between two fences."""

    page: str
    line: int
    language: str
    text: str
    reason: str | None
    """Why it is not run; ``None``: it is."""

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command, without comments, prompts and printed answers."""
        text = re.sub(r"(?:^|\s+)# .*$", "", self.text, flags=re.M).replace("\\\n", " ")
        if self.language == "console":
            text = "\n".join(line[2:] for line in text.splitlines() if line.startswith("$ "))
        parts: list[list[str]] = [[]]
        lexer = shlex.shlex(text, posix=True, punctuation_chars="&|>;\n")
        lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
        for word in lexer:
            if set(word) <= set("&|;\n"):
                parts.append([])
            else:
                parts[-1].append(word)
        return [part for part in parts if part]


def blocks() -> Iterator[Block]:
    """All blocks of all pages."""
    for page in PAGES:
        text = (ROOT / page).read_text()
        for found in BLOCK.finditer(text):
            line = text[: found.start("language")].count("\n") + 1
            yield Block(page, line, found["language"], found["text"], found["reason"])


BLOCKS = list(blocks())
SQL = [block for block in BLOCKS if block.language == "sql"]
SHELL = [block for block in BLOCKS if block.language != "sql"]


def name_of(block: Block) -> str:
    return f"{block.page}:{block.line}"


def environment_of(block: Block) -> dict[str, str]:
    """What its commands are given: ``export A=1`` lines, and assignments before a command."""
    words = [word for command in block.commands for word in command]
    return dict(word.split("=", 1) for word in words if re.match(r"[A-Z][A-Z_0-9]*=", word))


def without_environment(command: list[str]) -> list[str]:
    """The program and its arguments."""
    while command and re.match(r"[A-Z][A-Z_0-9]*=", command[0]):
        command = command[1:]
    return command


@pytest.fixture(scope="module")
def year(server: Server, template: str) -> Iterator[str]:
    """The name of a database that holds the papers, all of them read and filed."""
    with server.database(template) as name:
        url = server.url(name)
        with psycopg.connect(url, autocommit=True) as connection:
            for id, filename, owner, tags, text in papers():
                connection.execute(
                    "insert into alfrd.documents (id, filename, owner, tags, content) values (%s, %s, %s, %s, %s)",
                    [id, filename, owner, tags, text.encode()],
                )
        program = Program(url)
        program("run", "--once")
        assert {row["status"] for row in program.json("documents")} == {"completed"}
        assert {FILLED_IN["INTO"], FILLED_IN["FROM"]} <= {row["slug"] for row in program.json("series")}
        assert len(program.json("alerts")) > 1
        yield name


@pytest.fixture
def lived_in(server: Server, year: str) -> Iterator[str]:
    """The URL of a copy of it."""
    with server.database(year) as name:
        yield server.url(name)


@pytest.mark.parametrize("block", [block for block in SQL if not block.reason], ids=name_of)
def test_sql_runs_as_it_is_printed(block: Block, lived_in: str, signed_in: dict[str, str]) -> None:
    with psycopg.connect(lived_in, autocommit=True) as connection:
        statements = block.text.replace("$1", "'the bytes'")
        for call, query in OF_ANOTHER_KIND.items():
            if call in statements:
                found = connection.execute(query).fetchone()  # type: ignore[call-overload]
                assert found, query
                statements = re.sub(rf"({re.escape(call)}\()'…'", rf"\1'{found[0]}'", statements)
        connection.execute(statements.replace("'…'", f"'{DOCUMENT}'"))  # type: ignore[call-overload]


@pytest.fixture
def household(lived_in: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """A home with papers and an inbox, a database that holds a year of them, and a worker."""
    for folder in ("papers", "bills", "inbox"):
        (tmp_path / folder).mkdir()
        bill(tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    program = Program(lived_in, HOME=str(tmp_path))
    with program.started("run"):
        yield program


@pytest.mark.parametrize("block", [block for block in SHELL if not block.reason], ids=name_of)
def test_commands_run_as_they_are_printed(block: Block, household: Program) -> None:
    environment = environment_of(block)
    environment.pop("ALFRD_DATABASE_URL", None)  # a server that the page made up
    household.environment |= environment
    for command in map(without_environment, block.commands):
        if command and command[0] == "alfrd-events":
            arguments = [re.sub(r"^~", household.environment["HOME"], word) for word in command[1:]]
            arguments = [FILLED_IN.get(word, word) for word in arguments]
            if arguments[0] in ASKS:
                continue
            once = ["--once"] if arguments[0] in ENDLESS and "--once" not in arguments else []
            household.inside(*arguments, *once)
        else:
            assert not command or command[0] in {"export", "pip"}, (
                f"{command[0]} does not run here: say so in a comment"
            )


@pytest.mark.parametrize("block", SHELL, ids=name_of)
def test_commands_name_only_what_exists(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my.txt").touch()  # a prompt that the page has exported before
    monkeypatch.chdir(tmp_path)
    environment = environment_of(block)
    settings = {f"ALFRD_{name.upper()}" for name in Settings.model_fields} | {"ALFRD_TEST_PG_BIN"}
    assert {name for name in environment if name.startswith("ALFRD_")} <= settings
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    Settings()
    extras = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.M))
    for command in map(without_environment, block.commands):
        match command:
            case ["alfrd-events", *arguments]:
                parse(arguments)
            case ["make", *targets]:
                assert {target for target in targets if "=" not in target} <= make_targets()
            case ["pip", "install", *packages]:
                named = re.findall(r"alfrd-events\[([\w,]+)\]", " ".join(packages))
                assert {extra for extras_of in named for extra in extras_of.split(",")} <= extras
            case [".venv/bin/python", "-m", module, *_]:
                assert (ROOT / f"{module.replace('.', '/')}.py").exists()


def parse(arguments: list[str]) -> None:
    """Let the program read its arguments, and do nothing."""
    command = get_command(app)
    context = command.make_context("alfrd-events", list(arguments))
    while hasattr(command, "resolve_command") and (given := [*context._protected_args, *context.args]):
        _, command, rest = command.resolve_command(context, given)
        context = command.make_context(command.name, rest, parent=context)


def test_every_page_is_looked_at() -> None:
    assert {block.page for block in BLOCKS} >= {
        "README.md",
        "docs/money.md",
        "docs/security.md",
        "docs/architecture.md",
    }
    assert all(block.reason is None or len(block.reason) > 10 for block in BLOCKS)


@pytest.mark.parametrize(
    "arguments", [["no-such-command"], ["run", "--no-such-option"], ["prompts", "no-such-command"]]
)
def test_a_command_that_does_not_exist_is_noticed(arguments: list[str]) -> None:
    with pytest.raises(Exception, match="no-such"):
        parse(arguments)
