// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/quant/quantized_tensor.h"

#include <cstdint>
#include <string>
#include <vector>

namespace qscope {

/// A matrix to be drawn, row-major; empty: there is none.
struct CodeMap {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::vector<float> values;
    std::int64_t rowsPer = 1;    ///< rows of the tensor that a row of the map stands for
    std::int64_t columnsPer = 1; ///< columns of the tensor that a column of the map stands for
};

/// A weight that is stored by itself.
struct StoredApart {
    std::int64_t row = 0;
    std::int64_t column = 0;
    float value = 0;
};

/// What the positions of levels mean.
enum class LevelUnit : std::uint8_t {
    Code,  ///< the code's number
    Scale, ///< value in parts of the group's scale
    Value, ///< mean value of the level over all tables
    Rank   ///< place of the level among those of its group, from 0
};

/// How the codes of a quantized tensor are used, and what goes with them.
struct CodeUse {
    std::string form;         ///< of the codes, without what is wrapped around them
    std::int64_t weights = 0; ///< of the tensor
    std::int64_t counted = 0; ///< whose codes were counted: all that are not stored apart, or a sample of them
    int width = 0;            ///< bits of a code
    LevelUnit unit = LevelUnit::Code;
    std::vector<double> levels; ///< ascending
    std::vector<double> counts; ///< weights on each level
    std::vector<double> edges;  ///< of the histogram of the weights before rounding, in the same unit; empty: not known
    std::vector<double> histogram;
    double beyond = 0; ///< weights outside the edges
    CodeMap scales;
    CodeMap zeros; ///< zero points, or offsets
    bool zerosAreOffsets = false;
    bool scalesAreSteps = false;    ///< mean distances of levels, where the form tells no scales
    CodeMap tables;                 ///< [tables, levels], ascending
    std::vector<StoredApart> apart; ///< ascending by row, in the tensor's own order of columns

    /// -sum p log2 p over the levels: what a code takes on average when it is coded as short as its frequency allows
    /// (Shannon, 1948). 0 without codes.
    [[nodiscard]] double entropyBits() const;
};

/// Counts the codes of a result, behind column factors, low-rank parts and weights stored apart. `original`: the
/// weights before rounding, or null. Forms that the engine knows are counted whole; of others (GGUF blocks, forms of
/// methods' own) up to 65,536 weights, spread evenly, are placed among the levels that the form tells. Unsupported when
/// it tells none.
[[nodiscard]] Result<CodeUse> codeUse(const engine::QuantizedTensor& tensor, const engine::TensorView* original,
                                      const RunContext& context);

} // namespace qscope
