// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend_gpu/slabs.h"
#include "engine/backend_gpu/tensor_ops.h"
#include "engine/core/checked_math.h"
#include "engine/tensor/half.h"
#include "gpu/kernels/group_extrema.h"
#include "gpu/kernels/round_to_grid.h"
#include "gpu/runtime/transfer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace qscope::engine::vulkan {
namespace {

/// Smallest and largest value of a group, 0 included in the range.
struct Range {
    float low = 0;
    float high = 0;
};

struct Scale {
    float scale = 0;
    float zero = 0;
};

/// The formula of `UniformGrid`, step by step in single precision.
Scale scaleOf(const Range& range, const UniformGrid& grid, float top) {
    Scale result;
    result.scale = (grid.symmetric ? std::max(range.high, -range.low) : range.high - range.low) / top;
    if (grid.scaleType == ScaleType::F16 && result.scale > 0) {
        constexpr float kSmallest = 0x1p-24f, kLargest = 65504;
        result.scale = halfToFloat(floatToHalf(std::clamp(result.scale, kSmallest, kLargest)));
    }
    if (!grid.symmetric && result.scale > 0)
        result.zero = std::clamp(std::nearbyint(-range.low / result.scale), 0.f, top);
    return result;
}

/// One matrix on its way through the device.
class Rounding {
public:
    Rounding(const gpu::Device& device, std::span<const float> values, const Grouping& grouping,
             const UniformGrid& grid, const std::stop_token& stop)
        : m_device(device)
        , m_values(values)
        , m_grouping(grouping)
        , m_grid(grid)
        , m_stop(stop)
        , m_top(static_cast<float>(grid.symmetric ? (1 << (grid.bits - 1)) - 1 : (1 << grid.bits) - 1))
        , m_ranges(static_cast<std::size_t>(grouping.count())) {
        m_result.codes.resize(values.size());
        m_result.scales.resize(m_ranges.size());
        if (!grid.symmetric) m_result.zeros.resize(m_ranges.size());
    }

    /// Groups that one slab holds whole are done while it is on the device; others need the extrema of several slabs
    /// first, and those slabs come a second time.
    Result<RoundedToGrid> run() {
        const auto slabs = cutSlabs(m_grouping, slabElements(m_device));
        const auto wholeAlong = [](std::int64_t slab, std::int64_t axis, std::int64_t group) {
            return slab == axis || slab % group == 0;
        };
        const bool whole = wholeAlong(slabs.front().rows, m_grouping.rows, m_grouping.groupRows) &&
                           wholeAlong(slabs.front().columns, m_grouping.columns, m_grouping.groupColumns);
        QSCOPE_TRY(auto recorder, gpu::Recorder::create(m_device));
        for (const auto& slab : slabs) {
            QSCOPE_TRY(const auto buffer, load(slab));
            QSCOPE_CHECK(findExtrema(recorder, slab, buffer));
            if (whole) QSCOPE_CHECK(round(recorder, slab, buffer));
        }
        if (whole) return std::move(m_result);
        for (const auto& slab : slabs) {
            QSCOPE_TRY(const auto buffer, load(slab));
            QSCOPE_CHECK(round(recorder, slab, buffer));
        }
        return std::move(m_result);
    }

private:
    std::size_t offset(const Slab& slab) const {
        return static_cast<std::size_t>(slab.firstRow * m_grouping.columns + slab.firstColumn);
    }

    Result<gpu::Buffer> load(const Slab& slab) const {
        if (m_stop.stop_requested()) return cancelled();
        return gpu::uploaded(m_device, m_values.subspan(offset(slab), static_cast<std::size_t>(slab.elements())),
                             m_stop);
    }

    Result<void> findExtrema(gpu::Recorder& recorder, const Slab& slab, const gpu::Buffer& values) {
        const auto shape = shapeOf(slab, m_grouping);
        const auto pass = gpu::planExtrema(shape);
        std::vector<gpu::ExtremaKeys> found(pass.outputs());
        const auto bytes = std::as_writable_bytes(std::span(found));
        QSCOPE_TRY(const auto extrema, m_device.makeBuffer(bytes.size()));
        gpu::groupExtrema(recorder, pass, values, extrema);
        QSCOPE_CHECK(recorder.submitAndWait());
        QSCOPE_CHECK(gpu::download(m_device, extrema, 0, bytes, m_stop));
        for (std::uint32_t i = 0; i < pass.outputs(); ++i) {
            if (found[i].lowest > found[i].highest) continue; // a part beyond the end of a smaller group
            const float low = gpu::fromOrderedKey(found[i].lowest);
            const float high = gpu::fromOrderedKey(found[i].highest);
            if (!std::isfinite(low) || !std::isfinite(high))
                return fail(ErrorCode::OutOfRange, "values that are not finite cannot be rounded to a grid");
            auto& range = m_ranges[static_cast<std::size_t>(groupOf(slab, m_grouping, shape, i % pass.groups))];
            range = {std::min(range.low, low), std::max(range.high, high)};
        }
        return {};
    }

    Result<void> round(gpu::Recorder& recorder, const Slab& slab, const gpu::Buffer& values) {
        const auto shape = shapeOf(slab, m_grouping);
        std::vector<float> scales(shape.groups());
        std::vector<std::int32_t> offsets(m_grid.symmetric ? 0 : scales.size());
        for (std::uint32_t i = 0; i < shape.groups(); ++i) {
            const auto group = static_cast<std::size_t>(groupOf(slab, m_grouping, shape, i));
            const auto found = scaleOf(m_ranges[group], m_grid, m_top);
            if (!std::isfinite(found.scale))
                return fail(ErrorCode::OutOfRange, "the range of a group exceeds single precision");
            scales[i] = m_result.scales[group] = found.scale;
            if (m_grid.symmetric) continue;
            offsets[i] = static_cast<std::int32_t>(found.zero);
            m_result.zeros[group] = static_cast<std::uint8_t>(offsets[i]);
        }
        QSCOPE_TRY(const auto scaleBuffer, gpu::uploaded(m_device, std::span<const float>(scales), m_stop));
        std::optional<gpu::Buffer> offsetBuffer;
        if (!m_grid.symmetric) {
            QSCOPE_TRY(offsetBuffer, gpu::uploaded(m_device, std::span<const std::int32_t>(offsets), m_stop));
        }
        gpu::RoundPass pass;
        pass.elements = shape.elements();
        pass.count = ceilDiv(pass.elements, 4u);
        pass.columns = shape.columns;
        pass.groupRows = shape.groupRows;
        pass.groupColumns = shape.groupColumns;
        pass.groupsAcross = shape.groupsAcross();
        pass.hasOffsets = m_grid.symmetric ? 0 : 1;
        pass.highest = static_cast<std::int32_t>(m_top);
        pass.lowest = m_grid.symmetric ? -pass.highest : 0;
        QSCOPE_TRY(const auto codes, m_device.makeBuffer(std::uint64_t{pass.count} * 4));
        gpu::roundToGrid(recorder, pass, values, scaleBuffer, offsetBuffer ? *offsetBuffer : scaleBuffer, codes);
        QSCOPE_CHECK(recorder.submitAndWait());
        const auto out = std::span(m_result.codes).subspan(offset(slab), pass.elements);
        return gpu::download(m_device, codes, 0, std::as_writable_bytes(out), m_stop);
    }

    const gpu::Device& m_device;
    std::span<const float> m_values;
    Grouping m_grouping;
    UniformGrid m_grid;
    const std::stop_token& m_stop;
    float m_top;
    std::vector<Range> m_ranges;
    RoundedToGrid m_result;
};

} // namespace

Result<RoundedToGrid> roundToGrid(const gpu::Device& device, std::span<const float> values, const Grouping& grouping,
                                  const UniformGrid& grid, const std::stop_token& stop) {
    if (grid.bits < 2 || grid.bits > 8) return fail(ErrorCode::OutOfRange, "{} bits, 2 to 8 are possible", grid.bits);
    const auto size = checkedMul(grouping.rows, grouping.columns);
    if (grouping.rows < 0 || grouping.columns < 0 || !size || *size != static_cast<std::int64_t>(values.size()))
        return fail(ErrorCode::OutOfRange, "{} values for {} x {}", values.size(), grouping.rows, grouping.columns);
    if (grouping.groupRows < 1 || grouping.groupColumns < 1)
        return fail(ErrorCode::OutOfRange, "groups of {} x {}", grouping.groupRows, grouping.groupColumns);
    if (values.empty()) return RoundedToGrid{};
    const Grouping inside{grouping.rows, grouping.columns, std::min(grouping.groupRows, grouping.rows),
                          std::min(grouping.groupColumns, grouping.columns)};
    return Rounding(device, values, inside, grid, stop).run();
}

} // namespace qscope::engine::vulkan
