"""``deploy/k8s``: fits Kubernetes' schemas, says what docker-compose.yml says, and KEDA's questions have answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from alfrd_events.settings import Settings
from testing.harness import Harness
from tests.packaging.test_compose import resolved

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "k8s"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
MANIFESTS = {name: yaml.safe_load((FOLDER / name).read_text()) for name in KUSTOMIZATION["resources"]}
OF_KEDA = "scaling.yaml"


def pods() -> dict[str, dict[str, Any]]:
    """The pods' specifications."""
    return {
        manifest["metadata"]["name"]: manifest["spec"]["template"]
        for manifest in MANIFESTS.values()
        if manifest["kind"] in ("Deployment", "Job")
    }


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(resolved(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]))


def test_each_file_is_applied() -> None:
    assert {path.name for path in FOLDER.glob("*.yaml")} == {*MANIFESTS, "kustomization.yaml"}
    assert (KUSTOMIZATION["kind"], KUSTOMIZATION["namespace"]) == ("Kustomization", "alfrd-events")
    assert MANIFESTS["namespace.yaml"]["metadata"]["name"] == KUSTOMIZATION["namespace"]


@pytest.mark.parametrize("name", [name for name in MANIFESTS if name != OF_KEDA])
@pytest.mark.parametrize("version", ["1.31", "1.35"])
def test_it_fits_the_schemas_of_kubernetes(name: str, version: str) -> None:
    kubernetes_validate.validate(MANIFESTS[name], version, strict=True)


def test_a_field_that_does_not_exist_is_found() -> None:
    """The schemas do look."""
    wrong = {**MANIFESTS["disruption.yaml"], "spec": {"maxUnavailble": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.31", strict=True)


@pytest.mark.parametrize("service", ["migrate", "worker"])
def test_containers_run_what_compose_runs(services: dict[str, Any], service: str) -> None:
    (container,) = pods()[f"alfrd-events-{service}"]["spec"]["containers"]
    assert container["args"] == services[service]["command"]
    assert container["image"] == KUSTOMIZATION["images"][0]["name"]
    assert "command" not in container, "the image's entry point"


def test_a_worker_is_asked_as_in_compose_and_may_finish_its_drain(services: dict[str, Any]) -> None:
    worker = pods()["alfrd-events-worker"]["spec"]
    (container,) = worker["containers"]
    asked = services["worker"]["healthcheck"]["test"][1:]
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["exec"]["command"] == asked
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
    assert {port["name"]: port["containerPort"] for port in container["ports"]}["metrics"] == 9464
    assert f"{worker['terminationGracePeriodSeconds']}s" == services["worker"]["stop_grace_period"]
    start = container["startupProbe"]
    lease = Settings.model_fields["lease_seconds"].default
    assert start["periodSeconds"] * start["failureThreshold"] >= lease


def test_it_sets_only_settings_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    values = MANIFESTS["settings.yaml"]["data"]
    for name, value in values.items():
        assert isinstance(value, str)
        monkeypatch.setenv(name, value)
    Settings()
    used = {
        entry["name"]
        for pod in pods().values()
        for each in pod["spec"]["containers"]
        for entry in each["env"]
    }
    assert {*used, *values} <= {f"ALFRD_{name.upper()}" for name in Settings.model_fields}
    (container,) = pods()["alfrd-events-worker"]["spec"]["containers"]
    assert values["ALFRD_OCR_PROCESSES"] == container["resources"]["limits"]["cpu"]


def test_names_lead_somewhere() -> None:
    labels = pods()["alfrd-events-worker"]["metadata"]["labels"]
    for name in ("worker.yaml", "disruption.yaml"):
        assert MANIFESTS[name]["spec"]["selector"]["matchLabels"] == labels
    for pod in pods().values():
        policy = MANIFESTS["network.yaml"]["spec"]["podSelector"]["matchLabels"]
        assert policy.items() <= pod["metadata"]["labels"].items()
    (container,) = pods()["alfrd-events-worker"]["spec"]["containers"]
    assert container["envFrom"][0]["configMapRef"]["name"] == MANIFESTS["settings.yaml"]["metadata"]["name"]
    secrets = {
        (source["name"], source["key"])
        for pod in pods().values()
        for each in pod["spec"]["containers"]
        for source in (entry["valueFrom"]["secretKeyRef"] for entry in each["env"])
    }
    page = (ROOT / "docs" / "deploy.md").read_text()
    for name, key in secrets:
        assert f"create secret generic {name}" in page
        assert f"--from-literal={key}=" in page


@pytest.mark.parametrize("name", pods())
def test_pods_have_no_rights(name: str) -> None:
    """What the namespace's own label demands, or none would start."""
    spec = pods()[name]["spec"]
    assert (
        MANIFESTS["namespace.yaml"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        == "restricted"
    )
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"name": "scratch", "mountPath": "/tmp"} in container["volumeMounts"]
        assert "memory" in container["resources"]["limits"]


async def test_the_number_of_workers_follows_the_work(db: Harness) -> None:
    scaled = MANIFESTS[OF_KEDA]
    assert (scaled["apiVersion"], scaled["kind"]) == ("keda.sh/v1alpha1", "ScaledObject")
    spec = scaled["spec"]
    assert spec["scaleTargetRef"]["name"] == MANIFESTS["worker.yaml"]["metadata"]["name"]
    (container,) = pods()["alfrd-events-worker"]["spec"]["containers"]
    assert spec["scaleTargetRef"]["envSourceContainerName"] == container["name"]
    names = {entry["name"] for entry in container["env"]}

    async def answers() -> list[int]:
        return [await db.one(trigger["metadata"]["query"]) for trigger in spec["triggers"]]

    for trigger in spec["triggers"]:
        assert trigger["type"] == "postgresql"
        assert trigger["metadata"]["connectionFromEnv"] in names
        assert re.fullmatch(r"\d+", trigger["metadata"]["targetQueryValue"])
    assert await answers() == [0, 0]
    for _ in range(3):
        await db.given_document()
    assert await answers() == [3, 3]


async def test_a_backlog_is_what_a_worker_could_do_now(db: Harness, signed_in: dict[str, str]) -> None:
    for _ in range(3):
        await db.given_document()
    await db.worker("a")
    assert await db.claim("ocr")
    assert await db.one("select alfrd.backlog('ocr')") == 3, (
        "what runs counts, or its worker would be stopped"
    )
    assert await db.one("select alfrd.backlog('classify')") == 0
    await db.sql("select alfrd.pause('ocr', 'a test')")
    assert await db.one("select alfrd.backlog('ocr')") == 1, "only what runs: what is ready is held"
    await db.sql("select alfrd.resume('ocr')")
    for login in signed_in:
        await db.sql(f"set role {login}")
        assert await db.one("select alfrd.backlog()") == 3
        await db.sql("reset role")
