"""Documents out again: the original of one, a folder that holds all, and that folder into another database.

:mod:`.writing` writes an export and :mod:`.bringing_in` reads one; :mod:`.folder` makes it whole or not at all, and
:mod:`.manifest` says what is in it. :mod:`.sheets` and :mod:`.ics` write what other programs open. Names that strangers
chose become names of files in :mod:`.names` alone.
"""
