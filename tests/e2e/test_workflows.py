""".github/workflows against what they call: scripts that exist, values that are set, needed and told of.

What the release workflow does on the server is tests/compose/prod's; here is what stands in the files alone.
"""

import os
import re
import stat
import subprocess

import pytest
import yaml

from rig.larder import REPOSITORY

pytestmark = pytest.mark.demo_only

FOLDER = REPOSITORY / ".github" / "workflows"
RELEASE = (FOLDER / "release.yml").read_text()


def steps(text):
    return [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"] if "run" in step]


def step_named(name):
    return next(step for step in steps(RELEASE) if step.get("name") == name)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yml")), ids=lambda path: path.name)
def test_each_script_that_is_called_can_be(path):
    called = {name for step in steps(path.read_text())
              for name in re.findall(r"(?<![\w/.])((?:deploy|tests|\.ci)/[\w/]+)", step["run"])}
    assert called
    for name in called:
        assert os.access(REPOSITORY / name, os.X_OK), f"{path.name} calls {name}"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yml")), ids=lambda path: path.name)
def test_shell_steps_can_be_parsed(path):
    for step in steps(path.read_text()):
        script = re.sub(r"\$\{\{.*?\}\}", "expression", step["run"])
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, f"{script}\n{done.stderr}"


def test_what_is_shipped_is_set_and_is_all_that_production_needs():
    step = step_named("ship")
    command = step["run"].replace("\\\n", " ").split("deploy/ship ")[1]
    shipped = set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", command.split('"')[-1]))
    exported = set(re.findall(r"export (\w+)=", step["run"]))
    assert shipped <= set(step["env"]) | exported
    overlay = (REPOSITORY / "deploy" / "docker-compose.prod.yml").read_text()
    assert shipped >= set(re.findall(r"\$\{(\w+):\?", overlay))
    assert shipped >= {"REDIS_HOST", "REDIS_PORT"}


def test_the_head_names_the_secrets_and_variables_that_are_used():
    head, _, rest = RELEASE.partition("\nname: ")
    for kind, others in (("secrets", "Variables:"), ("vars", "\0")):
        told = head.partition("Secrets:" if kind == "secrets" else "Variables:")[2].partition(others)[0]
        used = set(re.findall(rf"\b{kind}\.(\w+)", rest))
        assert used == set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", told))


def test_the_servers_key_is_written_for_its_owner_alone(tmp_path):
    step = step_named("the key of the server")
    environment = {**os.environ, "HOME": str(tmp_path), "DEPLOY_KEY": "KEY\nof two lines", "DEPLOY_KNOWN_HOSTS": "host ssh-ed25519 A"}
    done = subprocess.run(["bash", "-e", "-c", step["run"]], env=environment, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    key = tmp_path / ".ssh" / "id_deploy"
    assert (key.read_text(), stat.S_IMODE(key.stat().st_mode)) == ("KEY\nof two lines\n", 0o600)
    assert (tmp_path / ".ssh" / "known_hosts").read_text() == "host ssh-ed25519 A\n"
