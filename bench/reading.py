"""What a page costs and how well it is read, engine beside engine: ``python -m bench.reading``.

Each engine reads the same pages in one process of its own, with one thread; the first page, with which models are
loaded and compiled, is told apart. tesseract takes part where its program is installed. Without a folder of yours the
pages are drawn here. The file of true text has a JSON object a line: ``file``, below the folder, and ``text_lines``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.table import Table

from bench.process import ROOT

IMAGES = (".png", ".jpg", ".jpeg")
ENGINES = ("onnxruntime", "openvino", "tesseract")
DRAWN = 6
_WORDS = [
    "account",
    "balance",
    "bank",
    "bill",
    "charge",
    "customer",
    "date",
    "due",
    "electric",
    "fee",
    "invoice",
    "meter",
    "month",
    "paid",
    "period",
    "rate",
    "service",
    "tax",
    "water",
]
_WORD = re.compile(r"\d+(?:[.,:/-]\d+)*|[^\W\d_]+")


@dataclass(frozen=True)
class Known:
    """A page and its words."""

    image: Path
    words: Counter[str]


@dataclass(frozen=True)
class Read:
    """How an engine read the pages."""

    engine: str
    first_seconds: float
    page_seconds: float
    word_f1: float
    number_recall: float
    memory_mb: float


def main() -> int:
    """Measure; one engine in this process where one is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="pages to read, instead of drawn ones")
    parser.add_argument("--truth", type=Path, help="what they say; truth.jsonl in the folder if not given")
    parser.add_argument("--limit", type=int, default=12, help="so many pages at most; 12 if not given")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        _read_here(chosen.one)
        return 0
    with tempfile.TemporaryDirectory() as drawn:
        if chosen.folder:
            truth = chosen.truth or chosen.folder / "truth.jsonl"
            pages = list(_pages_of(chosen.folder, truth))[: chosen.limit]
        else:
            pages = [_drawn(number, Path(drawn)) for number in range(DRAWN)]
        if len(pages) < 2:
            print("fewer than two pages with a known text: nothing to measure", file=sys.stderr)
            return 2
        results = [_measured(engine, pages) for engine in ENGINES if _is_there(engine)]
    _show(results, len(pages))
    return 0


def words(text: str) -> Counter[str]:
    """Words and numbers, however they are written."""
    return Counter(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _pages_of(folder: Path, truth: Path) -> Iterator[Known]:
    for line in truth.read_text("utf-8").splitlines():
        known = json.loads(line)
        image = folder / known["file"]
        if known.get("text_lines") and image.suffix.lower() in IMAGES:
            yield Known(image, words("\n".join(known["text_lines"])))


def _drawn(number: int, folder: Path) -> Known:
    """A page of forty lines in the font that comes with Pillow, a little askew and grey."""
    chance = random.Random(number)
    lines = [
        " ".join([*chance.sample(_WORDS, chance.randint(1, 5)), f"{chance.randint(1, 99999) / 100:.2f}"])
        for _ in range(40)
    ]
    sheet = Image.new("L", (1275, 1650), 245)
    draw = ImageDraw.Draw(sheet)
    for row, line in enumerate(lines):
        draw.text((90, 50 + row * 39), line, fill=40, font=ImageFont.load_default(size=22))
    image = folder / f"page-{number}.png"
    sheet.rotate(chance.uniform(-0.5, 0.5), fillcolor=245, resample=Image.Resampling.BICUBIC).save(image)
    return Known(image, words("\n".join(lines)))


def _is_there(engine: str) -> bool:
    return bool(shutil.which(engine) if engine == "tesseract" else find_spec(engine))


def _measured(engine: str, pages: Sequence[Known]) -> Read:
    done = subprocess.run(
        [sys.executable, "-m", "bench.reading", "--one", engine],
        cwd=ROOT,
        input="\n".join(str(page.image.resolve()) for page in pages),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1"},
    )
    *told, memory = map(json.loads, done.stdout.splitlines())
    scores = [_score(page.words, words(one["text"])) for page, one in zip(pages, told, strict=True)]
    seconds = [float(one["seconds"]) for one in told]
    return Read(
        engine,
        seconds[0],
        statistics.mean(seconds[1:]),
        statistics.mean(f1 for f1, _ in scores),
        statistics.mean(recall for _, recall in scores),
        memory / 1024,
    )


def _score(true: Counter[str], told: Counter[str]) -> tuple[float, float]:
    """F1 of all words, recall of the numbers among them."""
    hits = (true & told).total()
    numbers = {word: count for word, count in true.items() if word[0].isdigit()}
    found = sum(min(count, told[word]) for word, count in numbers.items())
    return 2 * hits / max(true.total() + told.total(), 1), found / sum(numbers.values()) if numbers else 1.0


def _read_here(engine: str) -> None:
    """Read the files that standard input names; a JSON object for each, then the memory used, in kilobytes."""
    read = _by_program if engine == "tesseract" else _by_models(engine)
    for line in sys.stdin.read().splitlines():
        before = _processor_seconds()
        text = read(Path(line))
        print(json.dumps({"text": text, "seconds": _processor_seconds() - before}), flush=True)
    whose = resource.RUSAGE_CHILDREN if engine == "tesseract" else resource.RUSAGE_SELF
    print(resource.getrusage(whose).ru_maxrss)


def _by_program(image: Path) -> str:
    """As ocrmypdf and paperless-ngx run it, with the segmentation that reads receipts best."""
    program = shutil.which("tesseract")
    assert program, "its presence was looked at"
    done = subprocess.run(
        [program, str(image), "stdout", "--psm", "4", "quiet"], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def _by_models(engine: str) -> Callable[[Path], str]:
    from alfrd_events.reading.formats.opening import open_source
    from alfrd_events.reading.inference import choice
    from alfrd_events.sandbox.limits import ReaderLimits

    choice.use(engine)
    limits = ReaderLimits()

    def read(image: Path) -> str:
        source = open_source(image.read_bytes(), image.name, limits)
        try:
            return source.read(1).text
        finally:
            source.close()

    return read


def _processor_seconds() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def _show(results: Sequence[Read], pages: int) -> None:
    from alfrd_events.reading.inference.choice import choose

    table = Table(title=f"{pages} pages; auto chooses {choose()}", title_justify="left")
    for name in ("engine", "s a page", "first page", "against onnxruntime", "word F1", "numbers", "MB"):
        table.add_column(name, justify="left" if name == "engine" else "right")
    base = next(one.page_seconds for one in results if one.engine == "onnxruntime")
    for one in results:
        table.add_row(
            one.engine,
            f"{one.page_seconds:.2f}",
            f"{one.first_seconds:.2f}",
            f"{one.page_seconds / base:.2f}",
            f"{one.word_f1:.3f}",
            f"{one.number_recall:.3f}",
            f"{one.memory_mb:.0f}",
        )
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
