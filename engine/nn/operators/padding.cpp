// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/moves.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace qscope::engine::nn {

namespace {

constexpr std::int64_t kOutside = -1;

/// Which index of an axis of `size` stands at each place of the padded axis, or `kOutside`.
Result<std::vector<std::int64_t>> padded(std::int64_t size, std::int64_t before, std::int64_t after,
                                         std::string_view mode) {
    if (std::abs(before) > kMostBytes || std::abs(after) > kMostBytes || size + before + after < 0)
        return fail(ErrorCode::OutOfRange, "an axis of {} cannot be padded by {} and {}", size, before, after);
    QSCOPE_TRY(const std::size_t length, roomFor({size + before + after}, sizeof(std::int64_t)));
    if (size == 0 && length > 0 && mode != "constant") return fail(ErrorCode::OutOfRange, "there is nothing to repeat");
    std::vector<std::int64_t> places(length);
    for (std::int64_t i = 0; i < std::ssize(places); ++i) {
        std::int64_t at = i - before;
        const auto wrapped = [&at](std::int64_t period) { return (at % period + period) % period; };
        if (mode == "constant") {
            if (at < 0 || at >= size) at = kOutside;
        } else if (mode == "edge") {
            at = std::clamp<std::int64_t>(at, 0, size - 1);
        } else if (mode == "wrap") {
            at = wrapped(size);
        } else if (mode == "reflect") {
            const std::int64_t period = std::max<std::int64_t>(2 * (size - 1), 1);
            at = wrapped(period);
            if (at >= size) at = period - at;
        } else {
            return fail(ErrorCode::Unsupported, "padding mode '{}' is not known", mode);
        }
        places[static_cast<std::size_t>(i)] = at;
    }
    return places;
}

/// One axis after the other, outermost first.
template<class T>
class Padder {
public:
    Padder(std::span<const T> source, const T& outside, const std::vector<std::vector<std::int64_t>>& places,
           const Shape& from)
        : m_source(source)
        , m_outside(outside)
        , m_places(places)
        , m_strides(stridesOf(from))
        , m_sizes(places.size() + 1, 1) {
        for (std::size_t axis = places.size(); axis-- > 0;)
            m_sizes[axis] = m_sizes[axis + 1] * std::ssize(places[axis]);
    }
    void write(std::size_t axis, std::int64_t offset, T*& to) const {
        if (axis == m_places.size()) {
            *to++ = m_source[static_cast<std::size_t>(offset)];
            return;
        }
        for (const std::int64_t at : m_places[axis])
            if (at == kOutside)
                to = std::fill_n(to, m_sizes[axis + 1], m_outside);
            else
                write(axis + 1, offset + at * m_strides[axis], to);
    }

private:
    std::span<const T> m_source;
    const T& m_outside;
    const std::vector<std::vector<std::int64_t>>& m_places;
    Shape m_strides, m_sizes;
};

Outputs pad(const Node& node, OperatorInputs inputs, OperatorContext&) {
    const Value& value = *inputs[0];
    const Value* outside = inputOf(inputs, 2);
    const std::size_t rank = value.shape().size();
    QSCOPE_TRY(const auto pads, integers(*inputs[1]));
    std::vector<std::int64_t> axes(rank);
    std::iota(axes.begin(), axes.end(), 0);
    if (const Value* given = inputOf(inputs, 3)) {
        QSCOPE_TRY(axes, integers(*given));
    }
    QSCOPE_CHECK(axesOf(axes, rank));
    if (pads.size() != 2 * axes.size())
        return fail(ErrorCode::OutOfRange, "{} numbers say how to pad {} axes", pads.size(), axes.size());
    if (outside) {
        QSCOPE_CHECK(requireSameType(value, *outside));
        if (elementCount(outside->shape()) != 1) return fail(ErrorCode::OutOfRange, "the padding value is no scalar");
    }
    const std::string mode = attributeOr<std::string>(node, "mode", "constant");
    std::vector<std::vector<std::int64_t>> places(rank);
    Shape shape = value.shape();
    for (std::size_t axis = 0; axis < rank; ++axis) {
        places[axis].resize(static_cast<std::size_t>(shape[axis]));
        std::iota(places[axis].begin(), places[axis].end(), 0);
    }
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const auto axis = static_cast<std::size_t>(axes[i] < 0 ? axes[i] + std::ssize(shape) : axes[i]);
        QSCOPE_TRY(places[axis], padded(shape[axis], pads[i], pads[i + axes.size()], mode));
        shape[axis] = std::ssize(places[axis]);
    }
    return one(moved(value, shape, [&]<class T>(std::span<const T> source, std::span<T> out) -> Result<void> {
        if (out.empty()) return {};
        const T fill = outside ? stored<T>(*outside).front() : T{};
        T* to = out.data();
        Padder<T>(source, fill, places, value.shape()).write(0, 0, to);
        return {};
    }));
}

constexpr std::array kPadding{
    Operator{"Pad", 2, 4, 1, pad},
};

} // namespace

std::span<const Operator> paddingOperators() { return kPadding; }

} // namespace qscope::engine::nn
