"""Compiled series: what was read many times is read without asking.

``places`` says where a value stands, ``learner`` finds the places that tell the values of earlier documents of a
series and takes a new document's values from them, ``analyst`` does so before another analyst is asked.
"""

from alfrd_events.analysis.compiled.analyst import CompiledAnalyst

__all__ = ["CompiledAnalyst"]
