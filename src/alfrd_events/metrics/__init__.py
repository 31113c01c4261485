"""What a worker tells those who watch it: numbers, and whether it lives and is ready.

:mod:`.catalogue` names each metric, :mod:`.vitals` is what a worker notes of itself while it runs, :mod:`.exposition`
makes a page of numbers for Prometheus, and :mod:`.server` answers ``/metrics``, ``/healthz`` and ``/readyz``.
"""
