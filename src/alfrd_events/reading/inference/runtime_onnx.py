"""The models on onnxruntime, with one thread: another page is read on the other core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from alfrd_events.reading.inference.runtime import Floats


class OnnxRuntime:
    """Both models as onnxruntime runs them."""

    def __init__(self, detector: Path, recogniser: Path) -> None:
        self._detector = _session(detector)
        self._recogniser = _session(recogniser)
        named = self._recogniser.get_modelmeta().custom_metadata_map["character"]
        self.characters = ["", *named.splitlines(), " "]

    def map_of(self, picture: Floats) -> Floats:
        likely: Floats = _run(self._detector, picture)[0, 0]
        return likely

    def columns(self, lines: Floats, banned: NDArray[np.bool_] | None) -> tuple[NDArray[np.int64], Floats]:
        likely: Floats = _run(self._recogniser, lines)
        if banned is not None:
            likely[:, :, banned] = 0
        best = likely.argmax(axis=2)
        return best, np.take_along_axis(likely, best[:, :, None], axis=2)[:, :, 0]


def _session(model: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _run(session: Any, given: Floats) -> Floats:
    result: Floats = session.run(None, {session.get_inputs()[0].name: given})[0]
    return result
