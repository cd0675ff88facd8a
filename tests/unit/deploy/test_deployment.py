"""The deployment says what the program understands: settings, commands, versions, ports."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from lemof_stream.broker.lock import KAFKA_VERSION
from lemof_stream.cli.main import PROGRAM
from lemof_stream.settings import Settings, load_settings
from tests.unit.deploy.manifests import BASE, COMPOSE, DEV, FILES, ROOT, commands, literals, objects, services

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
PROMETHEUS = ROOT / "deploy" / "prometheus.yaml"
SETTINGS = {f"LEMOF_{name.upper()}" for name in Settings.model_fields}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("path", [*FILES, DOCKERFILE], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_variable_is_a_setting(path: Path) -> None:
    assert set(re.findall(r"LEMOF_[A-Z_]+", path.read_text())) <= SETTINGS


@pytest.mark.parametrize(
    "given",
    [
        *(service["environment"] for service in services().values()),
        literals(BASE),
        literals(BASE) | literals(DEV),
    ],
)
def test_every_value_fits_its_setting(given: dict[str, str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in given.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    load_settings()


@pytest.mark.parametrize("words", [words for _, words in commands()], ids=[where for where, _ in commands()])
def test_every_command_exists(words: list[str]) -> None:
    app = PROGRAM.app(PROGRAM.commands)
    assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0


def test_compose_and_kubernetes_run_the_same_commands() -> None:
    def of(engine: str) -> list[list[str]]:
        return sorted(words for where, words in commands() if where.startswith(engine))

    assert of("compose") == of("k8s")


def test_every_image_is_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    named = {
        image
        for path in [*FILES, DOCKERFILE]
        for image in re.findall(r"lemof-stream:[\w.]+", path.read_text())
    }
    assert named == {f"lemof-stream:{version}"}


def test_kafka_is_the_version_that_the_tests_run_on() -> None:
    [kafka] = objects(BASE, "Kafka")
    assert services()["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"
    assert kafka["spec"]["kafka"]["version"] == KAFKA_VERSION


def test_compose_publishes_on_this_machine_only() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_board_is_published_where_it_listens() -> None:
    [board] = [one for one in objects(BASE, "Deployment") if one["metadata"]["name"] == "board"]
    port = Settings().board_port
    assert services()["board"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f":{port}/healthz" in COMPOSE.read_text()
    assert board["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] == port


@pytest.mark.parametrize(("name", "service"), [("runner", "run"), ("ehr", "ehr"), ("ward", "ward")])
def test_metrics_are_scraped_where_they_are_served(name: str, service: str) -> None:
    [deployment] = [one for one in objects(BASE, "Deployment") if one["metadata"]["name"] == name]
    pod = deployment["spec"]["template"]
    [container] = pod["spec"]["containers"]
    [port] = container["ports"]
    assert literals(BASE)["LEMOF_METRICS_PORT"] == str(port["containerPort"])
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == str(port["containerPort"])
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": port["name"]}
    policies = {one["metadata"]["name"]: one["spec"] for one in objects(BASE, "NetworkPolicy")}
    assert policies["metrics"]["ingress"][0]["ports"] == [{"port": port["name"]}]
    selected = policies["metrics"]["podSelector"]["matchLabels"].items()
    assert selected <= pod["metadata"]["labels"].items()
    environment = services()[service]["environment"]
    assert environment["LEMOF_METRICS_PORT"] == str(port["containerPort"])
    assert environment["LEMOF_METRICS_HOST"] == literals(BASE)["LEMOF_METRICS_HOST"] == "0.0.0.0"  # noqa: S104
    assert f":{port['containerPort']}/healthz" in " ".join(services()[service]["healthcheck"]["test"])
    jobs = {job["job_name"]: job for job in yaml.safe_load(PROMETHEUS.read_text())["scrape_configs"]}
    [found] = jobs[f"lemof-{service}"]["dns_sd_configs"]
    assert (found["names"], found["port"]) == ([service], port["containerPort"])


def test_the_build_sees_what_it_copies() -> None:
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE.read_text(), re.MULTILINE)
        for source in line.split()[:-1]
    }
    ignore = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines()
    assert copied == {line[1:] for line in ignore if line.startswith("!")}
    assert all((ROOT / source).exists() for source in copied)


def test_no_key_is_written_down() -> None:
    settings = [*(service["environment"] for service in services().values()), literals(BASE), literals(DEV)]
    assert all(given.get("LEMOF_PSEUDONYM_KEY") is None for given in settings)
    assert not objects(BASE, "Secret")
