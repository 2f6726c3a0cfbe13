"""deploy/kubernetes: what can be held to a running Larder. Kubernetes' own schemas: tests/packaging/kubernetes/run."""

import re

import requests
import yaml

from rig.larder import REPOSITORY, run
from rig.operator import TOKEN
from rig.rules import THINGS

KUBERNETES = REPOSITORY / "deploy" / "kubernetes"


def manifest(name):
    return yaml.safe_load((KUBERNETES / f"{name}.yaml").read_text())


def pod():
    return manifest("deployment")["spec"]["template"]["spec"]


def sidecar():
    return pod()["initContainers"][0]


def environment():
    return {variable["name"]: variable.get("value") for variable in sidecar()["env"]}


def test_the_rules_are_well():
    checked = run("check", "--strict", KUBERNETES / "rules.yaml")
    assert checked.returncode == 0, checked.stderr


def test_names_of_one_manifest_are_those_of_the_others():
    folder, deployment, service = (manifest(name) for name in ("kustomization", "deployment", "service"))
    assert all((KUBERNETES / resource).exists() for resource in folder["resources"])
    rules, = folder["configMapGenerator"]
    assert [volume["configMap"]["name"] for volume in pod()["volumes"]] == [rules["name"]]
    assert environment()["LARDER_RULES"] == f"{sidecar()['volumeMounts'][0]['mountPath']}/{rules['files'][0]}"
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert labels == deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    assert labels == manifest("podmonitor")["spec"]["selector"]["matchLabels"]
    ports = {port["name"]: port["containerPort"] for port in sidecar()["ports"]}
    assert service["spec"]["ports"][0]["targetPort"] in ports
    assert manifest("podmonitor")["spec"]["podMetricsEndpoints"][0]["port"] in ports
    assert environment()["LARDER_LISTEN"] == f"0.0.0.0:{ports['http']}"
    assert environment()["LARDER_ADMIN"] == f"0.0.0.0:{ports['admin']}"
    images = [image["name"] for image in folder["images"]]
    assert [sidecar()["image"], pod()["containers"][0]["image"]] == images


def test_the_sidecar_starts_with_its_settings_and_answers_its_probes(start_larder, origin_of):
    """With another address alone, since others may listen on these ports."""
    origin = origin_of(lambda exchange: exchange.answer(body=b"here"))
    known = run("serve", "--help").stdout
    settings = {name: value for name, value in environment().items() if name.startswith("LARDER_")}
    assert [name for name in settings if not re.search(rf"\b{name}\b", known)] == []
    elsewhere = {"LARDER_LISTEN", "LARDER_UPSTREAM", "LARDER_RULES", "LARDER_ADMIN"}
    env = {name: value or TOKEN for name, value in settings.items() if name not in elsewhere}
    larder = start_larder(origin.url, THINGS, env=env, memory=env["LARDER_MEMORY"], threads=int(env["LARDER_THREADS"]))
    probes = [sidecar()[probe]["httpGet"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")]
    paths = [probe["path"] for probe in probes] + [manifest("podmonitor")["spec"]["podMetricsEndpoints"][0]["path"]]
    for path in paths:  # without the token, as kubelet and Prometheus come
        assert requests.get(larder.admin_url + path, timeout=5).status_code == 200, path


def test_there_is_time_for_what_is_in_flight():
    drain = int(re.search(r"--drain-timeout .*?\(default (\d+)s\)", run("serve", "--help").stdout, re.S).group(1))
    backend, = pod()["containers"]
    waits = int(backend["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod()["terminationGracePeriodSeconds"] > waits + drain
