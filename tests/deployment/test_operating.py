"""docs/operating.md: each metric and event of the log that an operator is to watch is there, by that name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from bridge.process.metrics import Metrics
from tests.texts import modules

DOCUMENT = (Path(__file__).parents[2] / "docs/operating.md").read_text()
METRICS, EVENTS = DOCUMENT.partition("## What to watch")[2].partition("\n## ")[0].split("In the log:\n")

OF_NO_DELIVERY = {"partition_taken", "partition_lost", "lease_release_failed", "batch_failed"}
UNREADABLE = "bridge/worker/worker.py dead_letter"
"""A message that another version of bridge wrote: nobody can tell of which delivery."""


def test_the_table_names_every_metric_and_no_other() -> None:
    families = Metrics().registry.collect()
    exposed = {one.name + ("_total" if one.type == "counter" else "") for one in families}
    assert set(re.findall(r"bridge_[a-z_]+", METRICS)) == exposed


def test_the_table_names_the_labels_that_the_metrics_have() -> None:
    metrics = Metrics()
    metrics.delivery(401)
    metrics.refuse("repository")
    metrics.translation("push")
    metrics.notification("push", "failed")
    metrics.actions.labels(action="close", status="502").inc()
    of = {sample.name: sample.labels.keys() for one in metrics.registry.collect() for sample in one.samples}
    documented = re.findall(r"`(bridge_[a-z_]+)\{([a-z, ]+)\}`", METRICS)
    assert len(documented) == 5
    assert [(name, labels) for name, labels in documented if set(labels.split(", ")) != of[name]] == []


def logged() -> Iterator[tuple[str, str, set[str]]]:
    """Each line that bridge logs: its module, its event, and the names of its fields."""
    for path, tree in modules().items():
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log")), args=[event, *_]):
                    fields = {one.arg or ast.unparse(one.value) for one in node.keywords}
                    for part in ast.walk(event):
                        if isinstance(part, ast.Constant) and isinstance(part.value, str):
                            yield path, part.value, fields


def test_each_event_of_the_table_is_logged() -> None:
    named = {
        name for row in re.findall(r"^\| (`[^|]+) \|", EVENTS, re.M) for name in re.findall(r"`(\w+)`", row)
    }
    sources = {event for _, event, _ in logged()}
    assert len(named) >= 8
    assert named <= sources


def test_every_line_about_a_delivery_names_it_from_the_webhook_to_the_post() -> None:
    lines = [
        line for line in logged() if line[0].startswith(("bridge/worker/", "bridge/web/endpoints/webhook"))
    ]
    nameless = {
        f"{path} {event}"
        for path, event, fields in lines
        if event not in OF_NO_DELIVERY and not fields & {"delivery", "_about(entry)"}
    }
    assert len(lines) > 10
    assert nameless == {UNREADABLE}
