#!/usr/bin/env bash
# Dependencies point one way: a folder of proxy/ includes only what lies to its left, and some headers
# of others are included in one place alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../proxy"

declare -A may_include=(
  [http]="http"
  [identity]="http identity"
  [policy]="http identity policy"
  [coding]="http identity policy coding"
  [store]="http identity policy coding store"
  [session]="http identity policy coding store session"
  [config]="http identity policy config"
  [ops]="http identity policy coding store session config ops"
)
wrong=0
complain() {
  echo "$1" >&2
  wrong=1
}

for folder in "${!may_include[@]}"; do
  while IFS=: read -r file _ line; do
    included=$(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' <<<"$line")
    # The struct of settings is a value that everybody may read.
    if [ -z "$included" ] || [[ $line == *'"config/config.hpp"'* ]]; then continue; fi
    if [[ " ${may_include[$folder]} " != *" $included "* ]]; then complain "$file includes $line"; fi
  done < <(grep -rn '^#include "' "$folder" --include='*.hpp' --include='*.cpp')
done

only_in() { # PATTERN FILE...: included nowhere else
  local pattern=$1 file
  shift
  while read -r file; do
    if [[ " $* " != *" $file "* ]]; then complain "$file includes $pattern"; fi
  done < <(grep -rlE "^#include <$pattern" . --include='*.hpp' --include='*.cpp' | sed 's|^\./||')
}
only_in 'yaml-cpp/' config/yaml_source.cpp config/yaml_source.hpp
only_in 'hiredis/'
only_in 'zlib' coding/gzip.cpp
for folder in http identity policy coding; do
  if grep -rnE '^#include <(boost/asio|spdlog)|(system|steady)_clock::now' "$folder"; then
    complain "$folder is not pure"
  fi
done
exit "$wrong"
