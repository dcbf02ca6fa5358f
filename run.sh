#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what is missing, builds, and opens the studio on the bundled sample, or on the files given.
# Without a display it runs the same main job headless and leaves report/index.html.
set -eu
cd "$(dirname "$0")"
. .ci/setup.sh

# shellcheck disable=SC2086
install_missing $build_packages
build release

bin="build/release/bin"
sample="resources/samples/bard"
if [ -n "${DISPLAY:-}" ] || [ -n "${WAYLAND_DISPLAY:-}" ]; then
    [ "$#" -gt 0 ] || set -- "$sample"
    exec "$bin/quantoscope" "$@"
fi

echo "No display: comparing seven methods on ${1:-$sample} instead of opening the window."
mkdir -p report
"$bin/qscope" compare "${1:-$sample}" -m rtn:bits=8,group=128 -m rtn:bits=4,group=128 -m rtn:bits=4,granularity=output-channel \
    -m q8_0 -m q4_0 -m q4_k -m q6_k -o report/index.html
"$bin/qscope" circuit resources/samples/circuits/teleportation.qasm --draw report/teleportation.svg
echo "The report is in report/index.html, a circuit in report/teleportation.svg."
