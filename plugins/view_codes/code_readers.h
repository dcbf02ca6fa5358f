// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/view_codes/code_use.h"

#include <memory>
#include <span>

namespace qscope {

/// Reads the codes of one known form. Safe to use from several threads.
class CodeReader {
public:
    virtual ~CodeReader() = default;
    /// Fills in levels, their unit and width, and the maps.
    virtual void describe(CodeUse& use) const = 0;
    /// Index in `CodeUse::levels` of an element's code.
    [[nodiscard]] virtual std::size_t level(std::int64_t element) const = 0;
    /// Where a weight would lie among the levels at this element, in their unit; not finite where its group has no
    /// range.
    [[nodiscard]] virtual double place(std::int64_t element, float weight) const = 0;
};

/// Null for forms that the engine does not know by their parts. The tensor outlives the reader.
[[nodiscard]] std::unique_ptr<CodeReader> readerOf(const engine::QuantizedTensor& tensor);

/// Elements placed among the levels that a form tells.
struct LevelSample {
    std::vector<std::int64_t> elements;
    std::vector<std::size_t> level; ///< rank of the nearest level to what the result holds
    std::vector<double> place;      ///< of the weight before rounding among the ranks; empty without weights
    std::size_t levels = 0;         ///< most that a group has
    int width = 0;                  ///< bits that so many levels need
    CodeMap steps;                  ///< mean distance of levels, on a coarse grid of elements
};

/// At most 65,536 elements, evenly spread. `weights`: as the codes saw them, or empty. Unsupported when no levels are
/// told.
[[nodiscard]] Result<LevelSample> sampledLevels(const engine::QuantizedTensor& tensor, std::span<const float> weights,
                                                const RunContext& context);

} // namespace qscope
