// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/taps/second_moments.h"

#include "engine/core/large_vector.h"
#include "engine/core/parallel.h"
#include "engine/nn/kernels/matmul.h"

#include <algorithm>

namespace qscope::engine::nn {

namespace {

/// Columns of a tile and rows of a product: both sides and the tile's product stay in the second cache.
constexpr std::int64_t kTile = 128, kRows = 256;

enum class Tiles { All, LowerTriangle };

/// Adds YᵀX to the sums, tile by tile; one item of the parallel loop is one tile.
Result<void> addProducts(std::span<const float> y, std::span<const float> x, std::int64_t channels, Tiles which, std::vector<double>& sums,
                         const RunContext& context) {
    const std::int64_t count = static_cast<std::int64_t>(x.size()) / channels;
    const std::int64_t tiles = (channels + kTile - 1) / kTile;
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    return parallelChunks(tiles * tiles, 1, quiet, [&](std::int64_t item, std::int64_t) -> Result<void> {
        const std::int64_t i = item / tiles * kTile, j = item % tiles * kTile;
        if (which == Tiles::LowerTriangle && j > i) return {};
        const std::int64_t height = std::min(kTile, channels - i), width = std::min(kTile, channels - j);
        std::vector<float> product(static_cast<std::size_t>(height * width));
        kernels::Scratch<float> scratch;
        for (std::int64_t row = 0; row < count; row += kRows) {
            kernels::multiplyHere({.rows = height, .columns = width, .inner = std::min(kRows, count - row),
                                   .left = {y.subspan(static_cast<std::size_t>(row * channels + i)), channels, true},
                                   .right = {x.subspan(static_cast<std::size_t>(row * channels + j)), channels},
                                   .result = product, .resultStride = width},
                                  scratch);
            for (std::int64_t r = 0; r < height; ++r) {
                double* target = sums.data() + (i + r) * channels + j;
                const float* source = product.data() + r * width;
                for (std::int64_t c = 0; c < width; ++c) target[c] += static_cast<double>(source[c]);
            }
        }
        return {};
    });
}

} // namespace

SecondMoments::SecondMoments(std::int64_t channels)
    : m_channels(channels)
    , m_sums(largeVector<double>(static_cast<std::size_t>(channels * channels))) {}

std::uint64_t SecondMoments::bytes(std::int64_t channels) {
    return static_cast<std::uint64_t>(channels) * static_cast<std::uint64_t>(channels) * sizeof(double);
}

Result<void> SecondMoments::add(std::span<const float> rows, const RunContext& context) {
    return addProducts(rows, rows, m_channels, Tiles::LowerTriangle, m_sums, context);
}

std::vector<double> SecondMoments::take() {
    for (std::int64_t i = 0; i < m_channels; ++i)
        for (std::int64_t j = i + 1; j < m_channels; ++j)
            m_sums[static_cast<std::size_t>(i * m_channels + j)] = m_sums[static_cast<std::size_t>(j * m_channels + i)];
    return std::move(m_sums);
}

CrossMoments::CrossMoments(std::int64_t channels)
    : m_channels(channels)
    , m_sums(largeVector<double>(static_cast<std::size_t>(channels * channels))) {}

Result<void> CrossMoments::add(std::span<const float> y, std::span<const float> x, const RunContext& context) {
    return addProducts(y, x, m_channels, Tiles::All, m_sums, context);
}

} // namespace qscope::engine::nn
