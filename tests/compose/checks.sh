# What tests/compose/run and tests/compose/prod share: asking with curl, and counting what went well. To be
# sourced after deploy/lib.sh.
# shellcheck shell=bash

passed=0 failed=0
# The address to ask, and a folder for what was answered.
at='' work=$(mktemp -d)

# check WHAT COMMAND...: the command's output is shown only when it fails.
check() {
  local what=$1
  shift
  if "$@" >"$work/check.log" 2>&1; then
    passed=$((passed + 1))
    printf 'ok    %s\n' "$what"
  else
    failed=$((failed + 1))
    printf 'FAIL  %s\n' "$what"
    sed 's/^/        /' "$work/check.log"
  fi
}

# Last, alone on its line.
print_sum() {
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}

need_docker() {
  docker compose version >/dev/null 2>&1 || die "needs docker with the compose plugin"
  docker version >/dev/null 2>&1 || die "no Docker engine answers (DOCKER_HOST=${DOCKER_HOST-})"
}

# --- asking ---

# ask PATH CURL-OPTION...: leaves $work/head and $work/body; prints the status code and X-Cache-Status.
# Options that every request takes (a Host, a certificate) stand in `always`.
always=()
ask() {
  local path=$1
  shift
  curl -sS -m 10 -D "$work/head" -o "$work/body" -b "$work/cookies" -c "$work/cookies" "${always[@]}" "$@" "$at$path"
  awk 'NR == 1 {printf "%s", $2} tolower($1) == "x-cache-status:" {printf " %s", $2} END {print ""}' \
    <(tr -d '\r' <"$work/head")
}

expect() { # EXPECTED PATH CURL-OPTION...
  local expected=$1 got
  shift
  got=$(ask "$@")
  [ "$got" = "$expected" ] || { echo "$1: expected '$expected', got '$got'"; cat "$work/head"; head -c 500 "$work/body"; return 1; }
}

# soon COMMAND...: with some patience: what happens behind the scenes has happened soon.
soon() {
  local try
  for try in $(seq 1 30); do
    if "$@"; then return 0; fi
    sleep 0.5
  done
  echo "after $try tries"
  return 1
}

miss_then_hit() { # PATH
  expect '200 MISS' "$1" || return 1
  cp "$work/body" "$work/first"
  expect '200 HIT' "$1" || return 1
  cmp "$work/first" "$work/body"
}

answers() { ask "$@" | grep -q '^200' || { cat "$work/head"; return 1; }; }

tokens_are_given() {
  answers /api/auth/token/ -H 'Content-Type: application/json' -d '{"username":"alice","password":"alice-password"}'
}

# --- the admin, as a person uses it in the browser ---

csrf_token() { awk '$6 == "csrftoken" {print $7}' "$work/cookies"; }

admin_adds_model() { # NAME CURL-OPTION...
  local name=$1
  shift
  ask /admin/login/ "$@" >/dev/null
  ask '/admin/login/?next=/admin/' "$@" --data-urlencode "csrfmiddlewaretoken=$(csrf_token)" \
    -d username=admin -d password=admin | grep -q '^302' || { echo "the login was refused"; cat "$work/head"; return 1; }
  ask /admin/ai/aimodel/add/ "$@" | grep -q '^302' && { echo "not logged in"; return 1; }
  ask /admin/ai/aimodel/add/ "$@" --data-urlencode "csrfmiddlewaretoken=$(csrf_token)" \
    --data-urlencode "name=$name" -d "identifier=$name" -d provider=someone -d context_window=1000 -d is_active=on |
    grep -q '^302' || { echo "the form was not saved"; cat "$work/head"; return 1; }
}

miss_with() { expect '200 MISS' "$1" && grep -q "$2" "$work/body"; } # PATH TEXT
