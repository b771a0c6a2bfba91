#!/bin/sh
# Installs what is missing of the packages in scripts/packages.txt.
#
#   scripts/deps.sh [--list] SECTION...     build, check, lint, lab
#
# Says what it does. As root it asks nothing; as anybody else it installs
# nothing, prints the command to run and ends with 1. Where nothing is missing
# it is silent and takes a few hundredths of a second. --list only prints what
# is missing. ENLACE_NO_DEPS=1 skips it, for systems that are not Debian's.
set -eu

list=${0%/*}/packages.txt

fail() {
    printf 'deps: %s\n' "$1" >&2
    exit 1
}

# Names in the sections asked for, one a line.
wanted() {
    for section in "$@"; do
        grep -qxF "[$section]" "$list" || fail "no section [$section] in $list"
    done
    awk -v sections=" $* " '
        /^\[/ { name = $1; gsub(/[][]/, "", name); on = index(sections, " " name " "); next }
        on && NF && $1 !~ /^#/ { print $1 }' "$list"
}

# Those of its arguments that are not installed, one a line.
missing() {
    dpkg-query -W -f '${db:Status-Status} ${binary:Package}\n' "$@" 2>/dev/null |
        awk -v all="$*" '
            $1 == "installed" { sub(/:.*/, "", $2); here[$2] = 1 }
            END { n = split(all, names, " ")
                  for (i = 1; i <= n; i++) if (!(names[i] in here)) print names[i] }'
}

apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -q "$@"
}

# The package lists are fetched only where they are absent or out of date.
install_all() {
    if ! apt install --simulate --no-install-recommends "$@" >/dev/null 2>&1; then
        printf 'deps: apt-get update\n'
        apt update
    fi
    printf 'deps: apt-get install --no-install-recommends %s\n' "$*"
    apt install -y --no-install-recommends "$@" && return
    printf 'deps: once more, with fresh package lists\n'
    apt update
    apt install -y --no-install-recommends "$@"
}

[ "${ENLACE_NO_DEPS:-}" != 1 ] || exit 0
only_list=
if [ "${1:-}" = --list ]; then
    only_list=yes
    shift
fi
[ $# -gt 0 ] || fail 'name at least one section: build, check, lint, lab'

packages=$(wanted "$@")
if ! command -v dpkg-query >/dev/null; then
    printf 'deps: this is not a Debian system; install what matches these, then set ENLACE_NO_DEPS=1:\n' >&2
    printf '%s\n' "$packages" >&2
    exit 1
fi
# shellcheck disable=SC2086  # names without spaces, one word each
absent=$(missing $packages)
[ -n "$absent" ] || exit 0
if [ -n "$only_list" ]; then
    printf '%s\n' "$absent"
    exit 0
fi

words=$(printf '%s' "$absent" | tr '\n' ' ')
printf 'deps: not installed yet: %s\n' "$words"
if [ "$(id -u)" != 0 ]; then
    printf 'deps: this needs root. Run this, then try again:\n\n' >&2
    printf '    sudo apt-get update && sudo apt-get install -y --no-install-recommends %s\n\n' "$words" >&2
    exit 1
fi
# shellcheck disable=SC2086
install_all $absent || fail 'apt-get failed; the lines above say why'
# shellcheck disable=SC2086
absent=$(missing $packages)
[ -z "$absent" ] || fail "still not installed: $absent"
printf 'deps: all there\n'
