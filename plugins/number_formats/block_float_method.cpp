// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/block_scale.h"
#include "engine/quant/forms.h"
#include "engine/quant/named_grids.h"
#include "plugins/number_formats/grid_rounding.h"
#include "plugins/number_formats/methods.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>

namespace qscope::engine {

namespace {

MethodInfo describeBlockFloat() {
    MethodInfo info{
        "bfp",
        "Block floating point",
        "Number formats",
        "Trukhanov, Soloveychik, Accurate block quantization in LLMs with outliers, 2024",
        "Runs of weights share an exponent of 8 bits; channels are rearranged by their norm first, so that large ones "
        "fall into the same blocks. The paper rearranges the channels of keys, for the cache; here "
        "the same is done to the input channels of weights.",
        {{"mantissa",
          "Mantissa bits",
          ParamType::Integer,
          std::int64_t{4},
          2,
          8,
          {},
          "Width of one code, sign included.",
          "bit"},
         {"block",
          "Block size",
          ParamType::Integer,
          std::int64_t{32},
          2,
          1 << 20,
          {},
          "Weights along a row that share an exponent.",
          "weights"},
         {"sort",
          "Sort channels",
          ParamType::Flag,
          true,
          0,
          0,
          {},
          "Columns by descending norm before they are cut into blocks; the order is stored.",
          ""}}};
    info.help = {
        "Nothing is searched: the error is that of steps 2^(e - m + 2) below the largest magnitude of each block.",
        {"K-sort: columns by descending sum of squares; equal ones stay in order.",
         "Block of n columns of one row: e = floor(log2 max|w|), step 2^(e - m + 2), q = clamp(round(w / step), "
         "-2^(m-1), 2^(m-1) - 1)."},
        "A sort of the columns and one pass. m + 8 / n bits per weight, and log2(columns) bits per column for the "
        "order.",
        "The paper sorts the rows of W_k within a head, with the same order for W_q, so that the cached keys have "
        "their outliers in few blocks; the order is then free. Input channels of a weight can be folded "
        "in the same way where another weight makes them (v to o, up to down), but the order is counted everywhere "
        "here. Keys in the cache are not rearranged: the studio's grids for the cache have no such order."};
    return info;
}

class BlockFloatMethod final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        const MatrixShape matrix = asMatrix(subject.shape);
        const int mantissa = static_cast<int>(valueOf<std::int64_t>(parameters, "mantissa"));
        LevelCodes codes = outlineOn(
            integerGrid(mantissa, IntegerRange::Full),
            {matrix.rows, matrix.columns, 1, std::min(matrix.columns, valueOf<std::int64_t>(parameters, "block"))},
            ScaleType::F32);
        codes.levelSet = fmt::format("block float, {} bits", mantissa);
        codes.scaleType = DType::F8_E8M0;
        return ordered({subject.shape, std::move(codes)}, {}, parameters);
    }
    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_TRY(const auto outlined, outline(input.subject, parameters));
        QSCOPE_TRY(const auto matrix, finiteValues(input, context));
        const auto* sorted = formOf<ColumnTransformed>(outlined);
        LevelCodes codes = std::get<LevelCodes>((sorted ? *sorted->base : outlined).codes);
        const auto columns = static_cast<std::size_t>(codes.grouping.columns);
        std::vector<std::size_t> byNorm(columns); // column of the weight at each place of the base
        std::iota(byNorm.begin(), byNorm.end(), std::size_t{0});
        std::vector<std::int32_t> places;
        if (sorted) {
            std::vector<double> squares(columns);
            for (std::size_t i = 0; i < matrix.size(); ++i)
                squares[i % columns] += static_cast<double>(matrix[i]) * static_cast<double>(matrix[i]);
            std::ranges::stable_sort(byNorm, std::ranges::greater(),
                                     [&](std::size_t column) { return squares[column]; });
            places.resize(columns);
            for (std::size_t place = 0; place < columns; ++place)
                places[byNorm[place]] = static_cast<std::int32_t>(place);
        }
        std::vector<float> rearranged(matrix.size());
        for (std::size_t i = 0; i < matrix.size(); ++i)
            rearranged[i] = matrix[i / columns * columns + byNorm[i % columns]];
        const Grid grid = integerGrid(codes.bits, IntegerRange::Full);
        codes.codes.resize(matrix.size());
        codes.scales.resize(static_cast<std::size_t>(codes.grouping.count()));
        QSCOPE_CHECK(eachGroup(rearranged, {}, codes.grouping, context, [&](std::int64_t g, const GroupValues& group) {
            float largest = 0;
            for (const float x : group.values) largest = std::max(largest, std::abs(x));
            const float step = blockScale(BlockScale::FloorPower, largest, grid);
            codes.scales[static_cast<std::size_t>(g)] = step;
            for (std::size_t i = 0; i < group.values.size(); ++i)
                codes.codes[static_cast<std::size_t>(group.elements[i])] = grid.nearest(group.values[i] / step);
        }));
        return ordered({input.subject.shape, std::move(codes)}, std::move(places), parameters);
    }

private:
    [[nodiscard]] static QuantizedTensor ordered(QuantizedTensor base, std::vector<std::int32_t> places,
                                                 const ParamValues& parameters) {
        if (!valueOf<bool>(parameters, "sort")) return base;
        const Shape shape = base.shape;
        ColumnTransformed form;
        form.orderBits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(asMatrix(shape).columns - 1)));
        form.outlineHasOrder = true;
        form.order = std::move(places);
        form.base = std::make_shared<const QuantizedTensor>(std::move(base));
        return tensorOf(shape, std::move(form));
    }
    MethodInfo m_info = describeBlockFloat();
};

} // namespace

std::unique_ptr<QuantMethod> makeBlockFloat() { return std::make_unique<BlockFloatMethod>(); }

} // namespace qscope::engine
