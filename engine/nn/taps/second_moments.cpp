// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/taps/second_moments.h"

#include "engine/core/large_vector.h"
#include "engine/core/parallel.h"

#include <Eigen/Core>

#include <algorithm>

namespace qscope::engine::nn {

namespace {

/// Columns of a tile and rows of a product: three blocks of 64 KiB stay in the second cache.
constexpr std::int64_t kTile = 128;

using FloatRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using DoubleRows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Stride = Eigen::OuterStride<>;

} // namespace

SecondMoments::SecondMoments(std::int64_t channels)
    : m_channels(channels)
    , m_sums(largeVector<double>(static_cast<std::size_t>(channels * channels))) {}

std::uint64_t SecondMoments::bytes(std::int64_t channels) {
    return static_cast<std::uint64_t>(channels) * static_cast<std::uint64_t>(channels) * sizeof(double);
}

Result<void> SecondMoments::add(std::span<const float> rows, const RunContext& context) {
    const std::int64_t count = static_cast<std::int64_t>(rows.size()) / m_channels;
    const std::int64_t tiles = (m_channels + kTile - 1) / kTile;
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    // One item is one tile; those above the diagonal follow from the others.
    return parallelChunks(tiles * tiles, 1, quiet, [&](std::int64_t item, std::int64_t) -> Result<void> {
        const std::int64_t i = item / tiles * kTile;
        const std::int64_t j = item % tiles * kTile;
        if (j > i) return {};
        const std::int64_t height = std::min(kTile, m_channels - i);
        const std::int64_t width = std::min(kTile, m_channels - j);
        Eigen::Map<DoubleRows, 0, Stride> sums(m_sums.data() + i * m_channels + j, height, width, Stride(m_channels));
        FloatRows product(height, width);
        for (std::int64_t row = 0; row < count; row += kTile) {
            const std::int64_t taken = std::min(kTile, count - row);
            const float* first = rows.data() + row * m_channels;
            const Eigen::Map<const FloatRows, 0, Stride> left(first + i, taken, height, Stride(m_channels));
            const Eigen::Map<const FloatRows, 0, Stride> right(first + j, taken, width, Stride(m_channels));
            product.noalias() = left.transpose() * right;
            sums += product.cast<double>();
        }
        return {};
    });
}

std::vector<double> SecondMoments::take() {
    for (std::int64_t i = 0; i < m_channels; ++i)
        for (std::int64_t j = i + 1; j < m_channels; ++j)
            m_sums[static_cast<std::size_t>(i * m_channels + j)] = m_sums[static_cast<std::size_t>(j * m_channels + i)];
    return std::move(m_sums);
}

} // namespace qscope::engine::nn
