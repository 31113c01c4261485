"""The models on OpenVINO, with one thread: another page is read on the other core.

OpenVINO compiles a model anew for each shape that it meets, which takes as long as running it once or twice. So
:mod:`.lines` and :mod:`.letters` pad what they give to a few shapes.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alfrd_events.reading.inference.choice import Precision
from alfrd_events.reading.inference.runtime import Floats


def _library() -> Any:
    """Import OpenVINO without its converter of models: that brings a library which reports what is done to its makers,
    and takes two thirds of the time. OpenVINO itself does without it where it is missing."""
    modules: dict[str, Any] = sys.modules
    modules.setdefault("openvino.tools.ovc", None)
    return import_module("openvino")


openvino = _library()

MAX_KEPT = 100
"""Compiled parts of a model that are kept, those of about thirty shapes: they take address space, which is limited."""


class OpenVino:
    """Both models as OpenVINO runs them.

    :param precision: what convolutions compute in; weights and results are float32 outside.
    """

    def __init__(self, detector: Path, recogniser: Path, precision: Precision) -> None:
        core = openvino.Core()
        self._detector = _compiled(core, core.read_model(detector), precision)
        model = core.read_model(recogniser)
        named = model.get_rt_info(["framework", "character"]).astype(str)
        self.characters = ["", *named.splitlines(), " "]
        self._recogniser = _compiled(core, _without_softmax(model), precision)

    def map_of(self, picture: Floats) -> Floats:
        likely: Floats = _run(self._detector, picture)[0, 0]
        return likely

    def columns(self, lines: Floats, banned: NDArray[np.bool_] | None) -> tuple[NDArray[np.int64], Floats]:
        scores = _run(self._recogniser, lines)
        allowed = scores if banned is None else np.where(banned, np.float32(-np.inf), scores)
        best = allowed.argmax(axis=2)
        return best, _likelihoods(scores, best)


def _likelihoods(scores: Floats, best: NDArray[np.int64]) -> Floats:
    """The softmax of the best score of each column, where that is a character: the others are not needed."""
    likely = np.ones(best.shape, dtype=np.float32)
    for line, column in zip(*np.nonzero(best), strict=True):
        row = scores[line, column]
        likely[line, column] = 1 / np.exp(row - row[best[line, column]]).sum()
    return likely


def _without_softmax(model: Any) -> Any:
    """Over eighteen thousand characters it takes a seventh of the time, and orders nothing otherwise."""
    softmax = model.get_results()[0].input_value(0).get_node()
    if softmax.get_type_name() != "Softmax":
        raise ImportError(f"a model that ends in {softmax.get_type_name()}", name="rapidocr")
    return openvino.Model([softmax.input_value(0)], model.get_parameters(), "recogniser")


def _compiled(core: Any, model: Any, precision: Precision) -> Any:
    compiled = core.compile_model(
        model,
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
            "CPU_RUNTIME_CACHE_CAPACITY": MAX_KEPT,
        },
    )
    return compiled.create_infer_request()


def _run(request: Any, given: Floats) -> Floats:
    """Run a model. The result is only good until the next run."""
    request.infer([given], share_inputs=True)
    result: Floats = request.get_output_tensor().data
    return result
