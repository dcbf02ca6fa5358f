// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace qscope::bench {

/// Single-precision operations per second, on all cores, of one product of two square matrices: the best of a few runs.
[[nodiscard]] double productRate();

} // namespace qscope::bench
