// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/norms.h"
#include "engine/nn/kernels/row_kernels.h"
#include "engine/nn/operators/broadcast.h"

#include <array>
#include <cmath>

// Normalization over trailing axes: each row of [rows, size] by its own mean and deviation.

namespace qscope::engine::nn {

namespace {

/// The tensor as rows of normalized elements.
struct Rows {
    std::size_t axis = 0; ///< first of the normalized ones
    std::int64_t count = 0;
    std::int64_t size = 0;
    Shape inner; ///< of a row
};

Result<Rows> rowsOf(const Node& node, const Value& x) {
    const Shape& shape = x.shape();
    QSCOPE_TRY(const std::size_t axis, axisAt(attributeOr<std::int64_t>(node, "axis", -1), shape.size()));
    QSCOPE_TRY(const std::int64_t all, checkedCount(shape));
    if (all == 0) return fail(ErrorCode::OutOfRange, "a tensor of shape {} has nothing to normalize", describe(shape));
    return Rows{axis, productOf(shape, 0, axis), productOf(shape, axis, shape.size()),
                Shape(shape.begin() + static_cast<std::ptrdiff_t>(axis), shape.end())};
}

template<class T>
Result<std::vector<T>> factorsOf(const Value* value, const Rows& rows, DType type, const RunContext& context,
                                 std::string_view what) {
    if (!value) return std::vector<T>{};
    if (value->dtype() != type)
        return fail(ErrorCode::Unsupported, "{} is {}, not {}", what, info(value->dtype()).name, info(type).name);
    return expandedTo<T>(*value, rows.inner, context, what);
}

template<bool centred>
Outputs normalize(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const Value& x = *inputs[0];
    QSCOPE_TRY(const Rows rows, rowsOf(node, x));
    const double epsilon = attributeOr(node, "epsilon", 1e-5);
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        QSCOPE_TRY(const auto scale, factorsOf<T>(inputs[1], rows, x.dtype(), context.run, "the scale"));
        QSCOPE_TRY(const auto bias, factorsOf<T>(inputOf(inputs, 2), rows, x.dtype(), context.run, "the bias"));
        QSCOPE_TRY(std::vector<T> out, makeElements<T>(x.shape()));
        const kernels::Rows<T> all{elements<T>(x), out, rows.size};
        if constexpr (centred)
            QSCOPE_CHECK(kernels::layerNorm(all, scale, bias, epsilon, context.run));
        else
            QSCOPE_CHECK(kernels::rmsNorm(all, scale, epsilon, context.run));
        std::vector<Value> outputs{makeValue(x.shape(), std::move(out))};
        if (centred && (hasOutput(node, 1) || hasOutput(node, 2))) {
            Shape perRow = x.shape();
            std::fill(perRow.begin() + static_cast<std::ptrdiff_t>(rows.axis), perRow.end(), 1);
            std::vector<T> means(static_cast<std::size_t>(rows.count));
            std::vector<T> inverses(means.size());
            const auto& row = kernels::rowKernels<T>(kernels::bestInstructionSet());
            QSCOPE_CHECK(inParallel(rows.count, rows.size * 4, context.run, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t r = begin; r < end; ++r) {
                    const T* from = elements<T>(x).data() + r * rows.size;
                    const auto size = static_cast<double>(rows.size);
                    const double mean = row.sum(from, rows.size) / size;
                    const double variance = row.squares(from, rows.size, mean) / size;
                    means[static_cast<std::size_t>(r)] = static_cast<T>(mean);
                    inverses[static_cast<std::size_t>(r)] = static_cast<T>(1 / std::sqrt(variance + epsilon));
                }
            }));
            outputs.push_back(makeValue(perRow, std::move(means)));
            outputs.push_back(makeValue(perRow, std::move(inverses)));
        }
        return outputs;
    });
}

constexpr std::array kNormalization{
    Operator{"LayerNormalization", 2, 3, 3, real<normalize<true>>},
    Operator{"RMSNormalization", 2, 2, 1, real<normalize<false>>},
};

} // namespace

std::span<const Operator> normalizationOperators() { return kNormalization; }

} // namespace qscope::engine::nn
