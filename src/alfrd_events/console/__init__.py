"""The web page: what became of each document, and the buttons of an operator and a reviewer.

:mod:`.app` puts it together. :mod:`.guard` decides which requests come in at all, :mod:`.sessions` who sends them,
:mod:`.pages` what they see, :mod:`.actions` what they may do. :mod:`.live` tells open pages that something changed.

Pages hold no SQL: questions are in :mod:`alfrd_events.db`, what writes is a function of the database. A page asks all
its questions first and is written afterwards, so that a slow browser keeps no connection from others. Every page works
as plain links and forms; scripts refresh and speed up.
"""
