"""The rules analyst: one module for each question asked of a document.

``layout`` turns pages into rows; ``reading`` finds amounts and dates in them (``amounts``, ``dates``);
``totals``, ``when``, ``entity``, ``fields`` and ``items`` tell what they mean; ``classify``,
``summary``, ``series``, ``extract``, ``files`` and ``checks`` answer the seam's eight questions.
"""

from alfrd_events.analysis.rules.analyst import RulesAnalyst

__all__ = ["RulesAnalyst"]
