"""Metrics: where they are defined, with which labels, and where values are recorded.

Objects of prometheus_client, aioprometheus and OpenTelemetry's meters, and calls of statsd.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, File

_CLASSES = {"Counter": "counter", "Histogram": "histogram", "Summary": "summary", "Gauge": "gauge"}
_METER = {
    "create_counter": "counter", "create_up_down_counter": "gauge", "create_histogram": "histogram",
    "create_gauge": "gauge", "create_observable_gauge": "gauge",
    "create_observable_counter": "counter", "metric_counter": "counter",
    "metric_histogram": "histogram", "metric_gauge": "gauge",
}  # fmt: skip
_LIBRARIES = ("prometheus_client", "aioprometheus", "prometheus_async", "quart_metrics")
RECORDS = (
    "inc", "dec", "observe", "set", "add", "record", "time", "labels", "count_exceptions",
    "track_inprogress", "set_to_current_time", "set_function",
)  # fmt: skip
_STATSD = {
    "increment": "counter", "incr": "counter", "decrement": "counter", "timing": "histogram",
    "histogram": "histogram", "distribution": "histogram", "gauge": "gauge", "timed": "histogram",
    "timer": "histogram",
}  # fmt: skip
_DEPTH = 6


class Metric(msgspec.Struct, frozen=True):
    """One metric.

    Attributes:
        kind: ``counter``, ``histogram``, ``summary`` or ``gauge``.
        name: Its name, "" when unknown.
        labels: Names of its labels; None where they are not declared (OpenTelemetry, statsd).
        call: The call that makes it; of statsd the one that records.
        holders: Last parts of the names that hold it.
        used: Whether anything is recorded with it.
    """

    kind: str
    name: str
    labels: tuple[str, ...] | None
    call: Call
    holders: frozenset[str]
    used: bool

    @property
    def words(self) -> frozenset[str]:
        """The words of its name, and of what holds it."""
        return frozenset(words(self.name)) | {
            word for holder in self.holders for word in words(holder)
        }


class Metrics:
    """All metrics of production code; computed once."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def all(self) -> list[Metric]:
        """Every metric, in order of place."""
        return [metric for file in self.project.production for metric in self._of(file)]

    def _of(self, file: File) -> Iterator[Metric]:
        imported = [row.module.partition(".")[0] for row in file.facts.imports]
        if any(each in _LIBRARIES for each in imported):
            for call in file.calls_named(*_CLASSES):
                if call.name.startswith(_LIBRARIES):
                    yield self._made(call, _CLASSES[call.last])
        for call in file.calls_named(*_METER):
            yield self._made(call, _METER[call.last])
        for call in file.calls_named(*_STATSD):
            if "statsd" in call.name.lower() or "statsd" in tree.dotted(call.receiver).lower():
                name = self._text(call, 0, "stat")
                yield Metric(_STATSD[call.last], name, None, call, frozenset(), used=True)

    def _made(self, call: Call, kind: str) -> Metric:
        holders = frozenset(_holders(call))
        declares = call.last in _CLASSES
        value = call.arg(2, "labelnames") if declares else None
        labels = self._labels(call, value) if declares else None
        observed = "observable" in call.last or call.fact.keyword("callbacks") is not None
        used = observed or bool(holders & self.recorded.keys())
        return Metric(kind, self._text(call, 0, "name"), labels, call, holders, used)

    def _labels(self, call: Call, value: Expr | None) -> tuple[str, ...] | None:
        if value is None:
            return None if call.spreads else ()
        known: Any = Given(call.file, value, call.function).value
        if isinstance(known, list) and all(isinstance(each, str) for each in known):
            return tuple(known)
        return None

    def _text(self, call: Call, position: int, name: str) -> str:
        value = call.arg(position, name)
        known = None if value is None else Given(call.file, value, call.function).value
        if isinstance(known, str):
            return known
        return "".join(tree.text_of(node) or "" for node in tree.walk(value))

    @cached_property
    def recorded(self) -> dict[str, list[Call]]:
        """Calls that record a value, by the last part of the name that holds the metric."""
        found: dict[str, list[Call]] = {}
        for file in self.project.production:
            for call in file.calls_named(*RECORDS):
                name = _root(call)
                if name:
                    found.setdefault(name, []).append(call)
            for function in file.functions:
                for each in function.fact.decorators:
                    if isinstance(each.value, tree.CallRef):
                        call = file.calls[each.value.index]
                        if call.last in RECORDS:
                            found.setdefault(_root(call), []).append(call)
        return found

    def uses(self, metric: Metric) -> list[Call]:
        """The calls that record a metric."""
        return [call for name in sorted(metric.holders) for call in self.recorded.get(name, ())]


def _holders(call: Call) -> Iterator[str]:
    """Last parts of the names that a metric is assigned to, also as the item of a dict."""
    known: dict[int, list[str]] | None = call.file.memo.get("names of calls")
    if known is None:
        known = call.file.memo["names of calls"] = {}
        for assign in call.file.facts.assigns:
            targets = (t.value if isinstance(t, tree.Item) else t for t in assign.targets)
            names = [name for t in targets if (name := tree.dotted(t).rpartition(".")[2])]
            for node in tree.walk(assign.value) if names else ():
                if isinstance(node, tree.CallRef):
                    known.setdefault(node.index, []).extend(names)
    yield from known.get(call.index, ())
    around = call.function
    if around is not None and any(each == tree.CallRef(call.index) for each in around.returned):
        yield around.name


def _root(call: Call) -> str:
    """Last part of the name of the metric that a recording call is chained to."""
    expr = call.receiver
    for _ in range(_DEPTH):
        if isinstance(expr, tree.CallRef):
            inner = call.file.calls[expr.index]
            if inner.last not in RECORDS:
                return inner.last
            expr = inner.receiver
        elif isinstance(expr, tree.Item):
            expr = expr.value
        else:
            break
    return tree.dotted(expr).rpartition(".")[2]
