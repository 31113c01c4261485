"""Load the models, on the engine that was chosen."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from alfrd_events.reading.inference.choice import Choice
from alfrd_events.reading.inference.runtime import Runtime

DETECTOR = "PP-OCRv6_det_small.onnx"
RECOGNISER = "PP-OCRv6_rec_small.onnx"


def load(choice: Choice) -> Runtime:
    """Load the models, from the package that carries them and never from the network.

    :raise Exception: whatever a library says of a damaged file.
    """
    folder = models()
    if choice.engine == "openvino":
        from alfrd_events.reading.inference.runtime_openvino import OpenVino

        return OpenVino(folder / DETECTOR, folder / RECOGNISER, choice.precision)
    from alfrd_events.reading.inference.runtime_onnx import OnnxRuntime

    return OnnxRuntime(folder / DETECTOR, folder / RECOGNISER)


@cache
def models() -> Path:
    """The folder of the model files; the package is not imported, which takes half a second.

    :raise ImportError: the package is not installed.
    """
    found = find_spec("rapidocr")
    if found is None or not found.origin:
        raise ImportError("no package rapidocr", name="rapidocr")
    return Path(found.origin).parent / "models"
