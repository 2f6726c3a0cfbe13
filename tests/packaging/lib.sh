# What tests/packaging/run and boot share, after deploy/lib.sh: a bare Debian root, the package, and how checks
# are counted. To be sourced.
# shellcheck shell=bash

state=${LARDER_PACKAGING_STATE:-/var/cache/larder-packaging}
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
keep=no passed=0 failed=0 root='' work=$(mktemp -d)

read_options() {
  case ${1-} in
    '') ;;
    --keep) keep=yes ;;
    -h | --help) usage; exit 0 ;;
    *) usage_error "unknown option: $1" ;;
  esac
  [ "$(id -u)" = 0 ] || die "needs root: debootstrap and chroot do"
}

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

inside() {
  chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

summarise() {
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}

# --- the root ---

make_base() {
  local base=$state/$suite targets mirror security keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  if [ -e "$base/.made" ]; then return; fi
  # shellcheck disable=SC2016  # apt fills them in
  targets=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Identifier: Packages' | sort -u)
  mirror=$(awk -v suite="$suite" '$2 == suite {print $1; exit}' <<<"$targets")
  security=$(awk -v suite="$suite-security" '$2 == suite {print $1; exit}' <<<"$targets")
  say "making a bare $suite root, once"
  rm -rf --one-file-system "$base"
  mkdir -p "$state"
  run_stoppable debootstrap --variant=minbase --keyring="$keyring" "$suite" "$base" "$mirror" >"$state/$suite.log" 2>&1 ||
    { tail -n 10 "$state/$suite.log" >&2; die "debootstrap failed; all of it: $state/$suite.log"; }
  rm -f "$base/etc/apt/sources.list"
  {
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$mirror" "$suite" "$keyring"
    if [ -n "$security" ]; then
      printf '\nTypes: deb\nURIs: %s\nSuites: %s-security\nComponents: main\nSigned-By: %s\n' "$security" "$suite" "$keyring"
    fi
  } >"$base/etc/apt/sources.list.d/debian.sources"
  apt-config dump | grep -E '^Acquire::(Check-Valid-Until|Check-Date|https?::)' >"$base/etc/apt/apt.conf.d/99mirror" || true
  touch "$base/.made"
}

make_root() {
  make_base
  root=$(mktemp -d "$state/run.XXXXXX")
  cp -a --reflink=auto "$state/$suite/." "$root/"
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  mkdir -p "$root/etc/ssl/certs"
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  inside apt-get update -qq
}

# For what is to run in the root without a system of its own.
share_machine() {
  local mounted
  for mounted in proc sys dev; do
    mount --rbind "/$mounted" "$root/$mounted"
    mount --make-rslave "$root/$mounted"
  done
}

leave_root() {
  local mounted
  if [ -n "$root" ]; then
    for mounted in dev proc sys; do
      if mountpoint -q "$root/$mounted"; then umount -R -l "$root/$mounted"; fi
    done
    if [ "$keep" = yes ]; then say "kept: $root"; else rm -rf --one-file-system "$root"; fi
  fi
  rm -rf "$work"
}

# --- the package ---

package=''
build_package() {
  build release
  rm -f "$repo"/.build/release/larder_*.deb
  run_stoppable cpack --config "$repo/.build/release/CPackConfig.cmake" -B "$repo/.build/release" -G DEB >"$work/cpack.log" 2>&1 ||
    { cat "$work/cpack.log" >&2; die "cpack failed"; }
  package=$(echo "$repo"/.build/release/larder_*.deb)
  dpkg-deb --field "$package" Package Version Architecture Installed-Size Depends
}
