"""Choose among the values that rules propose, and say how sure the choice is.

:mod:`.ranker` chooses, :mod:`.trees` computes what the trained model says, ``weights.json`` is that model. Nothing here
knows documents: a candidate is a value with named numbers. ``python -m devtools.train`` writes the weights.
"""
