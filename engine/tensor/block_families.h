// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace qscope::engine::detail {

// The decoders and encoders of the GGUF block types, one file per family; `blocks.h` chooses among them.

/// Whole blocks to values, in the reference decoder's order of operations, so that values agree to the last bit.
using BlockDecoder = void(const std::uint8_t* block, float* values, std::size_t blocks);

BlockDecoder decodeQ4_0, decodeQ4_1, decodeQ5_0, decodeQ5_1, decodeQ8_0, decodeQ8_1, decodeIQ4_NL, decodeMXFP4,
    decodeNVFP4, decodeQ1_0, decodeQ2_0;                                                      // decode_blocks.cpp
BlockDecoder decodeQ2_K, decodeQ3_K, decodeQ4_K, decodeQ5_K, decodeQ6_K, decodeQ8_K, decodeIQ4_XS, decodeTQ1_0,
    decodeTQ2_0;                                                                              // decode_super_blocks.cpp
BlockDecoder decodeIQ2_XXS, decodeIQ2_XS, decodeIQ2_S, decodeIQ3_XXS, decodeIQ3_S, decodeIQ1_S,
    decodeIQ1_M;                                                                              // decode_grid_blocks.cpp

/// Finite values to whole blocks by the reference encoder's rule.
using BlockEncoder = void(const float* values, std::uint8_t* block, std::size_t blocks);

BlockEncoder encodeQ4_0, encodeQ4_1, encodeQ5_0, encodeQ5_1, encodeQ8_0;                      // encode_simple_blocks.cpp
BlockEncoder encodeMXFP4, encodeNVFP4;                                                        // encode_fp4_blocks.cpp
#if defined(__x86_64__)
namespace wide { // the same bytes, for processors with AVX2
BlockEncoder encodeQ4_0, encodeQ4_1, encodeQ5_0, encodeQ5_1, encodeQ8_0, encodeMXFP4, encodeNVFP4; // encode_avx2.cpp
}
#endif
BlockEncoder encodeTQ1_0, encodeTQ2_0, encodeQ1_0, encodeQ2_0;                                // encode_ternary_blocks.cpp

/// Finite values to whole blocks by a search for the least weighted squared error. `importance` is null or one weight
/// per value.
using BlockSearch = void(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks);

BlockSearch searchQ4_0, searchQ4_1, searchQ5_0, searchQ5_1, searchQ2_K, searchQ3_K, searchQ4_K, searchQ5_K, searchQ6_K,
    searchIQ4_NL, searchIQ4_XS;                                                               // search_blocks.cpp

} // namespace qscope::engine::detail
