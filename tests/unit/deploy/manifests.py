"""What the tests of the deployment read: its files, and the settings and commands in them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / "deploy" / "compose.yaml"
BASE = ROOT / "k8s" / "base"
DEV = ROOT / "k8s" / "overlays" / "dev"
FILES = sorted([COMPOSE, *ROOT.glob("k8s/**/*.yaml")])


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text()))


def services() -> dict[str, Any]:
    [compose] = documents(COMPOSE)
    found: dict[str, Any] = compose["services"]
    return found


def objects(folder: Path, *kinds: str) -> list[Any]:
    """The objects of these kinds among a kustomization's resources."""
    [kustomization] = documents(folder / "kustomization.yaml")
    found = [one for name in kustomization["resources"] for one in documents(folder / name)]
    return [one for one in found if one["kind"] in kinds]


def workloads() -> dict[str, Any]:
    """Our containers in the base, by the name of their Deployment or Job."""
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]["containers"][0]
        for one in objects(BASE, "Deployment", "Job")
    }


def literals(folder: Path) -> dict[str, str]:
    """The settings of a kustomization's ConfigMap."""
    [kustomization] = documents(folder / "kustomization.yaml")
    [config] = kustomization["configMapGenerator"]
    return dict(literal.split("=", 1) for literal in config["literals"])


def commands() -> Iterator[tuple[str, list[str]]]:
    """Where a `lemof` command is started, and its words."""
    for name, service in services().items():
        if service["image"].startswith("lemof-stream"):
            yield f"compose {name}", service["command"]
    for name, container in workloads().items():
        yield f"k8s {name}", container["args"]
