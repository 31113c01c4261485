"""The llm analyst: a model's answers, held against the document.

``jobs`` puts the questions and ``forms`` their answers' shapes; ``orders`` takes out what is meant for a machine, and
``material`` shows the rest, fenced and within a budget; ``grounding``, ``classifying``, ``scoring``, ``filing``,
``files``, ``improving`` and ``keys`` make results of answers.
"""

from alfrd_events.analysis.llm.analyst import LlmAnalyst

__all__ = ["LlmAnalyst"]
