"""What the dates and amounts of a series' documents say: how often one comes, which is missing, what is odd.

Arithmetic without I/O. ``rhythm``: how often, and when the next. ``lateness``: which is late or missing.
``oddities``: amounts, duplicates, changed accounts. ``watching`` puts them together.
"""
