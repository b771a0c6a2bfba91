#!/bin/bash
# What `make demo` runs: eight nodes of the regional coalition, each a daemon of
# its own with keys of its own, exchange what each of them says over encrypted
# ZeroMQ until all have the same view. CRM listens, on 127.0.0.1; the others
# only connect to it. PA belongs already and owns no record.
#
#   [BUILD=build] [KEEP=1] deploy/examples/regional-coalition.sh
#
# Everything is made under BUILD/demo, anew at each run. KEEP=1 leaves the nodes
# running, until the next run or until the command that is printed.
set -euo pipefail
cd "$(dirname "$0")/../.."

build=$(realpath "${BUILD:-build}")
demo=$build/demo
data=deploy/examples/regional-coalition.jsonl
codes=(CRM GT SV HN NI CR BZ PA)
declare -A names=([CRM]='CRM, Secretaría Técnica' [GT]=Guatemala [SV]='El Salvador' [HN]=Honduras
    [NI]=Nicaragua [CR]='Costa Rica' [BZ]=Belice [PA]=Panamá)
declare -A daemons=()
patience_s=60

say() {
    printf '\n\033[1m%s\033[0m\n%s\n' "$1" "$2" | if [[ -t 1 ]]; then cat; else sed 's/\x1b\[[01]m//g'; fi
}

fail() {
    printf '\ndemo: %s\n' "$1" >&2
    exit 1
}

node() {
    local code=$1
    shift
    "$build/enlace" --dir "$demo/$code" "$@"
}

# ---- starting and stopping ----

# The daemon that a process id file names, if it is still that daemon.
running() {
    local code=$1 pid
    pid=$(cat "$demo/$code.pid" 2>/dev/null) || return 1
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "--dir $demo/$code" || return 1
    echo "$pid"
}

# Ends daemons that a run with KEEP=1 left.
stop_left_over() {
    local code pid
    for code in "${codes[@]}"; do
        pid=$(running "$code") || continue
        kill "$pid"
        timeout "$patience_s" tail --pid="$pid" -f /dev/null || fail "$code ($pid) does not end"
    done
}

# In a session of its own, so that ^C reaches this script only, which then stops
# the daemons in order.
start() {
    local code=$1
    setsid "$build/enlaced" --dir "$demo/$code" </dev/null >"$demo/$code.log" 2>&1 &
    daemons[$code]=$!
    echo $! >"$demo/$code.pid"
}

# Until the daemon answers; its log is shown where it does not.
await() {
    local code=$1 end=$((SECONDS + patience_s))
    until node "$code" digest >/dev/null 2>&1; do
        if ! running "$code" >/dev/null || ((SECONDS >= end)); then
            tail -n 20 "$demo/$code.log" >&2
            fail "$code did not start"
        fi
        sleep 0.1
    done
}

# SIGTERM to all, then the exit status of each.
stop_all() {
    local code status=0
    ((${#daemons[@]} > 0)) && kill "${daemons[@]}" 2>/dev/null
    for code in "${!daemons[@]}"; do
        wait "${daemons[$code]}" || { status=$?; echo "demo: $code ended with status $status" >&2; }
        rm -f "$demo/$code.pid"
    done
    daemons=()
    return "$status"
}

on_exit() {
    local status=$?
    trap - EXIT
    stop_all || status=1
    exit "$status"
}

# ---- what is prepared ----

# Two ports in a row that nobody listens on, below the range from which the
# system takes ports for outbound connections.
free_ports() {
    local taken port
    taken=$(awk 'FNR > 1 { sub(/.*:/, "", $2); print $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
    for ((port = 20000 + RANDOM % 6000 * 2; port < 32766; port += 2)); do
        grep -qixE "$(printf '%04X|%04X' "$port" $((port + 1)))" <<<"$taken" || { echo "$port"; return; }
    done
    fail 'no free port between 20000 and 32767'
}

init() {
    local code=$1 hub=$2 options=()
    [[ $code == CRM ]] || options=(--country "$code")
    if [[ $code == CRM ]]; then options+=(--listen "$hub"); else options+=(--connect "CRM@$hub"); fi
    node "$code" init --node "$code" --name "${names[$code]}" "${options[@]}" >"$demo/$code.init"
    node "$code" card >"$demo/$code.card"
}

# The eight words that the founder reads aloud; each member compares them.
found() {
    local code cards=()
    for code in "${codes[@]}"; do cards+=("$demo/$code.card"); done
    node CRM charter create --name 'Coalición Regional contra la trata de personas' --threshold 5 \
        "${cards[@]}" >"$demo/charter" 2>"$demo/charter.said"
    words=$(grep -oE '([a-z]{4} ){7}[a-z]{4}' "$demo/charter.said") || {
        cat "$demo/charter.said" >&2
        fail 'the founder saw no eight words'
    }
    for code in "${codes[@]}"; do
        node "$code" charter accept "$demo/charter" --fingerprint "$words" >"$demo/$code.accepted"
    done
}

# ---- what is shown ----

# In step with CRM, to which every node has by now said all that it has to say.
in_step() {
    local code=$1 end=$((SECONDS + patience_s)) expected=$2
    until [[ $(node "$code" digest) == "$expected" ]]; do
        if ((SECONDS >= end)); then
            diff <(echo "$expected") <(node "$code" digest) >&2 || true
            node "$code" status >&2 || true
            fail "$code does not have the same view as CRM"
        fi
        sleep 0.1
    done
}

how_to_look() {
    cat <<END

Los nodos siguen en marcha. / The nodes are still running. For example:

  $build/enlace --dir $demo/PA list committee
  $build/enlace --dir $demo/GT status
  $build/enlace --dir $demo/CR tail --since 0
  $build/enlace --dir $demo/HN put body name=es:Prueba example=true

Para terminarlos / To end them:

  kill \$(cat $demo/*.pid)
END
}

[[ -x $build/enlaced && -x $build/enlace ]] || fail "no programs in $build: run make first"
stop_left_over
rm -rf "$demo"
mkdir -p "$demo"
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

hub=tcp://127.0.0.1:$(free_ports)
say 'Ocho nodos, cada uno con sus propias claves' 'Eight nodes, each with keys of its own'
for code in "${codes[@]}"; do init "$code" "$hub"; done
found
printf '%s\n' "${codes[*]}" "charter: $words"

say 'Cada nodo arranca e importa lo que dice su propia gente' \
    'Each node starts and imports what its own people say'
for code in "${codes[@]}"; do start "$code"; done
for code in "${codes[@]}"; do await "$code"; done
for code in "${codes[@]}"; do
    printf '%-4s ' "$code"
    node "$code" import "$data" 2>"$demo/$code.import.log" || { cat "$demo/$code.import.log" >&2; fail "$code could not import"; }
done

say 'Se ponen al día a través de CRM, que no puede cambiar nada de lo que pasa por él' \
    'They come into step through CRM, which cannot change anything that passes through it'
for code in "${codes[@]}"; do
    node "$code" status --wait-synced "$patience_s" >"$demo/$code.status" || { cat "$demo/$code.status" >&2; fail "$code is not in step"; }
done
expected=$(node CRM digest)
for code in "${codes[@]}"; do
    in_step "$code" "$expected"
    printf '%-4s %s\n' "$code" "$(node "$code" digest | tail -n 1)"
done

say 'Directorio de comités y de la institución que los dirige, visto desde Panamá, que no ha dicho nada' \
    'Directory of committees and who leads them, seen from Panama, which has said nothing'
node PA list committee

say 'Ocho nodos, una misma vista: cada registro lo escribió y firmó solo su dueño' \
    'Eight nodes, one view: every record was written and signed by its owner alone'
if [[ ${KEEP:-} == 1 ]]; then
    how_to_look
    daemons=()
fi
