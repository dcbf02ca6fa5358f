// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/npy.h"

#include "engine/checkpoint/npy_header.h"
#include "engine/core/atomic_file.h"
#include "engine/quantum/sim/density_matrix.h"

#include <algorithm>

namespace qscope::cli {

namespace {

constexpr std::uint64_t kChunk = std::uint64_t{1} << 18; ///< amplitudes at a time

} // namespace

Result<void> writeAmplitudes(const std::string& path, const engine::StateSnapshot& state, const RunContext& context) {
    const bool single = state.buffer->precision() == engine::Precision::Single;
    const std::uint64_t count = std::uint64_t{1} << state.qubits;
    QSCOPE_TRY(auto file, AtomicFile::create(path));
    QSCOPE_CHECK(file.write(engine::npyHeader(single ? "<c8" : "<c16", {static_cast<std::int64_t>(count)})));
    std::vector<std::complex<double>> wide;
    std::vector<std::complex<float>> narrow;
    for (std::uint64_t first = 0; first < count; first += kChunk) {
        if (context.cancelled()) return cancelled();
        wide.resize(static_cast<std::size_t>(std::min(kChunk, count - first)));
        QSCOPE_CHECK(context.backend.amplitudes(*state.buffer, first, wide));
        if (single) {
            narrow.assign(wide.size(), {});
            std::ranges::transform(wide, narrow.begin(), [](const std::complex<double>& a) { return std::complex<float>(a); });
            QSCOPE_CHECK(file.write(std::as_bytes(std::span(narrow))));
        } else {
            QSCOPE_CHECK(file.write(std::as_bytes(std::span(wide))));
        }
    }
    return file.commit();
}

Result<void> writeDensity(const std::string& path, const engine::DensityMatrix& density, const RunContext& context) {
    QSCOPE_TRY(const auto matrix, density.matrix(context));
    const auto size = std::int64_t{1} << density.qubits();
    QSCOPE_TRY(auto file, AtomicFile::create(path));
    QSCOPE_CHECK(file.write(engine::npyHeader("<c16", {size, size})));
    QSCOPE_CHECK(file.write(std::as_bytes(std::span(matrix))));
    return file.commit();
}

} // namespace qscope::cli
