// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/convolution.h"

#include "engine/core/checked_math.h"
#include "engine/nn/kernels/matmul.h"
#include "engine/nn/kernels/row_kernels.h"

#include <algorithm>
#include <cassert>

namespace qscope::engine::kernels {

namespace {

constexpr std::int64_t kColumnValues = 1 << 18; // of unfolded input per task

/// Positions of a coarse grid (the result of a convolution, the input of a transposed one) and where kernel position k
/// of them lies in a fine grid: p * stride - pad + k * dilation.
struct Grids {
    Extents coarse, fine, kernel, strides, dilations, pads;
    std::int64_t coarseCount, fineCount, kernelCount;

    Grids(const Convolution& c, Extents coarseShape, Extents fineShape)
        : coarse(std::move(coarseShape))
        , fine(std::move(fineShape))
        , kernel(c.kernel)
        , strides(c.strides)
        , dilations(c.dilations)
        , pads(c.padsBegin)
        , coarseCount(elementsOf(coarse))
        , fineCount(elementsOf(fine))
        , kernelCount(elementsOf(kernel)) {}

    /// A piece of one line along the last axis: `count` coarse positions from `position` on, of which [begin, end) lie
    /// within the fine grid, the one at `begin` at `offset`, the next one `step` further.
    struct Run {
        std::int64_t position, count, begin, end, offset, step;
    };

    /// `visit(Run)` for the coarse positions [first, last) and one kernel position.
    template<class Visit>
    void forEachRun(std::int64_t k, std::int64_t first, std::int64_t last, const Visit& visit) const {
        const std::size_t inner = coarse.size() - 1;
        while (first < last) {
            const std::int64_t start = first % coarse[inner], count = std::min(coarse[inner] - start, last - first);
            std::int64_t rest = first / coarse[inner], kernelRest = k / kernel[inner], offset = 0, stride = fine[inner];
            bool inside = true;
            for (std::size_t axis = inner; axis-- > 0;) {
                const std::int64_t at =
                    rest % coarse[axis] * strides[axis] - pads[axis] + kernelRest % kernel[axis] * dilations[axis];
                rest /= coarse[axis];
                kernelRest /= kernel[axis];
                inside = inside && at >= 0 && at < fine[axis];
                offset += at * stride;
                stride *= fine[axis];
            }
            const std::int64_t step = strides[inner], shift = k % kernel[inner] * dilations[inner] - pads[inner];
            // shift + (start + i) * step within [0, fine)
            const auto firstFrom =
                [&](std::int64_t least) { // the least i >= 0 with shift + (start + i) * step >= least
                    const std::int64_t missing = least - shift - start * step;
                    return missing <= 0 ? std::int64_t{0} : std::min(count, ceilDiv(missing, step));
                };
            Run run{first, count, 0, 0, 0, step};
            if (inside) {
                run.begin = firstFrom(0);
                run.end = std::max(run.begin, firstFrom(fine[inner]));
                run.offset = offset + shift + (start + run.begin) * step;
            }
            visit(run);
            first += count;
        }
    }
};

Result<void> checkLists(const Convolution& c) {
    const std::size_t axes = c.input.size();
    if (axes == 0) return fail(ErrorCode::Malformed, "a convolution needs at least one spatial axis");
    for (const Extents* list : {&c.kernel, &c.strides, &c.dilations, &c.padsBegin, &c.padsEnd})
        if (list->size() != axes)
            return fail(ErrorCode::Malformed, "a convolution over {} axes has a list of {} entries", axes,
                        list->size());
    for (std::size_t axis = 0; axis < axes; ++axis)
        if (c.kernel[axis] < 1 || c.strides[axis] < 1 || c.dilations[axis] < 1 || c.input[axis] < 0)
            return fail(ErrorCode::Malformed,
                        "kernel {}, stride {}, dilation {} and input {} of axis {} must be positive", c.kernel[axis],
                        c.strides[axis], c.dilations[axis], c.input[axis], axis);
    if (c.groups < 1 || c.inChannels % c.groups != 0 || c.outChannels % c.groups != 0)
        return fail(ErrorCode::Malformed, "{} groups do not divide {} and {} channels", c.groups, c.inChannels,
                    c.outChannels);
    return {};
}

template<class T>
void fillWithBias(std::span<const T> bias, std::int64_t channel, T* y, std::int64_t count) {
    std::fill(y, y + count, bias.empty() ? T(0) : bias[static_cast<std::size_t>(channel)]);
}

/// One input channel per group.
template<class T>
Result<void> convolveDepthwise(const Convolution& c, const Grids& grids, const T* x, const T* weight,
                               std::span<const T> bias, T* y, const RunContext& context) {
    const RowKernels<T>& kernels = rowKernels<T>(bestInstructionSet());
    const std::int64_t perGroup = c.outChannels / c.groups;
    const std::int64_t grain = std::max<std::int64_t>(1, (1 << 15) / (grids.coarseCount * grids.kernelCount + 1));
    return parallelChunks(c.batch * c.outChannels, grain, context,
                          [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                              for (std::int64_t plane = begin; plane < end; ++plane) {
                                  const std::int64_t item = plane / c.outChannels, channel = plane % c.outChannels;
                                  const T* const in = x + (item * c.inChannels + channel / perGroup) * grids.fineCount;
                                  T* const out = y + plane * grids.coarseCount;
                                  fillWithBias(bias, channel, out, grids.coarseCount);
                                  for (std::int64_t k = 0; k < grids.kernelCount; ++k) {
                                      const T factor = weight[channel * grids.kernelCount + k];
                                      grids.forEachRun(k, 0, grids.coarseCount, [&](const Grids::Run& run) {
                                          T* const target = out + run.position + run.begin;
                                          const std::int64_t count = run.end - run.begin;
                                          if (run.step == 1)
                                              return kernels.addScaled(in + run.offset, count, factor, target);
                                          for (std::int64_t i = 0; i < count; ++i)
                                              target[i] += factor * in[run.offset + i * run.step];
                                      });
                                  }
                              }
                              return {};
                          });
}

/// Rows (channel, kernel position) of the input as the coarse positions [first, first + count) see it.
template<class T>
void unfold(const Grids& grids, const T* x, std::int64_t channels, std::int64_t first, std::int64_t count, T* columns) {
    for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t k = 0; k < grids.kernelCount; ++k, columns += count)
            grids.forEachRun(k, first, first + count, [&](const Grids::Run& run) {
                T* const row = columns + run.position - first;
                const T* const in = x + c * grids.fineCount + run.offset;
                std::fill(row, row + run.begin, T(0));
                if (run.step == 1)
                    std::copy_n(in, run.end - run.begin, row + run.begin);
                else
                    for (std::int64_t i = run.begin; i < run.end; ++i) row[i] = in[(i - run.begin) * run.step];
                std::fill(row + run.end, row + run.count, T(0));
            });
}

template<class T>
Result<void> convolveAny(const Convolution& c, std::span<const T> x, std::span<const T> weight, std::span<const T> bias,
                         std::span<T> y, const RunContext& context) {
    QSCOPE_TRY(const Extents output, convolvedShape(c));
    const Grids grids(c, output, c.input);
    const std::int64_t in = c.inChannels / c.groups, out = c.outChannels / c.groups, terms = in * grids.kernelCount;
    assert(static_cast<std::int64_t>(x.size()) == c.batch * c.inChannels * grids.fineCount);
    assert(static_cast<std::int64_t>(weight.size()) == c.outChannels * terms);
    assert(static_cast<std::int64_t>(y.size()) == c.batch * c.outChannels * grids.coarseCount);
    if (y.empty()) return {};
    if (in == 1) return convolveDepthwise(c, grids, x.data(), weight.data(), bias, y.data(), context);

    // A kernel of one position without strides and pads reads the input as it lies.
    const bool asItLies = grids.kernelCount == 1 && output == c.input &&
                          std::ranges::all_of(c.strides, [](auto s) { return s == 1; }) &&
                          std::ranges::all_of(c.padsBegin, [](auto pad) { return pad == 0; });
    const std::int64_t width =
        std::clamp<std::int64_t>(kColumnValues / std::max<std::int64_t>(terms, 1) / 32 * 32, 64, 4096);
    const std::int64_t blocks = ceilDiv(grids.coarseCount, width);
    return parallelChunks(
        c.batch * c.groups * blocks, 1, context, [&](std::int64_t task, std::int64_t) -> Result<void> {
            const std::int64_t first = task % blocks * width, group = task / blocks % c.groups,
                               item = task / blocks / c.groups;
            const std::int64_t count = std::min(width, grids.coarseCount - first);
            const T* const source = x.data() + (item * c.inChannels + group * in) * grids.fineCount;
            const std::int64_t target = (item * c.outChannels + group * out) * grids.coarseCount + first;
            for (std::int64_t o = 0; o < out; ++o)
                fillWithBias(bias, group * out + o, y.data() + target + o * grids.coarseCount, count);
            Scratch<T> unfolded, scratch;
            MatrixProduct<T> product;
            product.rows = out;
            product.columns = count;
            product.inner = terms;
            product.left = {weight.subspan(static_cast<std::size_t>(group * out * terms)), terms};
            if (asItLies) {
                product.right = {x.subspan(static_cast<std::size_t>(source - x.data() + first)), grids.fineCount};
            } else {
                T* const columns = unfolded.reserve(terms * count);
                unfold(grids, source, in, first, count, columns);
                product.right = {{columns, static_cast<std::size_t>(terms * count)}, count};
            }
            product.result = y.subspan(static_cast<std::size_t>(target));
            product.resultStride = grids.coarseCount;
            product.accumulate = true;
            multiplyHere(product, scratch);
            return {};
        });
}

template<class T>
Result<void> convolveTransposedAny(const Convolution& c, const Extents& outputPadding, std::span<const T> x,
                                   std::span<const T> weight, std::span<const T> bias, std::span<T> y,
                                   const RunContext& context) {
    QSCOPE_TRY(const Extents output, transposedShape(c, outputPadding));
    const Grids grids(c, c.input, output);
    const std::int64_t in = c.inChannels / c.groups, out = c.outChannels / c.groups;
    assert(static_cast<std::int64_t>(x.size()) == c.batch * c.inChannels * grids.coarseCount);
    assert(static_cast<std::int64_t>(weight.size()) == c.inChannels * out * grids.kernelCount);
    assert(static_cast<std::int64_t>(y.size()) == c.batch * c.outChannels * grids.fineCount);
    if (y.empty()) return {};
    const std::int64_t channels = std::clamp<std::int64_t>(
        kColumnValues / std::max<std::int64_t>(grids.kernelCount * grids.coarseCount, 1), 1, out);
    const std::int64_t parts = ceilDiv(out, channels);
    return parallelChunks(c.batch * c.groups * parts, 1, context, [&](std::int64_t task, std::int64_t) -> Result<void> {
        const std::int64_t first = task % parts * channels, group = task / parts % c.groups,
                           item = task / parts / c.groups;
        const std::int64_t count = std::min(channels, out - first);
        T* const target = y.data() + (item * c.outChannels + group * out + first) * grids.fineCount;
        for (std::int64_t o = 0; o < count; ++o)
            fillWithBias(bias, group * out + first + o, target + o * grids.fineCount, grids.fineCount);
        if (grids.coarseCount == 0) return {};
        Scratch<T> shares, scratch;
        T* const columns = shares.reserve(count * grids.kernelCount * grids.coarseCount);
        MatrixProduct<T> product;
        product.rows = count * grids.kernelCount;
        product.columns = grids.coarseCount;
        product.inner = in;
        product.left = {weight.subspan(static_cast<std::size_t>((group * in * out + first) * grids.kernelCount)),
                        out * grids.kernelCount, true};
        product.right = {x.subspan(static_cast<std::size_t>((item * c.inChannels + group * in) * grids.coarseCount)),
                         grids.coarseCount};
        product.result = {columns, static_cast<std::size_t>(product.rows * product.columns)};
        product.resultStride = grids.coarseCount;
        multiplyHere(product, scratch);
        for (std::int64_t o = 0; o < count; ++o)
            for (std::int64_t k = 0; k < grids.kernelCount; ++k) {
                const T* const share = columns + (o * grids.kernelCount + k) * grids.coarseCount;
                grids.forEachRun(k, 0, grids.coarseCount, [&](const Grids::Run& run) {
                    T* const fine = target + o * grids.fineCount + run.offset;
                    for (std::int64_t i = run.begin; i < run.end; ++i)
                        fine[(i - run.begin) * run.step] += share[run.position + i];
                });
            }
        return {};
    });
}

} // namespace

Result<Extents> convolvedShape(const Convolution& c) {
    QSCOPE_CHECK(checkLists(c));
    Extents output;
    for (std::size_t axis = 0; axis < c.input.size(); ++axis) {
        const std::int64_t room =
            c.input[axis] + c.padsBegin[axis] + c.padsEnd[axis] - c.dilations[axis] * (c.kernel[axis] - 1) - 1;
        if (room < 0)
            return fail(ErrorCode::Unsupported,
                        "a kernel of {} with dilation {} does not fit an input of {} with pads {} and {}",
                        c.kernel[axis], c.dilations[axis], c.input[axis], c.padsBegin[axis], c.padsEnd[axis]);
        output.push_back(room / c.strides[axis] + 1);
    }
    return output;
}

Result<Extents> transposedShape(const Convolution& c, const Extents& outputPadding) {
    QSCOPE_CHECK(checkLists(c));
    if (outputPadding.size() != c.input.size())
        return fail(ErrorCode::Malformed, "a convolution over {} axes has {} output pads", c.input.size(),
                    outputPadding.size());
    Extents output;
    for (std::size_t axis = 0; axis < c.input.size(); ++axis) {
        const std::int64_t size = (c.input[axis] - 1) * c.strides[axis] - c.padsBegin[axis] - c.padsEnd[axis] +
                                  c.dilations[axis] * (c.kernel[axis] - 1) + 1 + outputPadding[axis];
        if (size < 0) return fail(ErrorCode::Unsupported, "pads leave {} positions of axis {}", size, axis);
        output.push_back(size);
    }
    return output;
}

Result<void> convolve(const Convolution& convolution, std::span<const float> x, std::span<const float> weight,
                      std::span<const float> bias, std::span<float> y, const RunContext& context) {
    return convolveAny(convolution, x, weight, bias, y, context);
}
Result<void> convolve(const Convolution& convolution, std::span<const double> x, std::span<const double> weight,
                      std::span<const double> bias, std::span<double> y, const RunContext& context) {
    return convolveAny(convolution, x, weight, bias, y, context);
}
Result<void> convolveTransposed(const Convolution& convolution, const Extents& outputPadding, std::span<const float> x,
                                std::span<const float> weight, std::span<const float> bias, std::span<float> y,
                                const RunContext& context) {
    return convolveTransposedAny(convolution, outputPadding, x, weight, bias, y, context);
}
Result<void> convolveTransposed(const Convolution& convolution, const Extents& outputPadding, std::span<const double> x,
                                std::span<const double> weight, std::span<const double> bias, std::span<double> y,
                                const RunContext& context) {
    return convolveTransposedAny(convolution, outputPadding, x, weight, bias, y, context);
}

} // namespace qscope::engine::kernels
