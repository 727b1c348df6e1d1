#!/usr/bin/env bash
# Installs what is missing, builds everything with warnings as errors, and runs the tests: all but those that take
# long, which --all runs, too. With --sanitize the build has the address and undefined-behaviour sanitizers in it.
# What follows goes to ctest and chooses for itself: ./run_tests.sh -L unit
set -euo pipefail

# shellcheck source=.ci/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/.ci/setup.sh"

preset=dev
choice=(-LE long)
while [[ ${1-} == --sanitize || ${1-} == --all ]]; do
    [[ $1 == --sanitize ]] && preset=asan-ubsan || choice=()
    shift
done
(($# == 0)) || choice=()

require_packages "${build_packages[@]}" "${server_packages[@]}" "${test_packages[@]}"
build_preset "$preset"
cd "$root"
exec ctest --preset "$preset" --no-tests=error --parallel 2 "${choice[@]}" "$@"
