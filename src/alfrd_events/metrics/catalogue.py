"""Each metric: its name, kind, labels and meaning. docs/metrics.md is this table, and a test compares them.

Units are base units, and the last word of the name: seconds, ratio (0 to 1), usd. ``recent`` is the last five minutes:
rows of events and usage are deleted some day (``alfrd-events prune``), so the database cannot count for ever.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Metric(NamedTuple):
    """One metric."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    labels: tuple[str, ...]
    meaning: str


OF_THE_DATABASE = (
    Metric("alfrd_tasks", "gauge", ("step", "state"), "Tasks: ready, scheduled, later, running or dead"),
    Metric("alfrd_oldest_ready_seconds", "gauge", ("step",), "How long the oldest ready task has waited"),
    Metric("alfrd_step_workers", "gauge", ("step",), "Workers within their lease that serve the step"),
    Metric("alfrd_step_paused", "gauge", ("step",), "1: the step is held by alfrd-events pause"),
    Metric("alfrd_workers", "gauge", ("state",), "Workers within their lease (alive), or past it (silent)"),
    Metric("alfrd_heartbeat_age_seconds", "gauge", ("worker",), "Since the worker's last heartbeat"),
    Metric("alfrd_recent_outcomes", "gauge", ("step", "outcome"), "Events of tasks in the last five minutes"),
    Metric(
        "alfrd_recent_missed_notifications", "gauge", (), "Tasks done in that time that only the poll found"
    ),
    Metric("alfrd_recent_run_seconds", "gauge", ("step", "quantile"), "How long tasks ran in that time"),
    Metric("alfrd_recent_wait_seconds", "gauge", ("step", "quantile"), "How long they waited to be claimed"),
    Metric("alfrd_recent_pages", "gauge", (), "Pages of the documents that were read in that time"),
    Metric("alfrd_recent_calls", "gauge", ("provider", "outcome"), "Calls to a provider in that time"),
    Metric("alfrd_recent_cost_usd", "gauge", ("provider",), "What they cost"),
    Metric("alfrd_recent_call_pages", "gauge", ("provider",), "The pages that they were about"),
    Metric("alfrd_recent_tokens", "gauge", ("provider", "direction"), "Their tokens: input, output"),
    Metric("alfrd_calls_under_way", "gauge", ("provider",), "Calls that have no answer yet"),
    Metric("alfrd_spent_today_usd", "gauge", (), "Spent or set aside today (UTC)"),
    Metric("alfrd_tasks_held_for_money", "gauge", (), "Tasks that wait until a cap leaves room"),
    Metric("alfrd_review_backlog", "gauge", (), "Documents that a person should look at"),
    Metric("alfrd_open_alerts", "gauge", ("kind",), "Alerts of series, neither dismissed nor snoozed"),
    Metric("alfrd_complaints", "gauge", ("kind",), "What is wrong with the server: alfrd.complaints()"),
    Metric("alfrd_notification_queue_ratio", "gauge", (), "Use of the server's queue of notifications"),
    Metric("alfrd_rows", "gauge", ("table",), "Rows of a table, as the planner estimates them"),
)
"""What ``alfrd.metrics`` shows, in its order. Each worker shows all of it: take the maximum, not the sum."""

OF_A_WORKER = (
    Metric("alfrd_outcomes_total", "counter", ("step", "outcome"), "Outcomes that the database has taken"),
    Metric(
        "alfrd_task_seconds", "histogram", ("step",), "From the claim of a task to its result in the database"
    ),
    Metric("alfrd_stale_total", "counter", (), "Results that came too late and were refused"),
    Metric(
        "alfrd_missed_notifications_total", "counter", (), "Tasks that this worker found only by the poll"
    ),
    Metric("alfrd_rescued_total", "counter", (), "Tasks of workers that are gone that this one gave back"),
    Metric("alfrd_listener_connections_total", "counter", (), "How often the listener has connected"),
    Metric("alfrd_listener_connected", "gauge", (), "1: the listener is connected"),
    Metric("alfrd_database_up", "gauge", (), "1: the database has answered this scrape"),
    Metric("alfrd_draining", "gauge", (), "1: it claims nothing more, and stops"),
    Metric("alfrd_running", "gauge", ("step",), "Tasks that it has in hand"),
    Metric("alfrd_slots", "gauge", ("step",), "Tasks that it may have in hand"),
    Metric("alfrd_pages_total", "counter", ("provider",), "Pages that it has read on this machine"),
    Metric("alfrd_calls_total", "counter", ("provider", "outcome"), "Its calls to a provider"),
    Metric("alfrd_breaker_open", "gauge", ("provider",), "1: the provider is not there, and nothing is sent"),
    Metric("alfrd_limiter_calls", "gauge", ("provider",), "Calls that it may have under way at once"),
)
"""What one worker counts since it started, of itself."""

ALL = (*OF_THE_DATABASE, *OF_A_WORKER)
