"""A page of numbers as Prometheus reads it: the worker's own, and those of the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from alfrd_events.clients.calls import Calls
from alfrd_events.db.metrics import Sample
from alfrd_events.metrics.catalogue import OF_A_WORKER, OF_THE_DATABASE
from alfrd_events.metrics.catalogue import Metric as Named
from alfrd_events.metrics.vitals import Vitals

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
"""Of a task: a rule takes a hundredth of a second, a book that is read by OCR some minutes."""

Values = Sequence[tuple[tuple[str, ...], float]]
"""The values of the labels, and the number."""


class Exposition:
    """The page of one worker.

    :param calls: the way to providers; ``None``: none is called.
    """

    def __init__(self, vitals: Vitals, calls: Calls | None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._numbers = _Numbers(vitals, calls)
        self._registry.register(self._numbers)
        ProcessCollector(registry=self._registry)
        (named,) = (metric for metric in OF_A_WORKER if metric.kind == "histogram")
        seconds = Histogram(
            named.name, named.meaning, named.labels, registry=self._registry, buckets=_SECONDS
        )
        vitals.on_done = lambda step, spent: seconds.labels(step).observe(spent)

    def page(self, samples: Sequence[Sample] | None) -> bytes:
        """Write the page.

        :param samples: the rows of ``alfrd.metrics``; ``None``: the database did not answer.
        """
        self._numbers.samples = samples
        return generate_latest(self._registry)


class _Numbers(Collector):
    """Looks at the numbers when it is asked for them."""

    def __init__(self, vitals: Vitals, calls: Calls | None) -> None:
        self._vitals = vitals
        self._calls = calls
        self.samples: Sequence[Sample] | None = None

    def collect(self) -> Iterator[Metric]:
        """Yield each metric but the histogram."""
        own = self._own()
        for named in OF_A_WORKER:
            if named.kind != "histogram":
                yield _family(named, own[named.name])
        for named in OF_THE_DATABASE:
            found = [
                (tuple(sample.labels[label] for label in named.labels), sample.value)
                for sample in self.samples or ()
                if sample.name == named.name
            ]
            yield _family(named, found)

    def _own(self) -> dict[str, Values]:
        vitals = self._vitals
        providers = self._calls.providers if self._calls else []
        outcomes = self._calls.outcomes if self._calls else {}
        return {
            "alfrd_outcomes_total": list(vitals.outcomes.items()),
            "alfrd_stale_total": [((), vitals.stale)],
            "alfrd_missed_notifications_total": [((), vitals.missed_notifications)],
            "alfrd_rescued_total": [((), vitals.rescued)],
            "alfrd_listener_connections_total": [((), vitals.connections)],
            "alfrd_listener_connected": [((), vitals.is_listening)],
            "alfrd_draining": [((), vitals.is_draining)],
            "alfrd_database_up": [((), self.samples is not None)],
            "alfrd_running": [((step,), vitals.running[step]) for step in vitals.slots],
            "alfrd_slots": [((step,), number) for step, number in vitals.slots.items()],
            "alfrd_pages_total": [((provider,), number) for provider, number in vitals.pages.items()],
            "alfrd_calls_total": list(outcomes.items()),
            "alfrd_breaker_open": [((state.provider,), state.is_away) for state in providers],
            "alfrd_limiter_calls": [((state.provider,), state.limit) for state in providers],
        }


def _family(named: Named, values: Values) -> Metric:
    family: CounterMetricFamily | GaugeMetricFamily
    if named.kind == "counter":
        family = CounterMetricFamily(named.name, named.meaning, labels=named.labels)
    else:
        family = GaugeMetricFamily(named.name, named.meaning, labels=named.labels)
    for labels, value in values:
        family.add_metric(labels, value)
    return family
