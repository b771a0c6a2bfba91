#!/bin/bash
# Everything that is checked without running the code, on tracked files only.
# Called by `make lint`, with what clang-tidy needs to compile: its arguments.
# Goes through all checks before it ends, with 1 where one of them failed.
#
# After --analyze clang-tidy alone, its static analyzer included, which takes most
# of the time: `make analyze`.
set -u

quick='--checks=-clang-analyzer-*'
[[ ${1-} != --analyze ]] || { quick=''; shift; }
compile=("$@") failed=()

check() {
    printf '  LINT %s\n' "$1"
    "$2" || failed+=("$1")
}

tracked() {
    git ls-files -z -- "$@"
}

# What git grep finds must not be there: pattern, why, then the paths.
forbid() {
    local pattern=$1 why=$2
    shift 2
    ! git grep -nE "$pattern" -- "$@" || { echo "$why" >&2; return 1; }
}

form() {
    tracked '*.c' '*.h' | xargs -0 -r clang-format --dry-run -Werror
}

# Says on standard error only how many warnings it did not show.
tidy() {
    tracked '*.c' | xargs -0 -r -I {} -P "$(nproc)" \
        clang-tidy --quiet ${quick:+"$quick"} {} -- "${compile[@]}" 2>build/clang-tidy.err
}

# shellcheck disable=SC2317  # called by name
scripts() {
    { tracked '*.sh'; printf '.ci/run\0'; } | xargs -0 shellcheck --external-sources
}

generated() {
    local tracked
    tracked=$(git ls-files -- '*.pb-c.[ch]' '*.o' '*.a' '*.pot' '*.mo' 'build/*')
    [[ -z $tracked ]] || { printf 'generated, and yet tracked:\n%s\n' "$tracked" >&2; return 1; }
}

# Borders of docs/architecture.md.
borders() {
    local status=0
    forbid '#include <(zmq|czmq|sqlite3|time|unistd|fcntl|sys/.*)\.h>|\<(f?printf|fopen|getenv) ?\(' \
        'daemon/core is pure: no socket, no database, no clock, no file' \
        'daemon/core/*.[ch]' || status=1
    forbid '#include <c?zmq\.h>' 'what faces other nodes is in daemon/net' \
        'daemon/store/*.[ch]' 'daemon/search/*.[ch]' 'daemon/driver.[ch]' 'client/*.h' || status=1
    forbid '#include (<sqlite3\.h>|"daemon/store/sql\.h")' \
        'SQL lives in daemon/store, that of the file beside it in daemon/search' \
        'lib/*.[ch]' 'client/*.[ch]' 'daemon/*.[ch]' ':!daemon/store/' ':!daemon/search/' || status=1
    forbid '\b(u|nano)?sleep ?\(' 'tests wait for what they need, not for time to pass' \
        'tests/*.[ch]' || status=1
    return $status
}

# Files with strings for people must be listed for xgettext.
strings() {
    local missing
    missing=$(git grep -lE '\b(_|N_|ngettext) ?\("' -- 'lib/*.[ch]' 'daemon/*.[ch]' 'client/*.[ch]' |
        grep -vxFf po/POTFILES)
    [[ -z $missing ]] || { printf 'not in po/POTFILES:\n%s\n' "$missing" >&2; return 1; }
}

# The figure of systemd-analyze: 0 may do nothing, 10 everything.
exposure() {
    systemd-analyze security --offline=true --threshold=20 --no-pager \
        'systemd/enlaced@.service' >build/exposure.txt
    local status=$?
    tail -n 1 build/exposure.txt
    return $status
}

if [[ $quick ]]; then
    check form form
    check scripts scripts
    check generated generated
    check borders borders
    check strings strings
    check exposure exposure
fi
check clang-tidy tidy

((${#failed[@]} == 0)) || { printf 'lint: failed: %s\n' "${failed[*]}" >&2; exit 1; }
