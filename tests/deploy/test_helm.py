"""The Helm chart, rendered by Helm and checked against the schemas of Kubernetes."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "audio-mockserver"
VERSIONS = ("1.29", "1.33")  # of Kubernetes
NOT_OF_KUBERNETES = ("ServiceMonitor",)

EVERYTHING: dict[str, Any] = {
    "worker": {"replicaCount": 2},
    "autoscaling": {"enabled": True},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "stubs": {"greetings.yaml": "when: {endpoint: transcriptions}\nreply: {text: Hello.}\n"},
    "blobs": {"enabled": True, "storageClass": "nfs"},
    "volumes": {"fixtures": "clips", "models": "whisper"},
    "settings": {"tier": "tier-1", "time_scale": 2, "rate_limits": False},
    "imagePullSecrets": [{"name": "registry"}],
    "podLabels": {"team": "audio"},
    "nodeSelector": {"kubernetes.io/arch": "arm64"},
}
EXTERNAL: dict[str, Any] = {"redis": {"enabled": False, "url": "rediss://redis.example:6380/1"}}
BY_SECRET: dict[str, Any] = {
    "redis": {"enabled": False, "existingSecret": "redis"},
    "control": {"existingSecret": "token"},
}
ALONE: dict[str, Any] = {"redis": {"enabled": False}, "replicaCount": 1}

GUIDE = (CHART.parents[2] / "docs" / "deployment.md").read_text("utf-8")

Manifest = dict[str, Any]


def rendered(values: dict[str, Any], name: str = "audio") -> list[Manifest]:
    """Return the manifests that Helm would install."""
    with helm_python.Chart.load(str(CHART)) as chart:
        files = chart.render(copy.deepcopy(values), name=name, namespace="test")
    texts = (text for path, text in files.items() if not path.endswith(".txt"))
    return [each for text in texts for each in yaml.safe_load_all(text) if each]


def of_kind(manifests: list[Manifest], kind: str, part: str = "") -> Manifest:
    """Return the only manifest of a kind whose name contains ``part``."""
    (found,) = [each for each in manifests if each["kind"] == kind and part in each["metadata"]["name"]]
    return found


def environment(manifests: list[Manifest], part: str = "audio-mockserver") -> dict[str, Any]:
    """Return the variables of the first container of a deployment."""
    deployments = [each for each in manifests if each["kind"] == "Deployment"]
    deployment = next(each for each in deployments if each["metadata"]["name"].endswith(part))
    variables = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in variables}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "values",
    [{}, EVERYTHING, EXTERNAL, BY_SECRET, ALONE],
    ids=["default", "everything", "external", "secret", "alone"],
)
def test_kubernetes_accepts_every_manifest(values: dict[str, Any], version: str) -> None:
    manifests = rendered(values)
    for manifest in manifests:
        if manifest["kind"] not in NOT_OF_KUBERNETES:
            kubernetes_validate.validate(manifest, version, strict=True)
    names = [(each["kind"], each["metadata"]["name"]) for each in manifests]
    assert len(names) == len(set(names)), "no manifest replaces another"


def test_helm_has_nothing_to_find_fault_with() -> None:
    result = helm_python.lint(str(CHART), {}, strict=True, with_subcharts=True)
    assert result["errors"] == []
    assert [each["error"] for each in result["messages"]] in ([], ["icon is recommended"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"redis": {"enabled": False}}, "several pods need a store"),
        (
            {"redis": {"enabled": False}, "replicaCount": 1, "worker": {"replicaCount": 1}},
            "several pods need a store",
        ),
        ({"redis": {"url": "redis://other"}}, "set either redis.enabled"),
        (ALONE | {"blobs": {"enabled": True}}, "only a store in Redis has its large files in a volume"),
        ({"redis": {"enabled": False, "url": "http://other"}}, "redis"),
        ({"replicas": 3}, "replicas"),
        ({"settings": {"port": 80}}, "port"),
        ({"stubs": {"../stub.yaml": ""}}, "stub"),
        ({"service": {"port": 0}}, "port"),
    ],
)
def test_values_that_cannot_work_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(helm_python.HelmError, match=message):
        rendered(values)


def test_the_server_is_probed_and_confined() -> None:
    pod = of_kind(rendered({}), "Deployment")["spec"]["template"]["spec"]
    (server,) = pod["containers"]
    assert server["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert server["livenessProbe"]["httpGet"]["path"] == "/health"
    assert server["securityContext"]["readOnlyRootFilesystem"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert not pod["enableServiceLinks"], "the variables of a service could change settings"


def test_the_token_of_the_control_api_is_a_secret() -> None:
    manifests = rendered({})
    token = environment(manifests)["MOCKSERVER_CONTROL_TOKEN"]["secretKeyRef"]
    assert of_kind(manifests, "Secret", token["name"])["data"][token["key"]]
    others = environment(rendered(BY_SECRET))["MOCKSERVER_CONTROL_TOKEN"]["secretKeyRef"]
    assert others == {"name": "token", "key": "token"}


def test_the_store_is_the_chart_s_redis_or_another() -> None:
    own = rendered({})
    password = environment(own)["REDIS_PASSWORD"]["secretKeyRef"]
    redis = of_kind(own, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    assert redis["env"][0]["valueFrom"]["secretKeyRef"] == password
    host = of_kind(own, "Service", "redis")["metadata"]["name"]
    assert environment(own)["MOCKSERVER_STORE"] == f"redis://:$(REDIS_PASSWORD)@{host}:6379/0"
    external = rendered(EXTERNAL)
    assert environment(external)["MOCKSERVER_STORE"] == "rediss://redis.example:6380/1"
    assert not [each for each in external if each["kind"] == "StatefulSet"]
    assert environment(rendered(BY_SECRET))["MOCKSERVER_STORE"] == {
        "secretKeyRef": {"name": "redis", "key": "url"}
    }
    assert "MOCKSERVER_STORE" not in environment(rendered(ALONE))


def test_large_files_are_in_the_volume_that_all_pods_share() -> None:
    shared = {"blobs": {"enabled": True}}
    url = EXTERNAL["redis"]["url"]
    with_options = {"redis": {"enabled": False, "url": f"{url}?prefix=test"}}
    own, external, options = (rendered(each | shared) for each in ({}, EXTERNAL, with_options))
    assert environment(own)["MOCKSERVER_STORE"].endswith(":6379/0?blobs=/state/blobs")
    assert environment(external)["MOCKSERVER_STORE"] == f"{url}?blobs=/state/blobs"
    assert environment(options)["MOCKSERVER_STORE"] == f"{url}?prefix=test&blobs=/state/blobs"
    container = of_kind(own, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "blobs", "mountPath": "/state"} in container["volumeMounts"]


@pytest.mark.parametrize("part", ["audio-mockserver", "worker"])
def test_every_variable_is_a_setting(part: str) -> None:
    settings = (CHART.parents[2] / "docs" / "configuration.md").read_text("utf-8")
    unknown = {each for each in environment(rendered(EVERYTHING), part) if f"`{each}`" not in settings}
    assert unknown == {"REDIS_PASSWORD"}


def test_settings_become_variables() -> None:
    variables = environment(rendered(EVERYTHING))
    assert variables["MOCKSERVER_TIER"] == "tier-1"
    assert variables["MOCKSERVER_TIME_SCALE"] == "2"
    assert variables["MOCKSERVER_RATE_LIMITS"] == "false"


def test_workers_have_the_settings_and_the_store_of_servers() -> None:
    manifests = rendered(EVERYTHING)
    servers, workers = environment(manifests), environment(manifests, "worker")
    assert servers == workers | {"MOCKSERVER_HEAVY_WORK": "workers"}
    assert "MOCKSERVER_HEAVY_WORK" not in environment(rendered({}))


def test_only_servers_are_behind_the_service() -> None:
    manifests = rendered(EVERYTHING)
    wanted = of_kind(manifests, "Service", "audio-mockserver")["spec"]["selector"].items()
    pods = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"].items()
        for each in manifests
        if each["kind"] in ("Deployment", "StatefulSet")
    }
    assert {name for name, labels in pods.items() if wanted <= labels} == {"audio-audio-mockserver"}


def test_the_autoscaler_decides_the_number_of_servers() -> None:
    manifests = rendered(EVERYTHING)
    server = next(
        each
        for each in manifests
        if each["metadata"]["name"] == "audio-audio-mockserver" and each["kind"] == "Deployment"
    )
    assert "replicas" not in server["spec"]
    assert (
        of_kind(manifests, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"]
        == server["metadata"]["name"]
    )


def test_prometheus_sends_the_token() -> None:
    manifests = rendered(EVERYTHING)
    monitor = of_kind(manifests, "ServiceMonitor")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["path"] == "/_mock/metrics"
    assert (
        endpoint["authorization"]["credentials"]
        == environment(manifests)["MOCKSERVER_CONTROL_TOKEN"]["secretKeyRef"]
    )
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_a_change_of_the_stubs_restarts_the_servers() -> None:
    sums = [
        of_kind(rendered({"stubs": {"a.yaml": text}}), "Deployment")["spec"]["template"]["metadata"][
            "annotations"
        ]
        for text in ("a: 1", "a: 2")
    ]
    assert sums[0] != sums[1]


def test_names_of_releases_may_be_long() -> None:
    manifests = rendered(EVERYTHING, name="a" * 53)
    assert all(len(each["metadata"]["name"]) <= 63 for each in manifests)


def test_the_values_of_the_guide_are_accepted() -> None:
    (block,) = re.findall(r"^<!-- values -->\n```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    manifests = rendered(yaml.safe_load(block))
    assert of_kind(manifests, "HorizontalPodAutoscaler")["spec"]["maxReplicas"] == 20
    assert of_kind(manifests, "ConfigMap")["data"].keys() == {"greeting.yaml"}


def test_the_guide_lists_every_value() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    rows = " ".join(re.findall(r"^\| (`.*?) \|", GUIDE, re.MULTILINE))
    assert {name.partition(".")[0] for name in re.findall(r"`(\w[\w.]*)`", rows)} >= values.keys()
