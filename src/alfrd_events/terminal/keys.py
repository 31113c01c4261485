"""Single keys of a terminal, as they are pressed, and what the terminal answers to a question.

Answers, and keys such as the arrows, come as sequences that begin with Escape and ``[``. They are kept apart from keys:
the letter that ends one is not pressed.
"""

from __future__ import annotations

import asyncio
import codecs
import re
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

ENTER = "\n"
ESCAPE = "\x1b"
BACKSPACE = "\x7f"
END = "\x04"
"""Ctrl-D, or the end of the input."""
_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_BEGUN = re.compile(r"\x1b\[[0-?]*[ -/]*\Z")


class Keyboard:
    """Keys without waiting for Enter, and lines with an editor that knows backspace and escape.

    To be made and used inside of a running event loop, between :func:`pressed` 's begin and end.
    """

    def __init__(self) -> None:
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._sequences: asyncio.Queue[str] = asyncio.Queue()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = ""
        """The begin of a sequence whose end was not read yet."""

    def receive(self, data: bytes) -> None:
        """Take what was read; nothing means the end of the input."""
        text = self._begun + self._decoder.decode(data) if data else END
        begun = _BEGUN.search(text)
        self._begun = begun[0] if begun else ""
        for sequence in _SEQUENCE.findall(text):
            self._sequences.put_nowait(sequence)
        for key in _SEQUENCE.sub("", text.removesuffix(self._begun)):
            self._keys.put_nowait(key.replace("\r", ENTER))

    async def answer(self, question: str, ends_with: str, seconds: float) -> str:
        """What the terminal says to a question; empty: nothing so far. A late answer is no key, either.

        :param ends_with: the letter that ends such an answer.
        """
        _write(question)
        try:
            async with asyncio.timeout(seconds):
                while not (sequence := await self._sequences.get()).endswith(ends_with):
                    pass
                return sequence
        except TimeoutError:
            return ""

    def late_answer(self, ends_with: str) -> str:
        """What it has said since; empty: nothing."""
        while not self._sequences.empty():
            if (sequence := self._sequences.get_nowait()).endswith(ends_with):
                return sequence
        return ""

    async def key(self) -> str:
        """The next key."""
        return await self._keys.get()

    async def line(self, prompt: str) -> str | None:
        """A line that is typed; ``None`` where Escape takes it back."""
        _write(prompt)
        typed = ""
        while (key := await self.key()) != ENTER:
            if key in (ESCAPE, END):
                _write("\r\x1b[K")
                return None
            if key in (BACKSPACE, "\b"):
                if typed:
                    typed = typed[:-1]
                    _write("\b \b")
            elif key.isprintable():
                typed += key
                _write(key)
        _write("\n")
        return typed.strip()


@contextmanager
def keyboard() -> Iterator[Keyboard]:
    """Read keys from the terminal, which is as before at the end. Ctrl-C interrupts as ever."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    loop = asyncio.get_running_loop()
    keys = Keyboard()
    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, lambda: keys.receive(_read(descriptor)))
    try:
        yield keys
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _read(descriptor: int) -> bytes:
    import os

    try:
        return os.read(descriptor, 1024)
    except OSError:  # the terminal was closed
        return b""


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
