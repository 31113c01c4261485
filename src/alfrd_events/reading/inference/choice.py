"""Choose the engine that runs the models, and its precision, by what the machine has.

Both run the same model files and find the same words. Where the processor multiplies bfloat16, OpenVINO
takes a third to two thirds of onnxruntime's time. With float32 it takes two thirds on Intel's, and more on AMD's.
"""

from __future__ import annotations

import platform
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from alfrd_events.errors import SettingsInvalid

EngineName = Literal["openvino", "onnxruntime"]
Wanted = Literal["auto", "openvino", "onnxruntime"]
Precision = Literal["bf16", "f32"]

_MULTIPLIES_BFLOAT16 = frozenset({"amx_bf16", "avx512_bf16"})
_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Processor:
    """What the choice goes by, in the words of ``platform.machine`` and ``/proc/cpuinfo``."""

    machine: str
    vendor: str = ""
    flags: frozenset[str] = frozenset()
    model: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which engine runs the models, and how exactly it computes."""

    engine: EngineName
    precision: Precision

    def __str__(self) -> str:
        return f"{self.engine}, {'bfloat16' if self.precision == 'bf16' else 'float32'}"


def choose(wanted: str = "auto") -> Choice:
    """Choose an engine.

    :param wanted: the setting ``ALFRD_OCR_ENGINE``.
    :raise SettingsInvalid: no engine has that name, or it is not installed.
    """
    if wanted not in get_args(Wanted):
        raise SettingsInvalid(
            f"ALFRD_OCR_ENGINE: there is no engine {wanted!r}; choose among {', '.join(get_args(Wanted))}"
        )
    return chosen_for(wanted, processor(), {name for name in _ENGINES if find_spec(name)})


def chosen_for(wanted: str, has: Processor, installed: Collection[str]) -> Choice:
    """Choose for a processor.

    :param installed: names of engines.
    :raise SettingsInvalid: what is wanted is not installed.
    """
    precision: Precision = "bf16" if _MULTIPLIES_BFLOAT16 & has.flags else "f32"
    if wanted == "openvino" and "openvino" not in installed:
        raise SettingsInvalid(
            "ALFRD_OCR_ENGINE=openvino, and openvino is not installed; run: pip install openvino, "
            "or set ALFRD_OCR_ENGINE=auto"
        )
    if wanted == "openvino" or (wanted == "auto" and "openvino" in installed and _pays(has, precision)):
        return Choice("openvino", precision)
    if "onnxruntime" not in installed:
        raise SettingsInvalid(
            "the reader 'local' needs onnxruntime; run: pip install 'alfrd-events[local]', "
            "or choose another reader with ALFRD_READER"
        )
    return Choice("onnxruntime", "f32")


_ENGINES: tuple[EngineName, ...] = get_args(EngineName)
_set = "auto"


def use(wanted: str) -> None:
    """Set what this process recognises text with, before its first page.

    :param wanted: the setting ``ALFRD_OCR_ENGINE``.
    """
    global _set
    _set = wanted


def here() -> Choice:
    """Which engine recognises text in this process.

    :raise SettingsInvalid: it is not installed.
    """
    return choose(_set)


def _pays(has: Processor, precision: Precision) -> bool:
    if has.machine.lower() not in ("x86_64", "amd64"):
        return False
    return precision == "bf16" or (has.vendor == "GenuineIntel" and "avx2" in has.flags)


@cache
def processor() -> Processor:
    """This machine's processor."""
    try:
        text = _CPUINFO.read_text("utf-8", errors="replace")
    except OSError:  # there is no such file but on Linux
        text = ""
    told: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        told.setdefault(name.strip(), value.strip())
    return Processor(
        platform.machine(),
        told.get("vendor_id", ""),
        frozenset(told.get("flags", "").split()),
        told.get("model name", ""),
    )
