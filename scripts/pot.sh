#!/bin/sh
# The strings for people, as a template for translators.
#
#   scripts/pot.sh OUT.pot VERSION
#
# po/POTFILES lists the sources. Strings stand in _() and N_(); those of
# lib/error.h are the fourth column of its table.
set -eu

out=$1
version=$2

extract() {
    xgettext --language=C --from-code=UTF-8 --add-comments=Translators: --sort-by-file \
        --package-name=enlace --package-version="$version" --output="$out" "$@"
}

extract --keyword --keyword=X:4 lib/error.h
grep -v '^#' po/POTFILES | grep -vxF lib/error.h |
    extract --join-existing --keyword=_ --keyword=N_ --keyword=ngettext:1,2 --files-from=-
printf '%s: %d strings\n' "$out" "$(grep -c '^msgid' "$out")"
