// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/npy.h"

#include "engine/core/atomic_file.h"

#include <algorithm>

namespace qscope::cli {

namespace {

constexpr std::uint64_t kChunk = std::uint64_t{1} << 18; ///< amplitudes at a time

std::string header(const char* type, std::uint64_t count) {
    std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({},), }}", type, count);
    const std::size_t prefix = 10; // magic, version, length
    text.append(63 - (prefix + text.size()) % 64, ' ');
    text += '\n';
    const auto length = static_cast<unsigned>(text.size());
    return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(length & 0xFFu) + static_cast<char>(length >> 8) + text;
}

} // namespace

Result<void> writeAmplitudes(const std::string& path, const engine::StateSnapshot& state, const RunContext& context) {
    const bool single = state.buffer->precision() == engine::Precision::Single;
    const std::uint64_t count = std::uint64_t{1} << state.qubits;
    QSCOPE_TRY(auto file, AtomicFile::create(path));
    QSCOPE_CHECK(file.write(header(single ? "<c8" : "<c16", count)));
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

} // namespace qscope::cli
