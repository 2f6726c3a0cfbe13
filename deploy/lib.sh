# What deploy/run, tests/run and .ci/run share: packages, processes, builds, ports. To be sourced; the
# sourcing script sets `program` (the word before its messages) and has `set -euo pipefail` on.
# shellcheck shell=bash

: "${program:?the sourcing script sets it}"
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s: %s\n' "$program" "$*"; }
die() { printf '%s: %s\n' "$program" "$*" >&2; exit 1; }
# The comment at the head of the script that was called.
usage() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }
usage_error() { printf '%s: %s\n\n' "$program" "$*" >&2; usage >&2; exit 2; }

need_packages() { "$repo/deploy/packages/install" "$@" || die "the packages could not be installed (see above)"; }

# --- processes ---

# Starts a command in a process group of its own; its pid, which names the group too, is in $!.
# Ctrl-C then reaches this script alone, which stops what it started in order.
start_group() {
  set -m
  "$@" </dev/null &
  set +m
}

is_alive() { kill -0 -- "-$1" 2>/dev/null; }

# stop_group PID SIGNAL SECONDS: asks, waits that long, and kills what is left.
stop_group() {
  local pid=$1 signal=$2 deadline=$((SECONDS + $3))
  is_alive "$pid" || return 0
  kill "-$signal" -- "-$pid" 2>/dev/null || true
  while is_alive "$pid"; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      kill -KILL -- "-$pid" 2>/dev/null || true
      break
    fi
    sleep 0.1
  done
  wait "$pid" 2>/dev/null || true
}

# Runs a command so that a signal to this script stops it at once, and its group with it.
running=
run_stoppable() {
  local code=0
  start_group "$@"
  running=$!
  wait "$running" || code=$?
  running=
  return "$code"
}
# INT, not TERM: pytest takes its servers down on it.
stop_running() { if [ -n "$running" ]; then stop_group "$running" INT 20; fi; }

# on_exit COMMAND: what tidies up, however this script ends.
on_exit() {
  # shellcheck disable=SC2064  # the command is known now
  trap "$1" EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

# --- builds ---

# As many compilers as there are cores, but no more than memory bears: one that reads Boost.Asio
# takes up to 1.5 GiB under sanitizers.
build_jobs() {
  local cores bearable jobs
  cores=$(nproc)
  bearable=$(awk '/^MemAvailable:/ {print int($2 / 1024 / 1024 / 1.5)}' /proc/meminfo)
  jobs=$((bearable < cores ? bearable : cores))
  echo $((jobs > 1 ? jobs : 1))
}

# Passes ninja's lines on to the log and shows how far it is: one line that is rewritten on a
# terminal, a line every ten seconds elsewhere.
show_progress() {
  local log=$1 line shown=$SECONDS
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$log"
    [[ $line =~ ^\[([0-9]+/[0-9]+)\]\ (.*)$ ]] || continue
    line="  ${BASH_REMATCH[1]}  ${BASH_REMATCH[2]##*/}"
    if [ -t 1 ]; then
      printf '\r\033[K%.78s' "$line"
    elif [ $((SECONDS - shown)) -ge 10 ]; then
      printf '%s\n' "$line"
      shown=$SECONDS
    fi
  done
  if [ -t 1 ]; then printf '\r\033[K'; fi
}

# From the first error on where there is one, the end otherwise.
show_build_error() {
  local log=$1
  if grep -q '^FAILED: ' "$log"; then
    sed -n '/^FAILED: /,$p' "$log" | grep -vE '^\[[0-9]+/[0-9]+\]' | cut -c1-300 | head -n 40 >&2
  else
    tail -n 25 "$log" >&2
  fi
}

run_ninja() {
  local dir=$1 log=$2
  NINJA_STATUS='[%f/%t] ' ninja -C "$dir" -j "${LARDER_JOBS:-$(build_jobs)}" 2>&1 | show_progress "$log"
}

# configure PRESET [CMAKE-OPTION...]: readies .build/PRESET, where that is not done yet.
configure() {
  local preset=$1 dir log configured=no
  local -a fresh=()
  shift
  dir=$repo/.build/$preset
  log=$repo/.build/$preset.log
  mkdir -p "$dir"
  : >"$log"
  if [ -e "$dir/CMakeCache.txt" ]; then
    # A tree that was moved or copied keeps the old place in its cache, which cmake refuses.
    if grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$repo/proxy" "$dir/CMakeCache.txt"; then
      if [ -e "$dir/build.ninja" ]; then configured=yes; fi
    else
      fresh=(--fresh)
    fi
  fi
  # Once configured, ninja calls cmake by itself when a CMakeLists.txt has changed.
  if [ "$configured" = no ] || [ $# -gt 0 ]; then
    (cd "$repo" && cmake -S proxy --preset "$preset" "${fresh[@]}" "$@") >>"$log" 2>&1 </dev/null || {
      tail -n 25 "$log" >&2
      die "cmake could not configure the $preset build; all of it: $log"
    }
  fi
}

# build PRESET [CMAKE-OPTION...]: configures where needed and builds into .build/PRESET.
build() {
  local preset=$1 began=$SECONDS
  local dir=$repo/.build/$preset log=$repo/.build/$preset.log
  configure "$@"
  if ! ninja -C "$dir" -n 2>/dev/null | grep -q 'no work to do'; then
    say "building ($preset); the compiler's whole output: .build/$preset.log"
  fi
  run_stoppable run_ninja "$dir" "$log" || {
    show_build_error "$log"
    die "the $preset build failed; all of it: $log"
  }
  say "built ($preset) in $((SECONDS - began)) s"
}

# --- ports ---

port_in_use() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port FIRST TAKEN...: the first free port from there on, but none of those already given away.
free_port() {
  local port=$1
  shift
  while port_in_use "$port" || [[ " $* " == *" $port "* ]]; do port=$((port + 1)); done
  echo "$port"
}
