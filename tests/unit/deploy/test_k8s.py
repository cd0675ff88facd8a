"""The Kubernetes manifests hold together, without a cluster to say so."""

from pathlib import Path

import pytest

from tests.unit.deploy.manifests import BASE, DEV, documents, literals, objects, workloads


@pytest.mark.parametrize("folder", [BASE, DEV], ids=["base", "dev"])
def test_kustomization_names_every_file_and_no_other(folder: Path) -> None:
    [kustomization] = documents(folder / "kustomization.yaml")
    named = [*kustomization["resources"], *(patch["path"] for patch in kustomization["patches"])]
    files = {folder / name for name in named if name.endswith(".yaml")}
    assert files == set(folder.glob("*.yaml")) - {folder / "kustomization.yaml"}
    folders = [folder / name for name in named if not name.endswith(".yaml")]
    assert all((path / "kustomization.yaml").exists() for path in folders)


def test_patches_change_objects_that_are_there() -> None:
    there = {(one["kind"], one["metadata"]["name"]) for one in objects(BASE, "Kafka", "KafkaNodePool")}
    assert {(one["kind"], one["metadata"]["name"]) for one in documents(DEV / "kafka.yaml")} == there


def test_every_process_gets_what_all_have_in_common() -> None:
    # The patch meets a container by its name: under another it would become a second one.
    [common] = documents(BASE / "process.yaml")
    [patched] = common["spec"]["template"]["spec"]["containers"]
    assert {container["name"] for container in workloads().values()} == {patched["name"]}


def test_processes_run_without_rights() -> None:
    [common] = documents(BASE / "process.yaml")
    pod = common["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert pod["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_no_service_becomes_a_setting() -> None:
    [common] = documents(BASE / "process.yaml")
    assert common["spec"]["template"]["spec"]["enableServiceLinks"] is False


@pytest.mark.parametrize("name", ["ehr", "runner", "ward", "board"])
def test_the_key_of_pseudonyms_comes_from_a_secret(name: str) -> None:
    [variable] = workloads()[name]["env"]
    assert variable["name"] == "LEMOF_PSEUDONYM_KEY"
    assert variable["valueFrom"].keys() == {"secretKeyRef"}


def test_every_process_says_what_it_needs() -> None:
    for container in workloads().values():
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert container["resources"]["limits"].keys() == {"memory"}


def test_selectors_find_their_pods() -> None:
    labels = [
        one["spec"]["template"]["metadata"]["labels"].items() for one in objects(BASE, "Deployment", "Job")
    ]
    selectors = [
        *(
            one["spec"]["selector"]["matchLabels"]
            for one in objects(BASE, "Deployment", "PodDisruptionBudget")
        ),
        *(one["spec"]["selector"] for one in objects(BASE, "Service")),
        *(one["spec"]["podSelector"]["matchLabels"] for one in objects(BASE, "NetworkPolicy")),
    ]
    for selector in selectors:
        assert any(selector.items() <= pod for pod in labels), selector


@pytest.mark.parametrize("folder", [BASE, DEV], ids=["base", "dev"])
def test_kafka_has_the_nodes_that_its_topics_need(folder: Path) -> None:
    found = documents(folder / "kafka.yaml")
    [nodes] = [one["spec"]["replicas"] for one in found if one["kind"] == "KafkaNodePool"]
    [config] = [one["spec"]["kafka"]["config"] for one in found if one["kind"] == "Kafka"]
    copies = {value for key, value in config.items() if key.endswith("replication.factor")}
    assert copies == {int(literals(folder)["LEMOF_REPLICATION"])} == {nodes}
    in_sync = {value for key, value in config.items() if key.endswith(("min.isr", "min.insync.replicas"))}
    assert in_sync == {max(1, nodes - 1)}


def test_brokers_are_the_listener_that_strimzi_opens() -> None:
    [kafka] = objects(BASE, "Kafka")
    [listener] = kafka["spec"]["kafka"]["listeners"]
    name = kafka["metadata"]["name"]
    assert literals(BASE)["LEMOF_BROKERS"] == f"{name}-kafka-bootstrap:{listener['port']}"
    [pool] = objects(BASE, "KafkaNodePool")
    assert pool["metadata"]["labels"] == {"strimzi.io/cluster": name}


def test_there_are_partitions_for_every_runner() -> None:
    [runner] = [one for one in objects(BASE, "Deployment") if one["metadata"]["name"] == "runner"]
    assert runner["spec"]["replicas"] <= int(literals(BASE)["LEMOF_PARTITIONS"])
