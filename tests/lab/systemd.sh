#!/bin/bash
# The installed daemon under a real systemd: what make install lays down, an
# instance that becomes active when it says READY=1, survives a restart and a
# kill, and stops cleanly. Says what it does as TAP; tests/run.sh adds it up.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lab/host.sh
. tests/lab/host.sh

build=$(realpath "${BUILD:-build}")
base=$build/lab/base work=$build/lab/host
dir=/var/lib/enlace/CR
tests=0

# Each step is a function that prints what went wrong and returns 1. It runs in
# this shell, so that what it starts and learns is there for the next.
step() {
    local name=$1
    shift
    tests=$((tests + 1))
    if "$@" >"$build/lab/said" 2>&1; then
        echo "ok $tests - $name"
    else
        echo "not ok $tests - $name"
        sed 's/^/# /' "$build/lab/said"
        lab_in journalctl --no-pager -n 40 -u 'enlaced@*' 2>&1 | sed 's/^/# /'
        echo "1..$tests"
        exit 1
    fi
}

node() {
    lab_as enlace enlace --dir "$dir" "$@"
}

property() {
    lab_in systemctl show "enlaced@$1" --property "$2" --value
}

# Waits for a command to succeed, 20 s at most.
until_true() {
    for _ in $(seq 200); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    "$@"
}

equal() {
    [[ $1 == "$2" ]] || { echo "expected '$1', got '$2'"; return 1; }
}

install_it() {
    make --no-print-directory install BUILD="$build" DESTDIR="$build/lab/tree" || return
    tar -C "$build/lab/tree" -c . | lab_in tar -C / -x --no-same-owner || return
    lab_in systemd-sysusers && lab_in systemd-tmpfiles --create || return
    lab_in systemctl daemon-reload
    lab_in stat -c '%U %a' /var/lib/enlace | grep -qx 'enlace 750'
}

verify_unit() {
    lab_in systemd-analyze verify enlaced@CR.service || return
    lab_in systemd-analyze security --no-pager --threshold=20 enlaced@CR.service | tail -n 1
    return "${PIPESTATUS[0]}"
}

# What only a person can help with is not tried again and again.
no_charter() {
    lab_as enlace enlace init --dir "$dir" --node CR --name 'Costa Rica' --country CR || return
    lab_in systemctl start enlaced@CR && { echo 'started without a charter'; return 1; }
    equal 78 "$(property CR ExecMainStatus)" && equal 0 "$(property CR NRestarts)"
}

found() {
    node card >"$build/lab/card" || return
    lab_as enlace sh -c "cat > $dir.card" <"$build/lab/card" || return
    lab_as enlace sh -c "enlace charter create --dir $dir --name Prueba --threshold 1 $dir.card > $dir.charter" || return
    node charter accept "$dir.charter" --yes
}

# systemctl start returns when READY=1 has come.
start() {
    lab_in systemctl reset-failed enlaced@CR
    lab_in systemctl start enlaced@CR && equal active "$(property CR ActiveState)" && node status
}

put() {
    id=$(node put organisation key=prueba 'name=es:Organización de prueba' example=true) || return
    [[ $id == CR:* ]] || { echo "printed '$id'"; return 1; }
}

restart() {
    local before after
    before=$(node digest) || return
    lab_in systemctl restart enlaced@CR || return
    after=$(node digest) || return
    equal "$before" "$after" && node show @prueba && node verify
}

runs_anew() {
    [[ $(property CR ActiveState) == active && $(property CR MainPID) != "$1" ]]
}

kill_it() {
    local before
    before=$(property CR MainPID)
    lab_in systemctl kill --signal=KILL enlaced@CR || return
    until_true runs_anew "$before" || return
    node show @prueba && node verify
}

# The group may read and not write.
reader() {
    lab_in useradd --groups enlace lectora || return
    lab_as lectora enlace --dir "$dir" show @prueba || return
    lab_as lectora enlace --dir "$dir" retract @prueba && { echo 'could write'; return 1; }
    lab_in journalctl -u enlaced@CR | grep "uid $(lab_in id -u lectora): retract refused"
}

confined() {
    local pid
    pid=$(property CR MainPID)
    equal 3 "$(lab_in cat "/proc/$pid/status" |
        grep -cE '^(Seccomp:.2|NoNewPrivs:.1|CapEff:.0+)$')" || return
    equal 'enlace 710' "$(lab_in stat -c '%U %a' "$dir")" || return
    # The lock is empty: whoever may read the node may ask whether it runs.
    ! lab_in find "$dir" -type f -perm /077 ! -name lock | grep .
}

stop() {
    lab_in systemctl stop enlaced@CR || return
    equal success "$(property CR Result)" && equal 0 "$(property CR ExecMainStatus)"
    lab_as enlace enlaced --dir "$dir" --verify
}

journal() {
    ! lab_in journalctl --no-pager --quiet -u enlaced@CR -p err | grep -v 'no-charter\|Main process exited, code=killed\|Failed with result\|Failed to start' | grep .
}

reason=$(lab_possible) || { echo '1..1'; echo "ok 1 # SKIP real systemd: $reason"; exit 0; }
mkdir -p "$build/lab"
# shellcheck disable=SC2046  # package names
step 'a small Debian is made' lab_base "$base" $(lab_libraries "$build/enlaced" "$build/enlace")
trap lab_stop EXIT
step 'systemd is up' lab_boot "$base" "$work"
step 'make install: unit, user and directory are there' install_it
step 'the unit is valid and confined to 2.0 or lower' verify_unit
step 'without a charter it ends with 78 and is not started again' no_charter
step 'a coalition of one is founded' found
step 'start returns once the node is ready' start
step 'a record is put' put
step 'after a restart the digest is the same, verify passes' restart
step 'after kill -9 systemd brings it back, verify passes' kill_it
step 'the group reads and does not write' reader
step 'the process has no privileges, its files no other reader' confined
step 'stop is clean, and so is what it leaves' stop
step 'the journal has no errors' journal
echo "1..$tests"
