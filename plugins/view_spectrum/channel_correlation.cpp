// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_spectrum/channel_correlation.h"

#include "engine/core/parallel.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qscope {

namespace {

/// The channels of a row-major matrix, whichever way they lie.
struct Channels {
    std::span<const float> matrix;
    std::int64_t count, length, channelStride, entryStride;

    [[nodiscard]] double at(std::int64_t channel, std::int64_t entry) const {
        return static_cast<double>(matrix[static_cast<std::size_t>(channel * channelStride + entry * entryStride)]);
    }
};

std::vector<std::int64_t> chosen(const Channels& channels, ChannelChoice choice, std::int64_t most) {
    std::vector<std::int64_t> indices(static_cast<std::size_t>(channels.count));
    std::iota(indices.begin(), indices.end(), std::int64_t{0});
    if (channels.count <= most) return indices;
    if (choice == ChannelChoice::Spread) {
        for (std::int64_t i = 0; i < most; ++i) indices[static_cast<std::size_t>(i)] = i * channels.count / most;
    } else {
        std::vector<double> norms(indices.size());
        for (std::int64_t channel = 0; channel < channels.count; ++channel)
            for (std::int64_t entry = 0; entry < channels.length; ++entry)
                norms[static_cast<std::size_t>(channel)] += channels.at(channel, entry) * channels.at(channel, entry);
        std::ranges::stable_sort(indices, std::greater<>(),
                                 [&](std::int64_t i) { return norms[static_cast<std::size_t>(i)]; });
    }
    indices.resize(static_cast<std::size_t>(most));
    std::ranges::sort(indices);
    return indices;
}

} // namespace

Result<ChannelCorrelation> channelCorrelation(std::span<const float> matrix, const engine::MatrixShape& shape,
                                              bool ofRows, ChannelChoice choice, std::int64_t most,
                                              const RunContext& given) {
    Progress unseen;
    const RunContext context{given.stop, unseen, given.notes, given.backend};
    if (!std::ranges::all_of(matrix, [](float x) { return std::isfinite(x); }))
        return fail(ErrorCode::OutOfRange, "the matrix holds values that are not finite");
    const Channels channels = ofRows ? Channels{matrix, shape.rows, shape.columns, shape.columns, 1}
                                     : Channels{matrix, shape.columns, shape.rows, 1, shape.columns};
    ChannelCorrelation found;
    found.all = channels.count;
    found.channels = chosen(channels, choice, most);
    found.byChance = channels.length > 1 ? 1 / std::sqrt(static_cast<double>(channels.length - 1)) : 0;
    // Centred and of length 1, channel after channel.
    const auto count = static_cast<std::int64_t>(found.channels.size());
    const auto length = static_cast<std::size_t>(channels.length);
    std::vector<double> units(static_cast<std::size_t>(count) * length);
    QSCOPE_CHECK(parallelChunks(count, 1, context, [&](std::int64_t i, std::int64_t) -> Result<void> {
        const std::span unit = std::span(units).subspan(static_cast<std::size_t>(i) * length, length);
        for (std::size_t entry = 0; entry < length; ++entry)
            unit[entry] = channels.at(found.channels[static_cast<std::size_t>(i)], static_cast<std::int64_t>(entry));
        const double mean = std::accumulate(unit.begin(), unit.end(), 0.0) / static_cast<double>(length);
        double squares = 0;
        for (double& value : unit) {
            value -= mean;
            squares += value * value;
        }
        const double norm = std::sqrt(squares);
        for (double& value : unit) value = norm > 0 ? value / norm : 0;
        return {};
    }));
    found.values.resize(static_cast<std::size_t>(count * count));
    std::vector<double> squares(static_cast<std::size_t>(count));
    QSCOPE_CHECK(parallelChunks(count, 1, context, [&](std::int64_t i, std::int64_t) -> Result<void> {
        const double* own = units.data() + static_cast<std::size_t>(i) * length;
        for (std::int64_t j = 0; j < count; ++j) {
            const double* other = units.data() + static_cast<std::size_t>(j) * length;
            const double product = std::inner_product(own, own + length, other, 0.0);
            found.values[static_cast<std::size_t>(i * count + j)] = i == j ? 1.0F : static_cast<float>(product);
            if (i != j) squares[static_cast<std::size_t>(i)] += product * product;
        }
        return {};
    }));
    if (count > 1)
        found.rootMeanSquare =
            std::sqrt(std::accumulate(squares.begin(), squares.end(), 0.0) / static_cast<double>(count * (count - 1)));
    return found;
}

} // namespace qscope
