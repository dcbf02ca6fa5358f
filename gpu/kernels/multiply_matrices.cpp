// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/kernels/multiply_matrices.h"

#include "gpu/kernels/real.h"

#include <algorithm>

namespace qscope::gpu {
namespace {

constexpr std::uint32_t kShader[] = {
#include "gpu/shaders/multiply_matrices.inc"
};

constexpr std::uint32_t kTile = 64;

static_assert(sizeof(ProductPass) == 4 * 24 && sizeof(ProductPass) <= 128);
static_assert(kWorkgroupSize == 128, "the shader shares a tile among 16 x 8 invocations");

} // namespace

std::uint64_t productTiles(const ProductPass& pass, std::uint32_t outer) {
    const auto along = [](std::uint32_t size) { return (std::uint64_t{size} + kTile - 1) / kTile; };
    return along(pass.rows) * along(pass.columns) * pass.inner * outer;
}

void multiplyMatrices(Recorder& recorder, const ProductPass& pass, std::uint32_t count, const Buffer& a,
                      const Buffer& b, const Buffer& bias, const Buffer& c) {
    const Program program{.name = "multiply matrices",
                          .spirv = kShader,
                          .bindings = 4,
                          .pushBytes = sizeof(ProductPass),
                          .workgroupSize = kWorkgroupSize,
                          .constants = {}};
    ProductPass part = pass;
    part.tiles = std::min(pass.tiles, pass.first + count);
    dispatch(recorder, program, {{a}, {b}, {bias}, {c, Access::Write}}, part, std::uint64_t{count} * kWorkgroupSize);
}

} // namespace qscope::gpu
