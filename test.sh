#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what is missing, builds, and runs the whole test suite: the developer build, then everything that reads
# files and texts under AddressSanitizer and UndefinedBehaviorSanitizer. `--setup-only` stops after the developer build (build/dev/bin).
set -eu
cd "$(dirname "$0")"
. .ci/setup.sh

# shellcheck disable=SC2086
install_missing $build_packages $test_packages
build dev
if [ "${1:-}" = "--setup-only" ]; then exit 0; fi

echo "== Tests of the developer build"
ctest --preset dev --parallel "$(nproc)"
echo "== What reads files and texts, under sanitizers"
readers="unit_core unit_checkpoint unit_onnx unit_nn unit_models"
for target in tests/fuzz/fuzz_*.cpp; do readers="$readers $(basename "$target" .cpp)"; done
# shellcheck disable=SC2086
build asan $readers
ctest --preset asan --parallel "$(nproc)" --tests-regex "^($(printf '%s' "$readers" | tr -s ' \n' '|'))\$"
