"""One pure handler per step: its input in, a typed result out, no SQL.

A handler is ``async def (given: StepInput, tools: Tools) -> Result``. It raises
:class:`~alfrd_events.errors.Permanent` for what will never work, and
:class:`~alfrd_events.errors.Transient` for what may work later.
"""
