"""The fault scenarios in their quick forms. What each does and must hold: tests/faults/README.md."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "faults"))

from faultrig.scenario import NotPossibleHere, play  # noqa: E402
from faultrig.stage import QUICK  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402

SEED = 1


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_fault(name, redis, tmp_path):
    try:
        report = play(name, QUICK, SEED, tmp_path / name, redis)
    except NotPossibleHere as reason:
        pytest.skip(str(reason))
    assert report.passed, report.text()
