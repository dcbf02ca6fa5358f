// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace qscope::engine::detail {

/// `Points` points of a lattice of `Width` dimensions; a code of an IQ type is the number of such a point, whose
/// coordinates are `Width` neighbouring values.
template<std::size_t Points, std::size_t Width>
using GridTable = std::array<std::array<std::int8_t, Width>, Points>;

extern const GridTable<256, 8> kGridIQ2_XXS;
extern const GridTable<512, 8> kGridIQ2_XS;
extern const GridTable<1024, 8> kGridIQ2_S;
extern const GridTable<256, 4> kGridIQ3_XXS;
extern const GridTable<512, 4> kGridIQ3_S;
extern const GridTable<2048, 8> kGridIQ1; ///< of IQ1_S and IQ1_M

} // namespace qscope::engine::detail
