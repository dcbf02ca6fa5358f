// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/kernels/sums.h"

#include <array>
#include <bit>

namespace qscope::gpu {

Result<std::vector<double>> readSums(const Device& device, const Buffer& sums, std::uint64_t count,
                                     const std::stop_token& stop) {
    std::vector<double> values(static_cast<std::size_t>(count));
    QSCOPE_CHECK(download(device, sums, 0, std::as_writable_bytes(std::span(values)), stop));
    if (device.info().float64) return values;
    for (double& value : values) {
        const auto pair = std::bit_cast<std::array<float, 2>>(value);
        value = double{pair[0]} + double{pair[1]};
    }
    return values;
}

} // namespace qscope::gpu
