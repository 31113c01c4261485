"""docs/metrics.md, the dashboard and the alarms speak of metrics and labels that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from alfrd_events.metrics.catalogue import ALL, OF_A_WORKER, OF_THE_DATABASE, Metric

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/metrics.md").read_text()
DASHBOARD = json.loads((ROOT / "deploy/grafana/alfrd-events.json").read_text())
RULES = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
QUERIES += [rule["expr"] for rule in RULES]
LEGENDS = [
    (target["expr"], target["legendFormat"]) for panel in DASHBOARD["panels"] for target in panel["targets"]
]
OF_PROMETHEUS = {"instance", "job"}
"""Labels that each series has."""


def series() -> dict[str, set[str]]:
    """What a query may ask for, and the labels that it has there."""
    known = {metric.name: set(metric.labels) | OF_PROMETHEUS for metric in ALL}
    for metric in ALL:
        if metric.kind == "histogram":
            labels = known.pop(metric.name)
            known |= {f"{metric.name}_{end}": labels for end in ("sum", "count")}
            known[f"{metric.name}_bucket"] = labels | {"le"}
    return known


def walk(node: Any) -> Iterator[tuple[set[str], set[str], set[str]]]:
    """For each selector and aggregation of a query: metrics, labels that are matched, labels it is grouped by."""
    match node:
        case promql.VectorSelector():
            yield {str(node.name)}, {matcher.name for matcher in node.matchers.matchers}, set()
        case promql.MatrixSelector():
            yield from walk(node.vector_selector)
        case promql.AggregateExpr():
            inside = list(walk(node.expr))
            yield from inside
            grouped = set(node.modifier.labels) if node.modifier else set()
            yield {name for names, _, _ in inside for name in names}, set(), grouped
        case promql.BinaryExpr():
            yield from walk(node.lhs)
            yield from walk(node.rhs)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            yield from walk(node.expr)
        case promql.Call():
            for argument in node.args:
                yield from walk(argument)
        case promql.NumberLiteral() | promql.StringLiteral():
            pass
        case _:
            raise AssertionError(f"a query holds a {type(node).__name__}, which is not known here")


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_for_metrics_and_labels_that_exist(query: str) -> None:
    known, found = series(), list(walk(promql.parse(query)))
    assert found
    for names, matched, grouped in found:
        assert names <= set(known), f"{query}: no metric {names - set(known)}"
        for name in names:
            assert matched | grouped <= known[name], (
                f"{query}: {name} has no {matched | grouped - known[name]}"
            )


@pytest.mark.parametrize(("query", "legend"), LEGENDS)
def test_a_legend_shows_labels_that_are_left(query: str, legend: str) -> None:
    shown = set(re.findall(r"\{\{(\w+)\}\}", legend))
    *_, (_, _, grouped) = walk(promql.parse(query))
    assert shown <= grouped


def test_an_alarm_says_what_is_wrong_and_what_to_do() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert set(rule["annotations"]) == {"summary", "remedy"}
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        shown = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
        labels = {label for _, _, grouped in walk(promql.parse(rule["expr"])) for label in grouped}
        assert shown <= labels, rule["alert"]


def test_each_metric_that_exists_is_in_the_dashboard_or_an_alarm_unless_it_is_a_detail() -> None:
    asked = {name for query in QUERIES for names, _, _ in walk(promql.parse(query)) for name in names}
    details = {
        # For those who scrape SQL: the workers' own counters say the same, and more exactly.
        *(metric.name for metric in OF_THE_DATABASE if "_recent_" in metric.name),
        "alfrd_heartbeat_age_seconds",
    }
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    assert {metric.name for metric in ALL} - details <= shown


@pytest.mark.parametrize(
    ("title", "metrics"), [("Of the database", OF_THE_DATABASE), ("Of a worker", OF_A_WORKER)]
)
def test_the_page_names_each_metric_with_its_type_unit_and_labels(
    title: str, metrics: Sequence[Metric]
) -> None:
    text = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    rows = [re.split(r"\s*\|\s*", line.strip("| ")) for line in text.splitlines() if line.startswith("| `")]
    written = {row[0].strip("`"): row for row in rows}
    expected = {
        metric.name: f"| `{metric.name}` | {metric.kind} | … | {', '.join(f'`{label}`' for label in metric.labels)}"
        f" | {metric.meaning} |"
        for metric in metrics
    }
    missing = [row for name, row in expected.items() if name not in written]
    assert not missing, f"add to '{title}':\n" + "\n".join(missing)
    assert list(written) == [metric.name for metric in metrics]
    for metric in metrics:
        _, kind, unit, *rest = written[metric.name]
        assert (kind, re.findall(r"`(\w+)`", rest[0])) == (metric.kind, list(metric.labels)), metric.name
        assert ("seconds" in metric.name) == (unit == "seconds"), metric.name
        assert metric.name.endswith("_usd") == (unit == "USD"), metric.name
        assert metric.name.endswith("_ratio") == (unit == "0 to 1"), metric.name
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
