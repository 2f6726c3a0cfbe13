"""The curl lines of the README, run as they stand, show what the README says.

From each block marked ```console the lines `$ curl ...` are run in order against one Larder. Each line of
output shown after them must appear in what curl printed, in that order; `...` stands for anything. Numbers
that differ each time (Date, Age, ttl, a csrf token) are left out of the comparison.
"""

import re
import shlex
import subprocess

import pytest

from rig.demo import Demo
from rig.larder import REPOSITORY

README = REPOSITORY / "README.md"
ADDRESS = re.compile(r"(localhost|127\.0\.0\.1):8080")


def blocks():
    text = README.read_text() if README.exists() else ""
    return [block for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S) if "$ curl" in block]


def commands(block):
    """(command, lines shown after it) for each `$ ` line; a backslash at its end continues it."""
    found = []
    for line in block.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found and line.strip():
            found[-1][1].append(line)
    return found


def normal(line):
    line = ADDRESS.sub("HOST", line.strip())
    line = re.sub(r"(?i)^(date|age|expires|set-cookie|server|via): .*", r"\1:", line).lower()
    return re.sub(r"ttl=\d+", "ttl", line)


def shown_in(expected, output):
    """None, or the first line shown that curl did not print."""
    lines = iter([normal(line) for line in output])
    for line in expected:
        parts = [re.escape(part.strip()) for part in re.split(r"\.\.\.|…", normal(line))]
        pattern = re.compile(".*".join(parts))
        if not any(pattern.fullmatch(printed) for printed in lines):
            return line
    return None


@pytest.fixture
def fresh_demo(tmp_path):
    """As `deploy/run` starts it: SQLite, and nothing changed since it was seeded."""
    server = Demo({"SQLITE_PATH": str(tmp_path / "db.sqlite3")}, tmp_path)
    yield server
    server.stop()


def test_the_curl_lines_of_the_readme_print_what_it_says(request, start_larder):
    found = [command for block in blocks() for command in commands(block)]
    if not found:
        pytest.skip("the README shows no curl lines yet")
    larder = start_larder(request.getfixturevalue("fresh_demo").url)
    for command, expected in found:
        if not command.startswith("curl "):
            continue
        live = larder.url.removeprefix("http://")
        ran = subprocess.run(["bash", "-c", ADDRESS.sub(live, command)], capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, f"$ {command}\n{ran.stderr}"
        printed = (ran.stdout + ran.stderr).replace(live, "localhost:8080").splitlines()
        missing = shown_in(expected, printed)
        assert missing is None, f"$ {command}\nthe README shows: {missing}\nprinted:\n" + "\n".join(printed)


@pytest.mark.demo_only
def test_the_comparison_sees_a_difference():
    printed = ["HTTP/1.1 200 OK", "Age: 7", "Cache-Status: larder; hit; ttl=3512", "", '[{"id":1,"name":"Quill"}]']
    assert shown_in(["HTTP/1.1 200 OK", "Age: 12", "Cache-Status: larder; hit; ttl=3599", '[{"id":1,...'], printed) is None
    assert shown_in(["X-Cache-Status: HIT"], printed) == "X-Cache-Status: HIT"
    assert shown_in(["Cache-Status: larder; fwd=uri-miss"], printed) == "Cache-Status: larder; fwd=uri-miss"
    assert commands("$ curl \\\n  -i x\nout\n$ curl y\n") == [("curl    -i x", ["out"]), ("curl y", [])]
    assert shlex.split(commands("$ curl -H 'A: b'\n")[0][0])[2] == "A: b"
