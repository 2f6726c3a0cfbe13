"""deploy/migrating.md: its rules are well, and its walk from shadow to a rule prints what it shows."""

import re
import uuid

import pytest
import requests

from rig.admin import Admin
from rig.http import state
from rig.larder import REPOSITORY, run
from rig.operator import WITH_TOKEN, stats, wait_until_all_is_noted
from rig.waiting import eventually
from test_readme import commands

PAGE = (REPOSITORY / "deploy" / "migrating.md").read_text()
RULES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)
MODELS, FORM = "/api/ai/models/", "/admin/ai/aimodel/{}/change/"


def shown_after(command):
    """What the page shows after each `$ command`, in its order."""
    found = [output for block in re.findall(r"^```console\n(.*?)^```", PAGE, re.M | re.S)
             for line, output in commands(block) if line.startswith(command)]
    assert found, f"the page shows no '{command}' any more"
    return found


def printed_by(*arguments, larder=None, exits=0):
    """Its lines, without how long the test took."""
    if larder:
        wait_until_all_is_noted(larder)
    admin = ["--admin", larder.admin_url.removeprefix("http://")] if larder else []
    done = run(*arguments, *admin, env=WITH_TOKEN)
    assert done.returncode == exits, done.stdout + done.stderr
    return without_seconds(line for line in done.stdout.splitlines() if line.strip())


def without_seconds(lines):
    return [re.sub(r"in \d+ seconds?", "in N seconds", line) for line in lines]


@pytest.mark.parametrize("number", range(len(RULES)))
def test_every_example_is_without_error_or_warning(tmp_path, number):
    path = tmp_path / "rules.yaml"
    path.write_text(RULES[number])
    done = run("check", "--strict", path)
    assert done.returncode == 0, done.stdout + done.stderr


def edit(demo_or_larder):
    """A person logs in to the admin and changes a model."""
    admin = Admin(demo_or_larder.client())
    row = requests.get(demo_or_larder.url + MODELS, timeout=10).json()[0]["id"]
    assert admin.change(FORM.format(row), description=f"edited {uuid.uuid4()}").status_code == 302


def save(larder, file, rules):
    """As an editor does, and until Larder has read it."""
    draft = file.with_name("rules.yaml~")
    draft.write_text(rules)
    draft.rename(file)
    eventually(lambda: stats(larder)["reload"]["generation"] == 2, "the rules have been read again")


def get(larder, times):
    client = larder.client()
    return [client.get(MODELS) for _ in range(times)]


def test_the_walk_from_shadow_to_a_rule(start_larder, demo, tmp_path, monkeypatch):
    missing, promoted, unseen = (without_seconds(lines) for lines in shown_after("larder shadow"))

    file = tmp_path / "watched" / "rules.yaml"
    file.parent.mkdir()
    file.write_text(RULES[0])
    watched = start_larder(demo.url, file)
    assert {state(answer) for answer in get(watched, 299)} == {"BYPASS"}
    edit(watched)  # itself asks once
    get(watched, 20)
    assert printed_by("shadow", larder=watched) == missing

    save(watched, file, RULES[1])  # the count begins anew
    get(watched, 299)
    edit(watched)
    get(watched, 310)
    assert printed_by("shadow", larder=watched) == promoted
    edit(demo)  # behind Larder's back, as a shell would
    get(watched, 5)
    assert printed_by("shadow", larder=watched) == unseen

    monkeypatch.chdir(tmp_path)
    (tmp_path / "larder").mkdir()
    (tmp_path / "larder" / "rules.yaml").write_text(RULES[0])
    assert [printed_by("check", "larder/rules.yaml")] == shown_after("larder check")
    (tmp_path / "before.yaml").write_text(RULES[1])
    switched_on = re.sub(r"\n +mode: shadow(?=\n)", "", RULES[1])
    (tmp_path / "larder" / "rules.yaml").write_text(switched_on)
    assert [printed_by("diff", "before.yaml", "larder/rules.yaml", exits=1)] == shown_after("larder diff")
    assert [printed_by("explain", "--rules", "larder/rules.yaml", "POST", FORM.format(3))] == shown_after("larder explain")

    larder = start_larder(demo.url, switched_on, env=WITH_TOKEN)
    assert [state(answer) for answer in get(larder, 2)] == ["MISS", "HIT"]
    assert [printed_by("purge", MODELS, larder=larder)] == shown_after("larder purge")
    assert [state(answer) for answer in get(larder, 2)] == ["MISS", "HIT"]
    edit(larder)
    assert state(get(larder, 1)[0]) == "MISS"
