"""The dashboard and the alert rules ask for what the processes tell, and are mounted where they are looked for."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from lemof_stream.contracts.predictions import ModelInfo
from lemof_stream.contracts.topics import TOPICS
from lemof_stream.telemetry.app_metrics import AppFacts, AppMetrics
from lemof_stream.telemetry.metrics import (
    CycleFacts,
    FlowMetrics,
    ModelMetrics,
    PartitionFacts,
    StandingMetrics,
)
from tests.unit.deploy.manifests import ROOT, services

DEPLOY = ROOT / "deploy"
GRAFANA = DEPLOY / "grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards" / "lemof.json").read_text())
RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
JOBS = [job["job_name"] for job in yaml.safe_load((DEPLOY / "prometheus.yaml").read_text())["scrape_configs"]]


def expressions() -> Iterator[str]:
    yield from (target["expr"] for panel in PANELS for target in panel["targets"])
    yield from (rule["expr"] for rule in RULES)


def told() -> dict[str, dict[str, set[str]]]:
    """Every series that our processes tell, with its labels and what they have been seen to hold."""
    runner, app = CollectorRegistry(), CollectorRegistry()
    stages = dict.fromkeys(("fetch", "read", "compute", "wait", "commit"), 0.1)
    FlowMetrics(runner).cycle(CycleFacts({}, {}, {"late": 1}, 1, {}, stages))
    ModelMetrics(runner).in_charge(ModelInfo(name="lemof", version="1", sha256="0" * 64))
    lag = {topic.name: 0 for topic in TOPICS}
    reached = {"ehr": 0.0, "vitals": 0.0}
    StandingMetrics(runner).look([PartitionFacts(0, 1, lag, reached)], 1, 1, 0.0)
    apps = AppMetrics(app)
    apps.took("ehr.events.v1", "admission")
    apps.refused("late")
    apps.look(AppFacts({("ehr.events.v1", 0): 0}, 1, 1, 0.0, {0: 0.0}), 0.0)
    found: dict[str, dict[str, set[str]]] = {}
    for registry in (runner, app):
        for family in registry.collect():
            for sample in family.samples:
                labels = found.setdefault(sample.name, {"job": set(JOBS), "instance": set()})
                for name, value in sample.labels.items():
                    labels.setdefault(name, set()).add(value)
    return found


TOLD = told()


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_metric_and_label_that_is_asked_for_is_told(expression: str) -> None:
    asked = re.findall(r"(\w+?)(?:\{([^}]*)\})?(?=[\[\s),]|$)", re.sub(r"by \([^)]*\)", "", expression))
    series = [(name, braces) for name, braces in asked if name.startswith("lemof_")]
    assert series or re.search(r"\b(up|process_resident_memory_bytes)\b", expression)
    for name, braces in series:
        assert name in TOLD
        for label, how, value in re.findall(r'(\w+)(=~|=)"([^"]*)"', braces):
            known = TOLD[name][label]
            assert any(re.fullmatch(value, one) for one in known) if how == "=~" else value in known
    for labels in re.findall(r"by \(([^)]*)\)", expression):
        for name, _ in series:
            assert set(labels.split(", ")) <= TOLD[name].keys()


def test_every_metric_of_ours_is_on_the_dashboard() -> None:
    shown = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    ours = {name for name in TOLD if name.startswith("lemof_") and not name.endswith("_created")}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in ours}
    assert {name for name in families if not re.search(rf"\b{name}", shown)} == set()


def test_panels_lie_beside_each_other_and_ask_the_source_that_is_provisioned() -> None:
    [source] = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yaml").read_text())[
        "datasources"
    ]
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert {panel["datasource"]["uid"] for panel in PANELS} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"


def test_what_is_read_is_mounted_where_it_is_looked_for() -> None:
    def mounts(service: str) -> dict[str, Path]:
        parts = [volume.split(":") for volume in services()[service]["volumes"]]
        return {inside: DEPLOY / outside for outside, inside, *_ in parts if outside.startswith("./")}

    prometheus: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text())
    for name in ("prometheus.yaml", *prometheus["rule_files"]):
        assert mounts("prometheus")[f"/etc/prometheus/{name}"] == DEPLOY / name
    [provider] = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "lemof.yaml").read_text())[
        "providers"
    ]
    grafana = mounts("grafana")
    assert grafana[provider["options"]["path"]] == GRAFANA / "dashboards"
    assert grafana["/etc/grafana/provisioning"] == GRAFANA / "provisioning"
