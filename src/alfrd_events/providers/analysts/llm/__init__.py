"""The llm analyst: a model's answers, held against the document.

``jobs`` puts the questions and ``forms`` their answers' shapes; ``material`` shows the document, fenced and within a
budget; ``grounding``, ``classifying``, ``scoring``, ``filing``, ``files`` and ``improving`` make results of answers.
"""

from alfrd_events.providers.analysts.llm.analyst import LlmAnalyst

__all__ = ["LlmAnalyst"]
