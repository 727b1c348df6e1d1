#!/usr/bin/env bash
# Proves that the same commit gives the same bytes: builds program and Debian package twice, from clones in two
# directories whose names differ in length, at two times, and compares. Takes two whole builds, so ctest does not
# run it. With an argument the first package is left there.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for directory in one a-second/place; do
    git clone --quiet --no-local "$root" "$work/$directory"
    (
        cd "$work/$directory"
        umask 022 # cpack writes the modes of its own temporary files into the package
        cmake --workflow --preset package >"$work/log" 2>&1 || { tail -n 40 "$work/log" >&2; exit 1; }
    )
done

status=0
for name in pgtraffic "$(basename "$work"/one/build/package/*.deb)"; do
    first=$work/one/build/package/$name second=$work/a-second/place/build/package/$name
    sha256sum "$first" | sed "s#  .*#  $name#"
    if ! cmp "$first" "$second"; then
        echo "$name differs" >&2
        status=1
    fi
done
if strings -a "$work/one/build/package/pgtraffic" | grep -F "$work"; then
    echo "the program knows where it was built" >&2
    status=1
fi
if [[ $# -gt 0 ]]; then
    cp "$work"/one/build/package/*.deb "$1"
fi
((status == 0)) && echo "the same bytes twice"
exit "$status"
