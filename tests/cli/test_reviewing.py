"""The review in the terminal, key by key."""

from __future__ import annotations

import base64
import io
import json
import os
import pty
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image

from testing.harness import Harness
from tests.cli.program import ENTRY_POINT, Program
from tests.readers.reader_inputs import pdf, text_page

REVIEW = Path(__file__).resolve().parents[2] / "docs" / "review.md"
KEYS = 60
"""What twenty documents, five of them wrong, may take at most."""


OF_A_TERMINAL = ("KITTY_WINDOW_ID", "LC_TERMINAL", "TERM_PROGRAM", "TMUX")
"""Variables that tell of the terminal in which the tests run."""


class Terminal:
    """The program at a terminal: what it shows, and the keys that it is given."""

    def __init__(
        self,
        program: Program,
        *arguments: str,
        term: str = "xterm-256color",
        answers: Mapping[bytes, bytes] | None = None,
    ) -> None:
        self._answers = dict(answers or {})
        """What it says to a question, once."""
        self._ours, theirs = pty.openpty()
        self.pressed = 0
        self.process = subprocess.Popen(
            [str(ENTRY_POINT), *arguments],
            env={**{k: v for k, v in program.environment.items() if k not in OF_A_TERMINAL}, "TERM": term},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self._shown = bytearray()
        self._news = threading.Condition()
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 65536)
            except OSError:
                data = b""
            with self._news:
                self._shown.extend(data)
                for question in [each for each in self._answers if each in self._shown]:
                    os.write(self._ours, self._answers.pop(question))
                self._news.notify_all()
            if not data:
                return

    @property
    def received(self) -> bytes:
        """Everything that it was sent, as it was sent."""
        return bytes(self._shown)

    @property
    def shown(self) -> str:
        """Everything shown so far, without colours."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._shown.decode(errors="replace")).replace("\r", "")

    def await_text(self, text: str, times: int = 1) -> None:
        """Wait until a text was shown so many times."""
        with self._news:
            assert self._news.wait_for(lambda: self.shown.count(text) >= times, 60), self.shown

    def press(self, keys: str) -> None:
        self.pressed += len(keys)
        os.write(self._ours, keys.encode())

    def ends(self) -> str:
        """Wait for the end; all that was shown."""
        assert self.process.wait(60) == 0, self.shown
        self._reading.join(10)
        return self.shown

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reading.join(10)
        os.close(self._ours)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """Terminals to close at the end."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


async def given_doubtful(db: Harness, *totals: str) -> list[UUID]:
    """Documents with these totals, each less sure than the one before, and what else the total could be."""
    ids = []
    for place, total in enumerate(totals):
        document = await db.given_document("classified")
        await db.sql(
            "update alfrd.documents set filename = %s where id = %s", f"bill-{place:02}.txt", document
        )
        await db.sql(
            "update alfrd.pages set text = %s where document_id = %s",
            f"Acme Power\nSubtotal 11.00\nTotal {total}\nCash 20.00\nThank you",
            document,
        )
        task = await db.claim("summarize", subject=document)
        assert task is not None
        where = {
            "page": 1,
            "text": f"Total {total}",
            "confidence": 0.5 - place / 100,
            "alternatives": ["11.00"],
        }
        await db.complete(
            task,
            total_amount=total,
            evidence={"total_amount": where},
            doubts=[
                {
                    "field": "total_amount",
                    "reason": "the total is unsure (50%)",
                    "confidence": 0.5 - place / 100,
                }
            ],
        )
        ids.append(document)
    return ids


async def test_twenty_documents_with_five_wrong_take_sixty_keys(
    db: Harness, program: Program, terminals: list[Terminal]
) -> None:
    documents = await given_doubtful(db, *(f"{10 + place}.50" for place in range(20)))
    wrong = {5, 8, 11, 14, 19}
    terminal = Terminal(program, "review", "--as", "ann")
    terminals.append(terminal)

    for seen, place in enumerate(reversed(range(20)), 1):
        terminal.await_text("q quit", seen + sum(other > place for other in wrong))
        assert f"bill-{place:02}.txt" in terminal.shown
        if place in wrong:  # typed in full, though a digit would take another value
            terminal.press("t")
            terminal.await_text("  total: ", sum(other >= place for other in wrong))
            terminal.press(f"{70 + place}.10\n")
            terminal.await_text("q quit", seen + sum(other >= place for other in wrong))
        terminal.press("\n")

    shown = terminal.ends()
    assert "20 documents reviewed: 15 accepted, 5 corrected, 0 skipped" in shown
    assert "→ │ Total 29.50" in shown
    assert terminal.pressed <= KEYS
    rows = await db.sql("select id, total_amount from alfrd.documents")
    totals = {documents.index(row["id"]): row["total_amount"] for row in rows}
    assert totals == {
        place: Decimal(70 + place) + Decimal("0.10")
        if place in wrong
        else Decimal(10 + place) + Decimal("0.50")
        for place in range(20)
    }
    assert await db.one("select count(*) from alfrd.reviews where reviewer = 'ann' and seconds < 60") == 20
    assert (
        await db.one("select count(*) from alfrd.documents where needs_review or review_claimed_by <> ''")
        == 0
    )


async def test_a_digit_takes_the_other_value_and_z_takes_back(
    db: Harness, program: Program, terminals: list[Terminal]
) -> None:
    first, second = await given_doubtful(db, "10.50", "12.50")
    terminal = Terminal(program, "review")
    terminals.append(terminal)

    terminal.await_text("q quit")
    terminal.press("1")
    terminal.await_text("yours")
    terminal.press("\n")
    terminal.await_text("corrected: total amount")
    terminal.await_text("q quit", 3)
    assert await db.one("select total_amount::text from alfrd.documents where id = %s", second) == "11.00"
    terminal.press("z")
    terminal.await_text("taken back")
    terminal.await_text("q quit", 4)
    terminal.press("s")
    terminal.await_text("skipped")
    terminal.await_text("q quit", 5)
    terminal.press("txyz\n")
    terminal.await_text("q quit", 6)
    terminal.press("\n")
    terminal.await_text("total_amount cannot be")
    terminal.await_text("q quit", 7)
    terminal.press("t\x1bq")

    assert "0 documents reviewed: 0 accepted, 0 corrected, 1 skipped" in terminal.ends()
    rows = await db.sql(
        "select total_amount::text as total, needs_review, review_claimed_by from alfrd.documents order by 1"
    )
    assert rows == [
        {"total": "10.50", "needs_review": True, "review_claimed_by": ""},
        {"total": "12.50", "needs_review": True, "review_claimed_by": ""},
    ]
    assert first


async def test_a_reviewer_who_is_interrupted_gives_the_document_back(
    db: Harness, program: Program, terminals: list[Terminal]
) -> None:
    await given_doubtful(db, "10.50")
    terminal = Terminal(program, "review")
    terminals.append(terminal)
    terminal.await_text("q quit")

    terminal.process.send_signal(signal.SIGINT)

    assert terminal.process.wait(60) == 130
    assert await db.one("select review_claimed_by from alfrd.documents") == ""


async def test_without_a_terminal_review_says_what_to_use_instead(db: Harness, program: Program) -> None:
    (document,) = await given_doubtful(db, "10.50")

    refused = program("review", exit_code=2).stderr
    assert "no terminal" in refused
    assert "documents --review" in refused

    assert program("accept", document).stdout == f"accepted {document}\n"
    assert program("documents", "--review").stdout == "no document needs a look\n"


async def test_a_key_does_the_other_reviews_of_the_sender_again(
    db: Harness, program: Program, terminals: list[Terminal]
) -> None:
    await given_doubtful(db, "10.50", "12.50", "14.50")
    terminal = Terminal(program, "review")
    terminals.append(terminal)

    terminal.await_text("q quit")
    terminal.press("t20.00\n")
    terminal.await_text("q quit", 2)
    terminal.press("\n")
    terminal.await_text("a apply what was learned to 2 more of that sender")
    terminal.await_text("q quit", 3)
    terminal.press("a")

    assert "2 documents will be done again with what was taught" in terminal.ends()
    assert (
        await db.one("select count(*) from alfrd.documents where review_claimed_by like 'lessons of %%'") == 2
    )
    rows = await db.sql("select cardinality(apply_to) as number, tried_at from alfrd.lessons")
    assert {(row["number"], row["tried_at"]) for row in rows} == {(2, None)}, "no worker has tried them yet"


async def given_on_a_page(db: Harness) -> None:
    """A bill on a page that can be drawn; the place of its total is known."""
    (document,) = await given_doubtful(db, "10.50")
    box = [100 / 612, 88 / 792, 170 / 612, 104 / 792]
    await db.sql(
        "update alfrd.documents set content = %s, filename = 'bill.pdf',"
        " evidence = jsonb_set(evidence, '{total_amount,box}', %s::jsonb) where id = %s",
        pdf([text_page([(100, 720, "Subtotal 11.00"), (100, 694, "Total 10.50"), (100, 660, "Thank you")])]),
        json.dumps(box),
        document,
    )


async def test_kitty_shows_the_total_where_it_stands(
    db: Harness, program: Program, terminals: list[Terminal]
) -> None:
    await given_on_a_page(db)
    terminal = Terminal(program, "review", term="xterm-kitty")
    terminals.append(terminal)

    terminal.await_text("q quit")
    terminal.press("t10.60\n")  # the same place again, and drawn no second time
    terminal.await_text("q quit", 2)
    terminal.press("q")
    terminal.ends()

    pieces = re.findall(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\", terminal.received)
    heads = [head for head, _ in pieces if head.startswith(b"a=T")]
    assert heads == [heads[0]] * 2
    half = len(pieces) // 2
    assert pieces[:half] == pieces[half:]
    image = Image.open(io.BytesIO(base64.b64decode(b"".join(data for _, data in pieces[:half]))))
    assert image.format == "PNG"
    assert image.width > 2.5 * image.height, "a line and its neighbours, not the page"
    assert b"\xe2\x86\x92 \xe2\x94\x82" not in terminal.received, "no line of text beside it"


async def test_a_terminal_that_says_so_gets_sixels_and_its_answer_is_no_key(
    db: Harness, program: Program, terminals: list[Terminal]
) -> None:
    await given_on_a_page(db)
    terminal = Terminal(program, "review", answers={b"\x1b[c": b"\x1b[?62;4;22c"})
    terminals.append(terminal)

    terminal.await_text("q quit")
    terminal.press("x")  # the answer came before it, however slow this machine is
    terminal.await_text("q quit", 2)
    terminal.press("q")
    terminal.ends()

    assert re.search(rb'\x1bP0;1q"1;1;\d+;\d+#0;2;[#$\-!0-9;?-~]+\x1b\\', terminal.received)
    assert "currency:" not in terminal.shown


@pytest.mark.parametrize(
    ("arguments", "term"), [(["review"], "xterm-256color"), (["review", "--no-pictures"], "xterm-kitty")]
)
async def test_any_other_terminal_gets_the_line(
    db: Harness, program: Program, terminals: list[Terminal], arguments: list[str], term: str
) -> None:
    await given_on_a_page(db)
    terminal = Terminal(program, *arguments, term=term)
    terminals.append(terminal)

    terminal.await_text("q quit")
    terminal.press("q")

    assert "→ │ Total 10.50" in terminal.ends()
    assert b"\x1b_G" not in terminal.received
    assert b"\x1bP" not in terminal.received


async def test_what_cannot_be_drawn_is_shown_as_text_with_the_reason(
    db: Harness, program: Program, terminals: list[Terminal]
) -> None:
    await given_on_a_page(db)
    await db.sql("update alfrd.documents set content = '%%PDF-1.7 broken'")
    terminal = Terminal(program, "review", term="xterm-kitty")
    terminals.append(terminal)

    terminal.await_text("q quit")
    terminal.press("q")

    shown = terminal.ends()
    assert shown.index("→ │ Total 10.50") < shown.index("no picture of the page: a.txt: the PDF is damaged")


async def test_the_recording_in_the_documentation_is_what_is_shown(
    db: Harness, program: Program, terminals: list[Terminal]
) -> None:
    _, second, _ = await given_doubtful(db, "14.30", "15.00", "16.56")
    await db.sql("select alfrd.accept(%s)", second)
    terminal = Terminal(program, "review")
    terminals.append(terminal)

    terminal.await_text("q quit")
    terminal.press("\n")
    terminal.await_text("q quit", 2)
    terminal.press("t")
    terminal.await_text("  total: ")
    terminal.press("14.80\n")
    terminal.await_text("q quit", 3)
    terminal.press("\n")

    recorded = re.search(r"```text\n(1 · .*?)```", REVIEW.read_text("utf-8"), re.DOTALL)
    assert recorded is not None
    assert lines_of(terminal.ends()) == lines_of(recorded[1])


def lines_of(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]
