"""The models run on two engines; both read the same, and what need not be read costs nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from alfrd_events.errors import SettingsInvalid
from alfrd_events.reading import ocr
from alfrd_events.reading.formats.opening import open_source
from alfrd_events.reading.inference import letters, lines
from alfrd_events.reading.inference.choice import Choice, Processor, choose, chosen_for
from alfrd_events.reading.inference.loading import load
from alfrd_events.reading.inference.runtime import Floats, Runtime
from alfrd_events.reading.local import LocalReader
from alfrd_events.sandbox.limits import ReaderLimits
from tests.readers.reader_inputs import RECEIPT, encoded, part, picture, tiff

BOTH = {"openvino", "onnxruntime"}
EPYC = Processor("x86_64", "AuthenticAMD", frozenset({"avx2", "avx512f", "avx512_bf16"}))
OLD_EPYC = Processor("x86_64", "AuthenticAMD", frozenset({"avx2"}))
XEON = Processor("x86_64", "GenuineIntel", frozenset({"avx2", "avx512f", "amx_bf16"}))
OLD_XEON = Processor("x86_64", "GenuineIntel", frozenset({"avx2"}))
ARM = Processor("aarch64")
ENGINES = [Choice("onnxruntime", "f32"), Choice("openvino", "f32"), Choice("openvino", "bf16")]

loaded = cache(load)
"""Once for all tests: it takes half a second of processor time."""

needs_openvino = pytest.mark.skipif(not find_spec("openvino"), reason="there is no openvino for this machine")


@pytest.mark.parametrize(
    ("processor", "engine", "precision"),
    [
        (EPYC, "openvino", "bf16"),
        (XEON, "openvino", "bf16"),
        (OLD_XEON, "openvino", "f32"),
        (OLD_EPYC, "onnxruntime", "f32"),
        (ARM, "onnxruntime", "f32"),
    ],
)
def test_the_processor_decides(processor: Processor, engine: str, precision: str) -> None:
    assert chosen_for("auto", processor, BOTH) == Choice(engine, precision)  # type: ignore[arg-type]


def test_an_engine_that_is_not_there_is_not_chosen_but_missed_where_it_is_asked_for() -> None:
    assert chosen_for("auto", XEON, {"onnxruntime"}).engine == "onnxruntime"
    with pytest.raises(SettingsInvalid, match="openvino is not installed; run: pip install openvino"):
        chosen_for("openvino", XEON, {"onnxruntime"})
    with pytest.raises(SettingsInvalid, match=r"needs onnxruntime; run: pip install 'alfrd-events\[local\]'"):
        chosen_for("onnxruntime", XEON, {"openvino"})


def test_the_setting_goes_before_the_processor() -> None:
    assert chosen_for("onnxruntime", XEON, BOTH) == Choice("onnxruntime", "f32")
    assert chosen_for("openvino", OLD_EPYC, BOTH) == Choice("openvino", "f32")


def test_an_unknown_engine_is_refused_before_anything_is_read() -> None:
    with pytest.raises(SettingsInvalid, match="no engine 'tesseract'; choose among auto, openvino"):
        LocalReader(ReaderLimits(ocr_engine="tesseract"), processes=1)


class Counting:
    """An engine that counts its runs."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.characters = runtime.characters
        self.maps: list[tuple[int, ...]] = []
        self.batches: list[tuple[int, ...]] = []

    def map_of(self, picture: Floats) -> Floats:
        self.maps.append(picture.shape)
        return self._runtime.map_of(picture)

    def columns(self, lines: Floats, banned: Any) -> Any:
        self.batches.append(lines.shape)
        return self._runtime.columns(lines, banned)


@pytest.fixture(params=ENGINES, ids=str)
def counting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Counting:
    choice: Choice = request.param
    if not find_spec(choice.engine):
        pytest.skip(f"there is no {choice.engine} for this machine")
    counting = Counting(loaded(choice))
    monkeypatch.setattr(ocr, "runtime", lambda: counting)
    monkeypatch.setattr(ocr, "_last_read", type(ocr._last_read)())
    ocr._ideographs.cache_clear()
    return counting


def pixels(*args: Any, **options: Any) -> lines.Pixels:
    return np.ascontiguousarray(np.asarray(picture(*args, **options))[:, :, ::-1])


def text_of(found: ocr.RecognisedPage) -> list[str]:
    return [" ".join(piece.text for piece in row) for row in found.rows]


def test_each_engine_reads_the_same_words(counting: Counting) -> None:
    assert text_of(ocr.read(pixels())) == list(RECEIPT)


def test_shapes_repeat(counting: Counting) -> None:
    ocr.read(pixels(size=(650, 490)))

    assert all(side % lines.STEP == 0 for shape in counting.maps for side in shape[2:])
    assert {shape[0] for shape in counting.batches} <= {1, letters.AT_ONCE}
    assert all(shape[3] == letters.padded(shape[3]) for shape in counting.batches)


def test_the_widths_of_lines_are_few_and_none_is_cut_off() -> None:
    widths = {letters.padded(width) for width in range(1, 2561)}

    assert len(widths) == 18
    assert all(width <= letters.padded(width) <= max(4 / 3 * width, 192) for width in range(1, 5000))


def test_padding_and_company_change_nothing_of_a_line(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = [pixels([line], size=(400, 120))[30:90, 20:] for line in (*RECEIPT, "Thank you", "Pay 9.90")]
    together = letters.read(counting, crops)
    monkeypatch.setattr(letters, "AT_ONCE", 1)
    monkeypatch.setattr(letters, "padded", lambda width: max(width, letters.MIN_WIDTH))
    alone = letters.read(counting, crops)

    assert ["".join(text.split()) for text, _ in together] == ["".join(text.split()) for text, _ in alone]
    assert [sure for _, sure in together] == pytest.approx([sure for _, sure in alone], abs=0.1)


def test_a_banned_character_is_not_told(counting: Counting) -> None:
    crop = pixels(["Total 8"], size=(240, 120))[30:90, 20:]
    banned = np.array([character == "8" for character in counting.characters])

    assert "8" in letters.read(counting, [crop])[0][0]
    assert "8" not in letters.read(counting, [crop], banned)[0][0]


@needs_openvino
def test_the_engines_are_as_sure_as_each_other() -> None:
    crop = pixels(["Total amount 25.00"], size=(400, 120))[30:90, 20:]
    (_, onnx), (_, vino) = (letters.read(loaded(choice), [crop])[0] for choice in ENGINES[:2])

    assert vino == pytest.approx(onnx, abs=0.001)


def test_repeats_and_blank_pages_are_not_recognised(counting: Counting) -> None:
    pages = [list(RECEIPT), [], ["Second page"], list(RECEIPT), []]
    source = open_source(tiff(pages), "five.tiff", ReaderLimits())
    read = [source.read(number).text.splitlines() for number in range(1, 6)]

    assert read == [list(RECEIPT), [], ["Second page"], list(RECEIPT), []]
    assert len(counting.maps) == 2


def test_remembered_pages_are_few_and_the_oldest_goes_first(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "REMEMBERED", 1)
    first, second = pixels(["First page"]), pixels(["Second page"])
    for page in (first, first, second, first):
        ocr.read(page)

    assert len(counting.maps) == 3


@needs_openvino
@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_the_setting_reaches_the_processes(engine: str) -> None:
    async def scenario() -> str:
        reader = LocalReader(ReaderLimits(ocr_engine=engine), processes=1)
        try:
            (page,) = [page async for page in reader.read(part(encoded(picture()), "receipt.png"))]
            assert any(engine in line.casefold() for line in _maps_of(reader))
            return page.text
        finally:
            await reader.aclose()

    assert asyncio.run(scenario()).splitlines() == list(RECEIPT)


def test_a_warm_process_has_its_models_before_the_first_page() -> None:
    async def scenario() -> None:
        reader = LocalReader(ReaderLimits(), processes=1)
        try:
            await reader.warm_up()
            assert any(choose().engine in line.casefold() for line in _maps_of(reader))
            (warm,) = reader._pool._idle
            assert [page.text async for page in reader.read(part(encoded(picture()), "receipt.png"))]
            assert reader._pool._idle == [warm]
        finally:
            await reader.aclose()
        await reader.warm_up()  # too late: nothing happens
        assert not reader._pool._idle

    asyncio.run(scenario())


def _maps_of(reader: LocalReader) -> list[str]:
    (child,) = reader._pool._idle
    with open(f"/proc/{child.pid}/maps") as maps:
        return maps.read().splitlines()


@needs_openvino
def test_no_library_that_reports_to_its_makers_comes_with_the_engine() -> None:
    look = (
        "import sys; from alfrd_events.reading.inference import choice, loading;"
        "loading.load(choice.Choice('openvino', 'f32'));"
        "print([name for name in sys.modules if 'telemetry' in name])"
    )
    done = subprocess.run([sys.executable, "-c", look], stdout=subprocess.PIPE, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_choice_here_is_one_of_the_known_ones() -> None:
    assert choose("auto") in ENGINES
