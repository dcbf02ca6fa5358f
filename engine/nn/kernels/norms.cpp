// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/norms.h"

#include "engine/core/parallel.h"
#include "engine/nn/kernels/row_kernels.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace qscope::engine::kernels {

namespace {

constexpr std::int64_t kChunkValues = 1 << 15;

/// `work(kernels, x, y)` for every row.
template<class T, class Work>
Result<void> forEachRow(const Rows<T>& rows, const RunContext& context, const Work& work) {
    assert(rows.values.size() == rows.result.size());
    if (rows.size == 0) return {};
    const std::int64_t count = static_cast<std::int64_t>(rows.values.size()) / rows.size;
    assert(count * rows.size == static_cast<std::int64_t>(rows.values.size()));
    const RowKernels<T>& kernels = rowKernels<T>(rows.instructions);
    return parallelChunks(count, std::max<std::int64_t>(1, kChunkValues / rows.size), context,
                          [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                              for (; begin < end; ++begin)
                                  work(kernels, rows.values.data() + begin * rows.size,
                                       rows.result.data() + begin * rows.size);
                              return {};
                          });
}

template<class T>
const T* orNull(std::span<const T> values, [[maybe_unused]] std::int64_t count) {
    assert(values.empty() || static_cast<std::int64_t>(values.size()) == count);
    return values.empty() ? nullptr : values.data();
}

struct Moments {
    double mean, scale;
};
template<class T>
Moments moments(const RowKernels<T>& kernels, const T* x, std::int64_t count, double epsilon) {
    const double mean = kernels.sum(x, count) / static_cast<double>(count);
    return {mean, 1 / std::sqrt(kernels.squares(x, count, mean) / static_cast<double>(count) + epsilon)};
}

template<class T>
Result<void> rmsNormOf(const Rows<T>& rows, std::span<const T> weight, double epsilon, const RunContext& context) {
    const T* const factors = orNull(weight, rows.size);
    return forEachRow(rows, context, [&](const RowKernels<T>& kernels, const T* x, T* y) {
        const double scale = 1 / std::sqrt(kernels.squares(x, rows.size, 0) / static_cast<double>(rows.size) + epsilon);
        kernels.affine(x, rows.size, 0, scale, factors, nullptr, 1, y);
    });
}

template<class T>
Result<void> layerNormOf(const Rows<T>& rows, std::span<const T> weight, std::span<const T> bias, double epsilon,
                         const RunContext& context) {
    const T *const factors = orNull(weight, rows.size), *const shifts = orNull(bias, rows.size);
    return forEachRow(rows, context, [&](const RowKernels<T>& kernels, const T* x, T* y) {
        const auto [mean, scale] = moments(kernels, x, rows.size, epsilon);
        kernels.affine(x, rows.size, mean, scale, factors, shifts, 1, y);
    });
}

template<class T>
Result<void> groupNormOf(const ChannelGroups& shape, std::span<const T> values, std::span<T> result,
                         std::span<const T> weight, std::span<const T> bias, double epsilon,
                         const RunContext& context) {
    assert(shape.groups > 0 && shape.channels % shape.groups == 0);
    const T *const factors = orNull(weight, shape.channels), *const shifts = orNull(bias, shape.channels);
    const std::int64_t perGroup = shape.channels / shape.groups;
    const Rows<T> rows{values, result, perGroup * shape.inner};
    return forEachRow(rows, context, [&](const RowKernels<T>& kernels, const T* x, T* y) {
        const auto [mean, scale] = moments(kernels, x, rows.size, epsilon);
        const std::int64_t row = (x - values.data()) / rows.size, first = row % shape.groups * perGroup;
        for (std::int64_t c = 0; c < perGroup; ++c)
            kernels.affine(x + c * shape.inner, shape.inner, mean, scale, factors ? factors + first + c : nullptr,
                           shifts ? shifts + first + c : nullptr, 0, y + c * shape.inner);
    });
}

template<class T>
Result<void> softmaxOf(const Rows<T>& rows, const RunContext& context) {
    return forEachRow(rows, context, [&](const RowKernels<T>& kernels, const T* x, T* y) {
        const double sum = kernels.exponentials(x, rows.size, kernels.largest(x, rows.size), y);
        kernels.affine(y, rows.size, 0, 1 / sum, nullptr, nullptr, 1, y);
    });
}

template<class T>
Result<void> logSoftmaxOf(const Rows<T>& rows, const RunContext& context) {
    return forEachRow(rows, context, [&](const RowKernels<T>& kernels, const T* x, T* y) {
        constexpr std::int64_t kPart = 256; // the exponentials themselves are not wanted, and y may be x
        T part[kPart];
        const T largest = kernels.largest(x, rows.size);
        double sum = 0;
        for (std::int64_t i = 0; i < rows.size; i += kPart)
            sum += kernels.exponentials(x + i, std::min(kPart, rows.size - i), largest, part);
        kernels.affine(x, rows.size, static_cast<double>(largest) + std::log(sum), 1, nullptr, nullptr, 1, y);
    });
}

} // namespace

#define QSCOPE_NORMS(T)                                                                                                \
    Result<void> rmsNorm(const Rows<T>& rows, std::span<const T> weight, double epsilon, const RunContext& context) {  \
        return rmsNormOf(rows, weight, epsilon, context);                                                              \
    }                                                                                                                  \
    Result<void> layerNorm(const Rows<T>& rows, std::span<const T> weight, std::span<const T> bias, double epsilon,    \
                           const RunContext& context) {                                                                \
        return layerNormOf(rows, weight, bias, epsilon, context);                                                      \
    }                                                                                                                  \
    Result<void> groupNorm(const ChannelGroups& shape, std::span<const T> values, std::span<T> result,                 \
                           std::span<const T> weight, std::span<const T> bias, double epsilon,                         \
                           const RunContext& context) {                                                                \
        return groupNormOf(shape, values, result, weight, bias, epsilon, context);                                     \
    }                                                                                                                  \
    Result<void> softmax(const Rows<T>& rows, const RunContext& context) { return softmaxOf(rows, context); }          \
    Result<void> logSoftmax(const Rows<T>& rows, const RunContext& context) { return logSoftmaxOf(rows, context); }
QSCOPE_NORMS(float)
QSCOPE_NORMS(double)
#undef QSCOPE_NORMS

} // namespace qscope::engine::kernels
