"""One pure handler per step: a case in, a typed result out, no SQL.

A handler is ``async def (case: Case, tools: Tools) -> Result``. It raises
:class:`~alfrd_events.errors.Permanent` for what will never work, and
:class:`~alfrd_events.errors.Transient` for what may work later.
"""
