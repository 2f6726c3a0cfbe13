"""deploy/write-env: what the release workflow writes into a server's .env. That compose reads it so: tests/compose/prod."""

import stat
import subprocess

import pytest

from rig.larder import REPOSITORY

pytestmark = pytest.mark.demo_only

BEFORE = """# by hand
COMPOSE_FILE=docker-compose.yml
export REDIS_HOST='old'   # why
REDIS_PORT_OLD=1

SECRET_KEY=a
SECRET_KEY=b"""


@pytest.fixture
def env(tmp_path):
    path = tmp_path / ".env"
    path.write_text(BEFORE)
    path.chmod(0o644)
    return path


def write(path, *pairs, end=b"\0"):
    return subprocess.run([REPOSITORY / "deploy" / "write-env", path], input=b"".join(pair.encode() + end for pair in pairs),
                          capture_output=True, timeout=20)


def test_known_names_keep_their_place_others_come_last_and_every_other_line_stays(env):
    assert write(env, "REDIS_HOST=redis", "REDIS_PORT=6379", "SECRET_KEY=new", "EMPTY=").returncode == 0
    assert env.read_text() == """# by hand
COMPOSE_FILE=docker-compose.yml
REDIS_HOST="redis"
REDIS_PORT_OLD=1

SECRET_KEY="new"
REDIS_PORT="6379"
EMPTY=""
"""


def test_a_second_time_changes_nothing(env):
    pairs = ["REDIS_HOST=redis", 'SECRET_KEY=$a"b\\', "NEW=1"]
    write(env, *pairs)
    once = env.read_bytes()
    write(env, *pairs)
    assert env.read_bytes() == once


def test_the_last_of_one_name_counts(env):
    write(env, "REDIS_HOST=first", "REDIS_HOST=second")
    assert 'REDIS_HOST="second"' in env.read_text() and "first" not in env.read_text()


@pytest.mark.parametrize("value, written", [
    ("plain", r'"plain"'),
    ("a b#c=d", r'"a b#c=d"'),
    ("it's", r'''"it's"'''),
    ('say "x"', r'"say \"x\""'),
    ("$HOME ${X}", r'"\$HOME \${X}"'),
    ("ends in \\", r'"ends in \\"'),
    ("\\n is no line", r'"\\n is no line"'),
    ("& % * `id` größe", r'"& % * `id` größe"'),
])
def test_values_are_quoted(env, value, written):
    write(env, f"SECRET_KEY={value}")
    assert f"\nSECRET_KEY={written}\n" in env.read_text()


def test_only_its_owner_may_read_it(env, tmp_path):
    write(env, "A=1")
    write(tmp_path / "new.env", "A=1")
    for path in (env, tmp_path / "new.env"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "new.env"]


@pytest.mark.parametrize("given, complaint", [
    (["REDIS_HOST"], "'REDIS_HOST' is no name of a variable; wanted: NAME=VALUE"),
    (["REDIS-HOST=a"], "is no name of a variable"),
    (["A=1", "KEY=two\nlines"], "KEY: a value of several lines"),
    ([], "held no NAME=VALUE"),
])
def test_what_is_not_well_is_refused_and_the_file_left_as_it_was(env, tmp_path, given, complaint):
    done = write(env, *given)
    assert (done.returncode, complaint in done.stderr.decode()) == (1, True), done.stderr
    assert env.read_text() == BEFORE
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


def test_a_value_stands_in_no_message(env):
    done = write(env, "KEY=very\nsecret", "no name=secret")
    assert b"secret" not in done.stdout + done.stderr


def test_wrong_usage_is_told_with_2():
    for arguments in ([], ["a", "b"], ["--wrong"]):
        done = subprocess.run([REPOSITORY / "deploy" / "write-env", *arguments], input=b"", capture_output=True, timeout=20)
        assert done.returncode == 2 and b"write-env .env" in done.stderr
