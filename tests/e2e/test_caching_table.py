"""proxy/policy/README.md names each scenario of tests/wire/caching, and nothing that does not exist."""

import re
from pathlib import Path

import yaml

TESTS = Path(__file__).resolve().parents[1]
SCENARIOS = {f"{file.stem}: {scenario['name']}" for file in sorted((TESTS / "wire" / "caching").glob("*.yaml"))
             for scenario in yaml.safe_load(file.read_text())}
FILES = "|".join(sorted({scenario.partition(":")[0] for scenario in SCENARIOS}))
PAGE = (TESTS.parent / "proxy" / "policy" / "README.md").read_text()
NAMED = set(re.findall(rf"`((?:{FILES}): [^`]+)`", PAGE))
DEPARTURES = {int(number) for number in re.findall(r"^(\d+)\. \*\*", PAGE, re.MULTILINE)}


def test_each_scenario_that_is_named_exists():
    assert NAMED - SCENARIOS == set()


def test_each_scenario_is_named():
    assert SCENARIOS - NAMED == set()


def test_each_scenario_has_a_name_of_its_own():
    names = [scenario["name"] for file in (TESTS / "wire" / "caching").glob("*.yaml")
             for scenario in yaml.safe_load(file.read_text())]
    assert len(set(names)) == len(names) == len(SCENARIOS)


def test_each_test_file_that_is_named_exists():
    named = re.findall(r"`((?:policy|http|store|session|e2e)/\w*test\w*)`", PAGE)
    assert named
    for name in named:
        assert any((TESTS / f"{name}{ending}").is_file() for ending in (".cpp", ".py")), name


def test_each_departure_is_pointed_to_and_exists():
    assert {int(number) for number in re.findall(r"\*departs (\d+)\*", PAGE)} == DEPARTURES
    assert DEPARTURES == set(range(1, len(DEPARTURES) + 1))
