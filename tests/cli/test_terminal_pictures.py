"""Pictures in a terminal: who takes them, what is sent, and that its answers press no keys."""

from __future__ import annotations

import asyncio
import base64
import io
import re

import pytest
from rich.console import Console

from alfrd_events.terminal import keys, pictures
from alfrd_events.terminal.keys import ESCAPE, Keyboard
from alfrd_events.terminal.output import Output
from alfrd_events.terminal.review import around

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
XTERM = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("environment", "how"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({**XTERM, "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({**XTERM, "TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({**XTERM, "TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({**XTERM, "LC_TERMINAL": "iTerm2"}, "iterm2"),
        ({**XTERM, "TERM_PROGRAM": "Apple_Terminal"}, None),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "screen", "LC_TERMINAL": "iTerm2"}, None),
        ({**XTERM, "TMUX": "/tmp/tmux", "TERM_PROGRAM": "iTerm.app"}, None),
        ({}, None),
    ],
)
def test_environment_variables_tell_which_protocol_a_terminal_knows(
    environment: dict[str, str], how: str | None
) -> None:
    assert pictures.by_environment(environment) == how


@pytest.mark.parametrize(
    ("answer", "how"),
    [
        (b"\x1b[?62;4;22c", "sixel"),
        (b"\x1b[?65;1;9;4c", "sixel"),
        (b"\x1b[?62;22c", None),
        (b"\x1b[?4c", None),  # a VT132, which has no attribute 4
        (b"\x1b[?1;2c", None),
        (b"\x1b[24;80R\x1b[?62;4c", "sixel"),
    ],
)
async def test_a_terminal_that_answers_4_takes_sixels(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, how: str | None
) -> None:
    keyboard, asked = Keyboard(), []

    def write(text: str) -> None:
        asked.append(text)
        keyboard.receive(b"s")  # typed meanwhile
        keyboard.receive(answer[:4])
        keyboard.receive(answer[4:])

    monkeypatch.setattr(keys, "_write", write)
    monkeypatch.setattr(pictures, "ANSWER_SECONDS", 60)

    assert await pictures.protocol(keyboard, XTERM) == how
    assert asked == ["\x1b[c"]
    assert await keyboard.key() == "s"
    assert keyboard._keys.empty()


@pytest.mark.parametrize("term", ["dumb", "linux", ""])
async def test_a_terminal_that_has_nothing_to_say_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    monkeypatch.setattr(keys, "_write", lambda _: pytest.fail("it was asked"))
    assert await pictures.protocol(Keyboard(), {"TERM": term}) is None


async def test_a_terminal_without_an_answer_shows_text_and_a_late_answer_is_no_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyboard = Keyboard()
    monkeypatch.setattr(keys, "_write", lambda _: None)
    monkeypatch.setattr(pictures, "ANSWER_SECONDS", 0)

    assert await pictures.protocol(keyboard, XTERM) is None
    assert pictures.by_late_answer(keyboard) is None
    keyboard.receive(b"\x1b[?62;4;22cq")

    assert await keyboard.key() == "q"
    assert pictures.by_late_answer(keyboard) == "sixel"


async def test_arrows_press_no_letters_and_escape_is_a_key() -> None:
    keyboard = Keyboard()
    for data in (b"\x1b[A\x1b[1;5C", b"\x1b", b"x\x1b[", b"Dy"):
        keyboard.receive(data)

    assert [await keyboard.key() for _ in range(3)] == [ESCAPE, "x", "y"]
    assert keyboard._keys.empty()
    keyboard.receive(b"")
    assert await asyncio.wait_for(keyboard.key(), 60) == keys.END


def test_kitty_takes_a_png_in_pieces() -> None:
    sent = pictures.sequence("kitty", PNG, 80)

    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", sent)
    assert "".join(f"\x1b_G{head};{data}\x1b\\" for head, data in pieces) == sent
    assert base64.b64decode("".join(data for _, data in pieces)) == PNG
    assert pieces[0][0] == "a=T,f=100,q=2,c=80,m=1"
    assert [head for head, _ in pieces[1:]] == ["m=0"]
    assert all(len(data) <= 4096 and len(data) % 4 == 0 for _, data in pieces)


def test_iterm2_takes_a_png_as_a_file() -> None:
    sent = pictures.sequence("iterm2", PNG, 80)

    found = re.fullmatch(
        r"\x1b\]1337;File=inline=1;size=5128;width=80;preserveAspectRatio=1:([^\x07]*)\x07", sent
    )
    assert found is not None
    assert base64.b64decode(found[1]) == PNG


def test_sixels_are_sent_between_their_begin_and_end() -> None:
    assert pictures.sequence("sixel", b'"1;1;2;6#0~~-', 80) == '\x1bP0;1q"1;1;2;6#0~~-\x1b\\'


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_picture_is_for_terminals_alone(is_terminal: bool) -> None:
    file = io.StringIO()
    Output(console=Console(file=file, force_terminal=is_terminal)).picture("\x1b_Gm=0;AAAA\x1b\\")
    assert file.getvalue() == ("\x1b_Gm=0;AAAA\x1b\\\n" if is_terminal else "")


def test_what_is_cut_out_are_the_neighbours_too_and_no_more_than_the_page() -> None:
    assert around((0.5, 0.4, 0.6, 0.42)) == pytest.approx((0.0, 0.35, 0.85, 0.47))
    assert around((0.9, 0.0, 1.0, 0.01)) == pytest.approx((0.3, 0.0, 1.0, 0.035))
