// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/quant/forms.h"
#include "engine/quant/trace.h"

#include <span>
#include <vector>

namespace qscope::engine {

/// The levels of a power function: ±(q / Q)^(1/a) for q = 0 to Q = 2^(bits-1) - 1, by code q + Q (signed q); the last
/// code repeats the largest. Source: Yvinec et al., PowerQuant, 2023, section 3.
struct PowerLevels {
    int bits = 4;
    float exponent = 1;   ///< a
    bool nearest = false; ///< borders half-way between levels; else half-way between their powers

    [[nodiscard]] int top() const { return (1 << (bits - 1)) - 1; }
    /// By code, 2^bits.
    [[nodiscard]] std::vector<float> table() const;
    /// Of magnitudes, between q and q + 1.
    [[nodiscard]] std::vector<float> borders() const;
    /// d level / d a by code.
    [[nodiscard]] std::vector<float> slopes() const;
};

inline constexpr float kLeastExponent = 0.1F, kLargestExponent = 4;

/// Squared errors of a whole tensor for any exponent: its magnitudes, each in parts of its scale, are sorted once.
class PowerError {
public:
    /// `scales`: one per magnitude.
    [[nodiscard]] static Result<PowerError> measure(std::span<const float> magnitudes, std::span<const float> scales,
                                                    const RunContext& context);
    [[nodiscard]] double of(const PowerLevels& levels) const;
    /// The exponent of least error: the best of a coarse walk, then golden section around it.
    [[nodiscard]] float bestExponent(PowerLevels levels) const;

private:
    std::vector<float> m_magnitudes;               ///< ascending
    std::vector<double> m_mass, m_first, m_second; ///< sums of s², s² u, s² u² over those before
};

/// A result of such levels without codes: one exponent in 32 bits for the tensor, a scale in 16 bits per group.
[[nodiscard]] TableCodes emptyPowerCodes(std::string name, int bits, const Grouping& grouping);

/// Fills in PowerQuant's result: half-precision scales that are the groups' largest magnitudes, the exponent of least
/// error (unless `levels.exponent` is given, above 0; it is left there), codes. Adds the elements to the context's
/// progress. `traces` (may be null) gets the error over the exponents when one was searched.
[[nodiscard]] Result<void> roundToPower(std::span<const float> matrix, PowerLevels& levels, TableCodes& codes,
                                        std::vector<Trace>* traces, const RunContext& context);

} // namespace qscope::engine
