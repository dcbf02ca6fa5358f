// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/block_families.h"
#include "engine/tensor/block_layout.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace qscope::engine::detail {

namespace {

namespace baseline {
#include "engine/tensor/search_lanes.inl"
#include "engine/tensor/search_affine.inl"
#include "engine/tensor/search_symmetric.inl"
} // namespace baseline

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define QSCOPE_HAS_AVX2_SEARCH
#pragma GCC push_options
#pragma GCC target("avx2")
namespace avx2 {
#include "engine/tensor/search_lanes.inl"
#include "engine/tensor/search_affine.inl"
#include "engine/tensor/search_symmetric.inl"
} // namespace avx2
#pragma GCC pop_options
#endif

} // namespace

#ifdef QSCOPE_HAS_AVX2_SEARCH
#define QSCOPE_SEARCH(name)                                                                                            \
    void name(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks) {                 \
        static const bool wide = __builtin_cpu_supports("avx2") != 0;                                                  \
        (wide ? avx2::name : baseline::name)(values, importance, block, blocks);                                       \
    }
#else
#define QSCOPE_SEARCH(name)                                                                                            \
    void name(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks) {                 \
        baseline::name(values, importance, block, blocks);                                                             \
    }
#endif

QSCOPE_SEARCH(searchQ4_0)
QSCOPE_SEARCH(searchQ4_1)
QSCOPE_SEARCH(searchQ5_0)
QSCOPE_SEARCH(searchQ5_1)
QSCOPE_SEARCH(searchQ2_K)
QSCOPE_SEARCH(searchQ3_K)
QSCOPE_SEARCH(searchQ4_K)
QSCOPE_SEARCH(searchQ5_K)
QSCOPE_SEARCH(searchQ6_K)
QSCOPE_SEARCH(searchIQ4_NL)
QSCOPE_SEARCH(searchIQ4_XS)

} // namespace qscope::engine::detail
