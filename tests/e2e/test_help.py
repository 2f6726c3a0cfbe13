"""What larder says of itself: --help, manual pages, completion. All of it comes from the commands' definitions."""

import os
import re
import shutil
import subprocess

import pytest

from rig.larder import RESUMATE_RULES, binary, run
from rig.terminal import Terminal

COMMANDS = re.findall(r"^  ([a-z]+) ", run("--help").stdout.split("Options:")[0], re.M) if "LARDER_BINARY" in os.environ \
    else []


def options_of(command):
    """Every long option that a page shows."""
    return re.findall(r"^  (?:-\w, )?(--[a-z-]+)", run(command, "--help").stdout, re.M)


# --- --help ---

@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_tells_what_it_does_with_examples_and_exit_codes(command):
    page = run(command, "--help").stdout
    assert page.splitlines()[1].startswith(f"Usage: larder {command} [OPTIONS]")
    assert "\nExamples:\n  " in page
    assert re.search(r"^Exit codes[^:]*: 0 .+; 1 .+; 2 wrong usage.*\.\Z", page.strip(), re.M | re.S), page
    assert max(map(len, page.splitlines())) <= 125  # one URL is as long as that


def test_the_list_of_commands_is_complete_and_says_all_exit_codes():
    page = run("--help").stdout
    assert {"serve", "check", "purge", "completion", "manual"} <= set(COMMANDS)
    assert all(f"{code} " in page.split("Exit codes")[1] for code in range(4))


@pytest.mark.parametrize("given, said", [
    ([], "larder: a command is missing\nIts commands are serve, check, "),
    (["chekc"], "larder: unknown command 'chekc' (did you mean 'check'?)\nIts commands are serve, check, "),
    (["--versoin"], "larder: unknown option '--versoin' (did you mean '--version'?)\n"),
    (["serve", "--upstraem", "http://x"], "larder serve: unknown option '--upstraem' (did you mean '--upstream'?)\n"
                                          "'larder serve --help' says what it takes.\n"),
    (["serve", "--redis-pasword=secret"], "larder serve: unknown option '--redis-pasword'"),
    (["reload", "now"], "larder reload: one argument too many: 'now'\n"),
    (["serve", "--threads"], "larder serve: --threads: 1 required NUMBER missing\n"),
    (["purge"], "larder purge: "),
], ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else "")
def test_what_was_not_understood_is_said_and_what_was_meant(given, said):
    told = run(*given)
    assert (told.returncode, told.stdout, told.stderr[:len(said)]) == (2, "", said)
    assert "secret" not in told.stderr


def test_the_words_that_a_page_names_are_those_that_are_taken():
    named = re.findall(r"^  (--[a-z-]+) \{(.*?)\}", run("serve", "--help").stdout, re.M)
    assert ("--log-level", "debug,info,warning,error") in named
    for option, words in named:
        for word in words.split(","):
            tried = run("explain", "--rules", RESUMATE_RULES, option, word, "GET", "/")
            assert "unknown" not in tried.stderr, f"{option} {word}: {tried.stderr}"
        tried = run("explain", "--rules", RESUMATE_RULES, option, "nonsense", "GET", "/")
        assert (tried.returncode, "unknown" in tried.stderr) == (1, True), tried.stderr


# --- manual pages ---

@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("man1")
    assert run("manual", "--into", folder).returncode == 0
    return folder


def test_there_is_a_page_for_each_command_and_one_for_all(pages):
    assert {page.stem for page in pages.iterdir()} == {"larder", *(f"larder-{name}" for name in COMMANDS)}
    assert run("manual").stdout == (pages / "larder.1").read_text()
    assert run("manual", "purge").stdout == (pages / "larder-purge.1").read_text()
    assert run("manual", "purg").returncode == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_names_every_option_that_help_names(pages, command):
    text = (pages / f"larder-{command}.1").read_text().replace("\\-", "-")
    assert [option for option in options_of(command) if option not in text] == []
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO"):
        assert re.search(rf'^\.SH "?{section}"?$', text, re.M), section


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
def test_mandoc_has_nothing_against_the_pages(pages):
    linted = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *sorted(map(str, pages.iterdir()))],
                            capture_output=True, text=True, timeout=60)
    # A page is of a version, not of a day.
    assert [line for line in (linted.stdout + linted.stderr).splitlines() if "missing date" not in line] == []


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_groff_has_nothing_against_the_pages(pages):
    for page in pages.iterdir():
        set_ = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-rLL=100n", str(page)], capture_output=True, text=True,
                              timeout=60)
        assert set_.stderr == "", page.name


# --- completion ---

RULES = "rules-of-mine.yaml"
TYPED = [  # what is typed before the Tab key, and what the command then gets
    ("larder che", ["check"]),
    ("larder check ru", ["check", RULES]),
    ("larder check --st", ["check", "--strict"]),
    ("larder check --strict ru", ["check", "--strict", RULES]),
    ("larder serve --upstream-ver", ["serve", "--upstream-verify"]),
    ("larder serve --rules ru", ["serve", "--rules", RULES]),
    ("larder serve --rules=ru", ["serve", f"--rules={RULES}"]),
    ("larder serve --listen 127.0.0.1:80 --rules ru", ["serve", "--listen", "127.0.0.1:80", "--rules", RULES]),
    ("larder serve --log-format co", ["serve", "--log-format", "combined"]),
    ("larder purge --dry", ["purge", "--dry-run"]),
    ("larder purge --pref", ["purge", "--prefix"]),
    ("larder diff ru", ["diff", RULES]),
    ("larder explain PAT", ["explain", "PATCH"]),
    ("larder completion fi", ["completion", "fish"]),
]
# `larder` shows what it got, so that what the shell made of the line can be read.
SHOW = "larder() { printf 'got:'; printf ' <%s>' \"$@\"; echo ' :end'; }\n"
SHELLS = {
    "bash": (["bash", "--noprofile", "--rcfile", "rc", "-i"], "rc", SHOW + "PS1='ready> '\n"),
    "zsh": (["zsh", "-i"], ".zshrc", SHOW + "PS1='ready> '\nautoload -U compinit; compinit -u -D\n"),
}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_tab_key_completes(shell, tmp_path):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    argv, rc, setup = SHELLS[shell]
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / RULES).touch()
    (tmp_path / "script").write_text(run("completion", shell).stdout)
    (tmp_path / rc).write_text(f"{setup}source {tmp_path}/script\n")
    argv = [str(tmp_path / rc) if argument == rc else argument for argument in argv]
    terminal = Terminal(argv, folder, {"PATH": os.environ["PATH"], "TERM": "dumb", "LC_ALL": "C.UTF-8",
                                       "HOME": str(tmp_path), "ZDOTDIR": str(tmp_path)})
    try:
        terminal.shows("ready> ")
        for typed, expected in TYPED:
            shown = terminal.type(f"{typed}\t\r", until=":end")
            got = re.findall(r"<([^<>\r\n]*)>", shown[shown.rindex("got:"):])
            assert got == expected, f"{typed!r}: {shown}"
            if "ready> " not in shown[shown.rindex(":end"):]:
                terminal.shows("ready> ")
    finally:
        terminal.close()


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes(tmp_path):
    (tmp_path / RULES).touch()
    script = tmp_path.parent / f"{tmp_path.name}.fish"
    script.write_text(run("completion", "fish").stdout)
    for typed, expected in TYPED:
        done = subprocess.run(["fish", "--no-config", "-c", f"source {script}; complete -C '{typed}'"],
                              capture_output=True, text=True, cwd=tmp_path, timeout=20,
                              env={"PATH": f"{binary().parent}:{os.environ['PATH']}", "HOME": str(tmp_path)})
        offered = [line.split("\t")[0] for line in done.stdout.splitlines()]
        assert offered == [expected[-1]], typed + done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_bash_offers_every_option_that_help_shows(command, tmp_path):
    (tmp_path / "script").write_text(run("completion", "bash").stdout)
    asked = 'source ./script; COMP_WORDS=(larder "$0" --); COMP_CWORD=2; _larder; printf "%s\\n" "${COMPREPLY[@]}"'
    offered = subprocess.run(["bash", "-c", asked, command], cwd=tmp_path, capture_output=True, text=True, timeout=20)
    assert sorted(offered.stdout.split()) == sorted(options_of(command))


def test_an_unknown_shell_is_refused():
    assert run("completion", "tcsh").returncode == 2
