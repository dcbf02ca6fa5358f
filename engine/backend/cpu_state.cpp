// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state.h"

#include "engine/backend/cpu_state_buffer.h"

#include <tbb/parallel_for.h>

#include <cstring>
#include <fstream>
#include <string>

namespace qscope::engine::cpu {

namespace {

constexpr std::uint64_t kReserve = 256u << 20; ///< left to the rest of the machine
constexpr std::uint64_t kHugePage = 2u << 20;
constexpr std::uint64_t kSmallPage = 4096;

std::string readableBytes(std::uint64_t bytes) {
    constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 1024 && unit < 6; ++unit) value /= 1024;
    return fmt::format("{:.4g} {}", value, kUnits[unit]);
}

/// Large states are mappings, which are zero already. Their pages are large, where the system lets us, because gates on
/// high qubits walk with large strides; they are touched at once, on all cores, so that the next state finds what is
/// really free.
CpuState::Memory zeroedMemory(std::size_t bytes) {
    if (bytes < kHugePage) {
        CpuState::Memory memory(std::aligned_alloc(64, bytes), {});
        if (memory) std::memset(memory.get(), 0, bytes);
        return memory;
    }
    const std::size_t room = bytes + kHugePage; // to begin at a border of large pages
    void* const mapping = ::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) return {nullptr, {}};
    const auto address = reinterpret_cast<std::uintptr_t>(mapping);
    const std::size_t before = (kHugePage - address % kHugePage) % kHugePage;
    auto* const memory = static_cast<std::byte*>(mapping) + before;
    if (before > 0) ::munmap(mapping, before);
    if (before < kHugePage) ::munmap(memory + bytes, kHugePage - before);
    ::madvise(memory, bytes, MADV_HUGEPAGE);
    tbb::parallel_for(std::size_t{0}, bytes / kHugePage, [memory](std::size_t page) {
        for (std::size_t at = 0; at < kHugePage; at += kSmallPage)
            *static_cast<volatile std::byte*>(memory + page * kHugePage + at) = {};
    });
    return {memory, {bytes}};
}

} // namespace

std::uint64_t stateBytes(int bits, Precision precision) {
    const int amplitude = precision == Precision::Single ? 3 : 4; // 8 or 16 bytes
    return bits + amplitude >= 64 ? UINT64_MAX : std::uint64_t{1} << (bits + amplitude);
}

std::uint64_t freeMemory() {
    std::ifstream file("/proc/meminfo");
    std::string key;
    std::uint64_t kibibytes = 0;
    while (file >> key >> kibibytes) {
        if (key == "MemAvailable:") return kibibytes * 1024 > kReserve ? kibibytes * 1024 - kReserve : 0;
        std::getline(file, key);
    }
    return 0;
}

Result<std::unique_ptr<StateBuffer>> makeState(int bits, Precision precision) {
    if (bits < 0) return fail(ErrorCode::OutOfRange, "a state of {} qubits", bits);
    const std::uint64_t bytes = stateBytes(bits, precision);
    if (const std::uint64_t available = freeMemory(); bytes > available) {
        int fits = bits;
        while (fits > 0 && stateBytes(fits, precision) > available) --fits;
        return fail(ErrorCode::OutOfMemory, "{} qubits in {} precision need {}, {} are free; {} qubits would fit", bits,
                    precision == Precision::Single ? "single" : "double",
                    bytes == UINT64_MAX ? "more than 16 EiB" : readableBytes(bytes), readableBytes(available), fits);
    }
    CpuState::Memory memory = zeroedMemory(std::max<std::uint64_t>(bytes, 64));
    if (!memory) return fail(ErrorCode::OutOfMemory, "the system refused {} for a state", readableBytes(bytes));
    auto state = std::make_unique<CpuState>(bits, precision, std::move(memory));
    withReal(*state, [&](auto real) { state->liveReals<decltype(real)>()[0] = 1; });
    return state;
}

Result<std::unique_ptr<StateBuffer>> copyState(const StateBuffer& state) {
    QSCOPE_TRY(const CpuState* const mine, own(state));
    QSCOPE_TRY(auto copy, makeState(mine->bits(), mine->precision()));
    withReal(*mine, [&](auto real) {
        using Real = decltype(real);
        std::memcpy(static_cast<CpuState&>(*copy).reals<Real>(), mine->reals<Real>(), 2 * sizeof(Real) * mine->size());
    });
    return copy;
}

Result<void> amplitudes(const StateBuffer& state, std::uint64_t first, std::span<std::complex<double>> out) {
    QSCOPE_TRY(const CpuState* const mine, own(state));
    if (first > mine->size() || out.size() > mine->size() - first)
        return fail(ErrorCode::OutOfRange, "amplitudes {} to {} of {}", first, first + out.size(), mine->size());
    withReal(*mine, [&](auto real) {
        const auto* from = mine->reals<decltype(real)>() + 2 * first;
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] = {static_cast<double>(from[2 * i]), static_cast<double>(from[2 * i + 1])};
    });
    return {};
}

} // namespace qscope::engine::cpu
