#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs what is missing, builds the release and packs it into build/packages: Debian packages (quantoscope, and quantoscope-dev
# for authors of plugins) and an archive that runs wherever it is unpacked.
set -eu
cd "$(dirname "$0")"
. .ci/setup.sh

# shellcheck disable=SC2086
install_missing $build_packages $package_packages
build release

work="build/release/packages"
rm -rf "$work"
cpack --config build/release/CPackConfig.cmake -B "$PWD/$work" -G "DEB;TXZ"
mkdir -p build/packages
mv "$work"/*.deb "$work"/*.tar.xz build/packages/
rm -rf "$work"
ls -sh build/packages
