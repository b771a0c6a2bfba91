#!/bin/bash
# Whether the simulator would notice: each patch in tests/sim/sabotage takes one
# safeguard out of a copy of the tree, and the simulator must find an invariant
# broken that the patch names, within the number of seeds that it says. The tree
# as it is must pass the same seeds.
#
# usage: sabotage.sh [NAME...]     all, or these; JOBS at a time (all processors)
#
# BUILD says whose objects are taken over, as make has been given it. A copy that
# was caught is removed; any other one is left under BUILD/sabotage, with its log.
# Exit status: 0 all caught, 1 not, 2 usage.
set -eu
cd "$(dirname "$0")/../.."

build=${BUILD:-build}
jobs=${JOBS:-$(nproc)}
place=$build/sabotage
patches=tests/sim/sabotage
runner=tests/sim/tool_seeds
export build place patches runner

# One line of a patch's header.
header() {
    sed -n "/^--- /q; s/^$2: //p" "$patches/$1.patch"
}

# A copy with its objects, so that only what is patched is compiled. Times are
# kept; nothing is linked to the original, which the compiler would write into.
copy() {
    local to=$1 what
    rm -rf "$to"
    mkdir -p "$to/build/obj/tests"
    for what in Makefile lib daemon client proto scripts tests; do
        cp -a --reflink=auto "$what" "$to"
    done
    for what in gen flags obj/lib obj/daemon obj/tests/sim; do
        cp -a --reflink=auto "$build/$what" "$to/build/$what"
    done
    cp -a --reflink=auto "$build"/*.a "$build"/*.members "$to/build"
}

# Prints: verdict, name, seed, invariant, seconds.
try() {
    local name=$1 to=$place/$1 started=$SECONDS verdict=missed seed=- found=- breaks
    copy "$to"
    breaks=$(header "$name" Breaks)
    if ! patch -p1 -s --no-backup-if-mismatch -d "$to" <"$patches/$name.patch" &>"$to/log"; then
        verdict=no-patch
    elif ! make -C "$to" BUILD=build "build/$runner" &>"$to/log"; then
        verdict=no-build
    else
        "$to/build/$runner" --seeds "$(header "$name" Seeds)" --jobs 1 --stop &>"$to/log" || true
        read -r found seed < <(sed -nE 's/^violation: ([A-Z][0-9]+):.*\(seed ([0-9]+)\)$/\1 \2/p' \
            "$to/log") || true
        [[ -z $found ]] && found=- && seed=-
        [[ $found != - ]] && verdict=other
        [[ " $breaks " == *" $found "* ]] && verdict=caught
    fi
    [[ $verdict == caught ]] && rm -rf "$to"
    echo "$verdict $name $seed $found $((SECONDS - started))"
}
export -f header copy try

names=("$@")
if ((${#names[@]} == 0)); then
    for patch in "$patches"/*.patch; do
        name=${patch##*/}
        names+=("${name%.patch}")
    done
fi
most=0
for name in "${names[@]}"; do
    [[ -f $patches/$name.patch ]] || { echo "no such sabotage: $name" >&2; exit 2; }
    seeds=$(header "$name" Seeds)
    if ((seeds > most)); then most=$seeds; fi
done

mkdir -p "$place"
echo "The tree as it is, $most seeds:"
"$build/$runner" --seeds "$most" --jobs "$jobs" --stop >"$place/unpatched.log" 2>&1 ||
    { tail -n 20 "$place/unpatched.log"; exit 1; }
echo '  nothing violated'

# shellcheck disable=SC2016  # $1 is the inner shell's
printf '%s\n' "${names[@]}" | xargs -P "$jobs" -I {} bash -c 'try "$1"' - {} |
    tee "$place/results" | while read -r verdict name seed found seconds; do
    printf '%-9s %-22s seed %-5s %-4s %4d s   %s\n' "$verdict" "$name" "$seed" "$found" "$seconds" \
        "$(header "$name" Removes)"
done
caught=$(grep -c '^caught ' "$place/results" || true)
echo "$caught of ${#names[@]} caught"
((caught == ${#names[@]}))
