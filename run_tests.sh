#!/usr/bin/env bash
# Installs what is missing, builds everything with warnings as errors, and runs every test.
# With --sanitize the build has the address and undefined-behaviour sanitizers in it.
# What follows goes to ctest: ./run_tests.sh -L unit
set -euo pipefail

# shellcheck source=.ci/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/.ci/setup.sh"

preset=dev
if [[ ${1-} == --sanitize ]]; then
    preset=asan-ubsan
    shift
fi

require_packages "${build_packages[@]}" "${test_packages[@]}"
build_preset "$preset"
cd "$root"
exec ctest --preset "$preset" --no-tests=error --parallel 2 "$@"
