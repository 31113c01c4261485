"""A worker: one process that claims tasks, runs their handlers, and hands in what came out.

Four tasks of one event loop, each in a module of its own:

- :mod:`.cycle` exchanges with the database: results in, claims out; :mod:`.outbox` holds what has not gone in yet;
- :mod:`.runner` runs the handlers, each under a time limit, none with a connection in hand;
- :mod:`.listener` turns notifications into wake-ups, and proves that they still arrive;
- :mod:`.rescuer` gives back the tasks of workers that are gone.

:mod:`.run` starts them and takes them down again.
"""
