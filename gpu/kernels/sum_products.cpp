// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/kernels/sum_products.h"

namespace qscope::gpu {
namespace {

constexpr std::uint32_t kSinglePairs[] = {
#include "gpu/shaders/sum_products_single_pairs.inc"
};
constexpr std::uint32_t kSingle[] = {
#include "gpu/shaders/sum_products_single.inc"
};
constexpr std::uint32_t kDouble[] = {
#include "gpu/shaders/sum_products_double.inc"
};

} // namespace

void sumProducts(Recorder& recorder, const Device& device, Real real, const ProductsPass& pass, const Buffer& a,
                 const Buffer& b, const Buffer& sums) {
    const Program program{.name = "sum products",
                          .spirv = real == Real::Double    ? std::span<const std::uint32_t>(kDouble)
                                   : device.info().float64 ? std::span<const std::uint32_t>(kSingle)
                                                           : std::span<const std::uint32_t>(kSinglePairs),
                          .bindings = 3,
                          .pushBytes = sizeof(ProductsPass),
                          .workgroupSize = kWorkgroupSize,
                          .constants = {}};
    dispatch(recorder, program, {{a, Access::Read}, {b, Access::Read}, {sums, Access::Write}}, pass, pass.count);
}

} // namespace qscope::gpu
