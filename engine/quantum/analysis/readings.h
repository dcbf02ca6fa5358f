// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/state_views.h"

namespace qscope::engine {

/// Where a probability lies, given what was counted.
struct Interval {
    double low = 0;
    double high = 1;
};
/// Standard normal deviate of a two-sided 95 % interval.
inline constexpr double kDeviate95 = 1.959963984540054;
/// The score interval for a binomial proportion: all p with |count / shots - p| <= z sqrt(p (1 - p) / shots). Stays
/// within [0, 1] and says something at counts of 0. Source: Wilson, "Probable inference, the law of succession, and
/// statistical inference", J. Am. Stat. Assoc. 22, 209 (1927). `shots` above 0.
[[nodiscard]] Interval wilsonInterval(std::int64_t count, std::int64_t shots, double z = kDeviate95);

/// The Wigner function of a qubit on the sphere: W(theta, phi) = tr(rho D) with the Stratonovich-Weyl kernel
/// D = 1/2 (1 + sqrt(3) n . sigma), n the direction (theta from |0>, phi from +x): 1/2 (1 + sqrt(3) r . n) for a Bloch
/// vector r. Integral over the sphere / 2 pi: 1. Between 1/2 (1 - sqrt 3) = -0.366 and 1/2 (1 + sqrt 3) = 1.366;
/// negative somewhere when |r| > 1 / sqrt(3). Source: Tilma, Everitt, Samson, Munro and Nemoto, "Wigner functions for
/// arbitrary quantum systems", Phys. Rev. Lett. 117, 180401 (2016), for spin 1/2, with |0> at the north pole.
[[nodiscard]] double wignerOf(const BlochVector& vector, double theta, double phi);

} // namespace qscope::engine
