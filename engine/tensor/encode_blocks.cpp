// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/block_families.h"
#include "engine/tensor/blocks.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace qscope::engine {

namespace {

using namespace detail;

/// `encode` serves where there is no importance, and where it plays no part (no `search`); `wide`, if any, does the
/// same on processors with AVX2.
struct Encoder {
    DType type;
    BlockEncoder* encode = nullptr;
    BlockSearch* search = nullptr;
    BlockEncoder* wide = nullptr;
};

#if defined(__x86_64__)
#define QSCOPE_WIDE(encoder) wide::encoder
bool hasAvx2() { return __builtin_cpu_supports("avx2") != 0; }
#else
#define QSCOPE_WIDE(encoder) nullptr
bool hasAvx2() { return false; }
#endif

constexpr std::array kEncoders{
    Encoder{DType::Q4_0, encodeQ4_0, searchQ4_0, QSCOPE_WIDE(encodeQ4_0)},
    Encoder{DType::Q4_1, encodeQ4_1, searchQ4_1, QSCOPE_WIDE(encodeQ4_1)},
    Encoder{DType::Q5_0, encodeQ5_0, searchQ5_0, QSCOPE_WIDE(encodeQ5_0)},
    Encoder{DType::Q5_1, encodeQ5_1, searchQ5_1, QSCOPE_WIDE(encodeQ5_1)},
    Encoder{DType::Q8_0, encodeQ8_0, nullptr, QSCOPE_WIDE(encodeQ8_0)},
    Encoder{DType::MXFP4, encodeMXFP4, nullptr, QSCOPE_WIDE(encodeMXFP4)},
    Encoder{DType::NVFP4, encodeNVFP4, nullptr, QSCOPE_WIDE(encodeNVFP4)},
    Encoder{DType::TQ1_0, encodeTQ1_0, nullptr},
    Encoder{DType::TQ2_0, encodeTQ2_0, nullptr},
    Encoder{DType::Q1_0, encodeQ1_0, nullptr},
    Encoder{DType::Q2_0, encodeQ2_0, nullptr},
    Encoder{DType::Q2_K, nullptr, searchQ2_K},
    Encoder{DType::Q3_K, nullptr, searchQ3_K},
    Encoder{DType::Q4_K, nullptr, searchQ4_K},
    Encoder{DType::Q5_K, nullptr, searchQ5_K},
    Encoder{DType::Q6_K, nullptr, searchQ6_K},
    Encoder{DType::IQ4_NL, nullptr, searchIQ4_NL},
    Encoder{DType::IQ4_XS, nullptr, searchIQ4_XS},
};

} // namespace

bool canEncodeBlocks(DType type) { return std::ranges::find(kEncoders, type, &Encoder::type) != kEncoders.end(); }

void encodeBlocks(DType type, std::span<const float> values, std::span<const float> importance,
                  std::span<std::byte> blocks) {
    const auto encoder = std::ranges::find(kEncoders, type, &Encoder::type);
    assert(encoder != kEncoders.end());
    assert(importance.empty() || importance.size() == values.size());
    const std::size_t count = values.size() / static_cast<std::size_t>(info(type).blockLength);
    assert(count * static_cast<std::size_t>(info(type).blockBits / 8) == blocks.size());
    auto* const out = reinterpret_cast<std::uint8_t*>(blocks.data());
    static const bool hasWide = hasAvx2();
    if (encoder->encode != nullptr && (importance.empty() || encoder->search == nullptr))
        (hasWide && encoder->wide != nullptr ? encoder->wide : encoder->encode)(values.data(), out, count);
    else
        encoder->search(values.data(), importance.empty() ? nullptr : importance.data(), out, count);
}

} // namespace qscope::engine
