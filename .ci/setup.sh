# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by run.sh, test.sh and package.sh: brings the machine to where it can build. Debian 12 and newer; repeats in well under a second.

build_packages="build-essential cmake ninja-build ccache qt6-base-dev libqt6opengl6-dev qt6-charts-dev qt6-svg-dev libgl-dev
    libeigen3-dev libexpected-dev libfmt-dev nlohmann-json3-dev libcli11-dev libspdlog-dev libtbb-dev libnlopt-dev libpcre2-dev libutf8proc-dev zlib1g-dev pkg-config
    libvulkan-dev glslc fonts-dejavu-core"
test_packages="catch2 librapidcheck-dev libbenchmark-dev python3 python3-numpy mesa-vulkan-drivers vulkan-validationlayers
    xvfb xauth desktop-file-utils file patchelf zstd"
package_packages="file patchelf xz-utils qt6-wayland"

# install_missing PACKAGE...: says what it is about to install and installs it, as root or through sudo.
install_missing() {
    missing=""
    for package in "$@"; do
        case "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" in
            installed) ;;
            *) missing="$missing $package" ;;
        esac
    done
    [ -z "$missing" ] && return 0
    echo "Installing Debian packages:$missing"
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "Not root and no sudo here. As root, run: apt-get install --no-install-recommends$missing" >&2
            return 1
        fi
        as_root="sudo"
    fi
    # shellcheck disable=SC2086
    $as_root apt-get update -q && $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends $missing
}

# The compiler cache then serves every clone on the machine, wherever it lies.
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1

# build PRESET [TARGET...]: configures until that has succeeded once, then builds what changed.
build() {
    command -v ninja >/dev/null && export CMAKE_GENERATOR="${CMAKE_GENERATOR:-Ninja}"
    [ -f "build/$1/build.ninja" ] || [ -f "build/$1/Makefile" ] || cmake --preset "$1" || return 1
    preset="$1"
    shift
    cmake --build --preset "$preset" --parallel "$(nproc)" ${1:+--target "$@"}
}
