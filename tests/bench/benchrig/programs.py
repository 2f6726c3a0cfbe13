"""The programs of ours: where they are built, and how the load generator is asked."""

import json
import os
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
FOLDER = REPOSITORY / ".build/bench/proxy"


def build():
    """The load generator, the origin and the floor alone, optimised; a few seconds."""
    build_folder = FOLDER.parent
    log = build_folder / "programs.log"
    build_folder.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as output:
        for command in (["cmake", "-S", "proxy", "--preset", "bench"],
                        ["cmake", "--build", build_folder, "--target", "bench_programs"]):
            if subprocess.run(command, cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT).returncode != 0:
                raise SystemExit(f"the programs of tests/bench could not be built:\n{log.read_text()[-3000:]}")


def program(name):
    return str(FOLDER / f"bench_{name}")


def larder_binary():
    """$LARDER_BINARY, else the release build, which is brought up to date first."""
    if "LARDER_BINARY" in os.environ:
        return str(Path(os.environ["LARDER_BINARY"]).resolve())
    subprocess.run([REPOSITORY / "deploy/run", "--build-only"], check=True)
    return str(REPOSITORY / ".build/release/proxy/larder")


class LoadFailed(Exception):
    """What the load generator found wrong with an answer."""


def load_command(port, fields=(), cpu_of=(), cpu_beside=(), cpus=None, **options):
    """`options` as bench_load names them, without None; `cpus` as taskset takes them."""
    command = ["taskset", "-c", cpus] if cpus else []
    command += [program("load"), "--port", str(port)]
    for name, value in options.items():
        if value is not None:
            command += ["--" + name.replace("_", "-"), str(value)]
    for field in fields:
        command += ["--field", field]
    for pid in cpu_of:
        command += ["--cpu-of", str(pid)]
    for pid in cpu_beside:
        command += ["--cpu-beside", str(pid)]
    return command


def run_load(port, within=120.0, **options):
    """What bench_load prints, as a dict."""
    try:
        done = subprocess.run(load_command(port, **options), capture_output=True, text=True, timeout=within)
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"the load had not ended after {within:.0f} s") from error
    if done.returncode != 0:
        raise LoadFailed(done.stderr.strip())
    return json.loads(done.stdout)
