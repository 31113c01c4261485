"""How prompts are graded, tried and compared: arithmetic and judgement, without database, network or clock.

:mod:`.grading` compares an output with a document's answer key, :mod:`.evidence` says when a new version has shown
that it is better, :mod:`.candidates` says what a new version may not hold, :mod:`.pool` chooses what it is made from,
:mod:`.trial` names what a trial is. What a language model is asked, and in which order, is in ``steps/``; what is kept
is in ``db/``.
"""
