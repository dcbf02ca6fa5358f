// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/window.h"

namespace qscope::engine::nn {

namespace {

/// Nothing larger can come from a tensor that fits in memory, and products of three such numbers do not overflow.
constexpr std::int64_t kMaximumSize = std::int64_t{1} << 20;

Result<Shape> sizesOf(const Node& node, std::string_view name, std::size_t count, std::int64_t otherwise,
                      std::int64_t lowest) {
    Shape sizes = attributeOr<Shape>(node, name, Shape(count, otherwise));
    if (sizes.size() != count)
        return fail(ErrorCode::OutOfRange, "{} {} are not {} numbers", name, describe(sizes), count);
    for (const std::int64_t size : sizes)
        if (size < lowest || size > kMaximumSize)
            return fail(ErrorCode::OutOfRange, "{} {} hold a number that cannot be", name, describe(sizes));
    return sizes;
}

/// All but the output and the padding that "auto_pad" asks for.
Result<Window> start(const Node& node, const Shape& input, Shape kernel) {
    Window window;
    if (input.size() < 3 || input.size() > 10)
        return fail(ErrorCode::OutOfRange, "an input of shape {} has no spatial axes, or too many", describe(input));
    window.input.assign(input.begin() + 2, input.end());
    const std::size_t axes = window.input.size();
    if (kernel.empty()) {
        QSCOPE_TRY(window.kernel, sizesOf(node, "kernel_shape", axes, 0, 1));
    } else {
        QSCOPE_TRY(window.kernel, sizesOf(node, "kernel_shape", axes, 1, 1));
        if (node.attributes.contains("kernel_shape") && window.kernel != kernel)
            return fail(ErrorCode::OutOfRange, "a kernel of shape {} is said to be {}", describe(kernel),
                        describe(window.kernel));
        window.kernel = std::move(kernel);
    }
    QSCOPE_TRY(window.strides, sizesOf(node, "strides", axes, 1, 1));
    QSCOPE_TRY(window.dilations, sizesOf(node, "dilations", axes, 1, 1));
    QSCOPE_TRY(const Shape pads, sizesOf(node, "pads", 2 * axes, 0, 0));
    window.padBegin.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(axes));
    window.padEnd.assign(pads.begin() + static_cast<std::ptrdiff_t>(axes), pads.end());
    for (std::size_t axis = 0; axis < axes; ++axis) {
        if (window.input[axis] < 1 || window.kernel.size() != axes || window.kernel[axis] < 1 ||
            window.kernel[axis] > kMaximumSize || window.input[axis] > kMaximumElements)
            return fail(ErrorCode::OutOfRange, "a kernel of shape {} does not fit an input of shape {}",
                        describe(window.kernel), describe(input));
    }
    return window;
}

/// 'V'alid, 'U'pper, 'L'ower or 'N'ot set.
Result<char> autoPad(const Node& node) {
    const std::string name = attributeOr<std::string>(node, "auto_pad", "NOTSET");
    if (name == "NOTSET" || name.empty()) return 'N';
    if (name == "VALID") return 'V';
    if (name == "SAME_UPPER") return 'U';
    if (name == "SAME_LOWER") return 'L';
    return fail(ErrorCode::Unsupported, "the padding '{}' is not known", name);
}

/// Bounds what a file can make us work on before anyone can stop it; real windows are far smaller.
Result<void> checkSizes(const Window& window) {
    constexpr std::int64_t kMostTaps = std::int64_t{1} << 22;
    constexpr std::int64_t kMostTableEntries = std::int64_t{1} << 26;
    QSCOPE_TRY(const std::int64_t taps, checkedCount(window.kernel));
    QSCOPE_CHECK(checkedCount(window.output));
    bool fits = taps <= kMostTaps;
    for (std::size_t axis = 0; axis < window.kernel.size(); ++axis)
        fits = fits && window.output[axis] <= kMostTableEntries / window.kernel[axis];
    if (fits) return {};
    return fail(ErrorCode::OutOfRange, "a window of {} over {} places is too large", describe(window.kernel),
                describe(window.output));
}

void split(std::int64_t total, bool moreAtEnd, std::int64_t& begin, std::int64_t& end) {
    const std::int64_t less = total / 2;
    begin = moreAtEnd ? less : total - less;
    end = total - begin;
}

} // namespace

Result<Window> windowOf(const Node& node, const Shape& input, Shape kernel) {
    QSCOPE_TRY(Window window, start(node, input, std::move(kernel)));
    QSCOPE_TRY(const char automatic, autoPad(node));
    const bool up = attributeOr<std::int64_t>(node, "ceil_mode", 0) != 0;
    for (std::size_t axis = 0; axis < window.input.size(); ++axis) {
        const std::int64_t size = window.input[axis];
        const std::int64_t stride = window.strides[axis];
        const std::int64_t reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1;
        std::int64_t& begin = window.padBegin[axis];
        std::int64_t& end = window.padEnd[axis];
        if (automatic == 'V') begin = end = 0;
        if (automatic == 'U' || automatic == 'L') {
            const std::int64_t places = (size + stride - 1) / stride;
            split(std::max<std::int64_t>(0, (places - 1) * stride + reach - size), automatic == 'U', begin, end);
        }
        const std::int64_t room = size + begin + end - reach;
        if (room < 0)
            return fail(ErrorCode::OutOfRange, "a window of {} does not fit into an axis of {}", reach,
                        size + begin + end);
        std::int64_t places = room / stride + 1;
        // A last window that hangs over the end must still begin in the input or in the padding before it.
        if (up && room % stride != 0 && places * stride < size + begin) ++places;
        window.output.push_back(places);
    }
    QSCOPE_CHECK(checkSizes(window));
    return window;
}

Result<Window> transposedWindowOf(const Node& node, const Shape& input, Shape kernel) {
    QSCOPE_TRY(Window window, start(node, input, std::move(kernel)));
    QSCOPE_TRY(const char automatic, autoPad(node));
    const std::size_t axes = window.input.size();
    QSCOPE_TRY(const Shape extra, sizesOf(node, "output_padding", axes, 0, 0));
    QSCOPE_TRY(Shape wanted, sizesOf(node, "output_shape", axes, 0, 0));
    for (std::size_t axis = 0; axis < axes; ++axis) {
        const std::int64_t reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1;
        const std::int64_t full = (window.input[axis] - 1) * window.strides[axis] + extra[axis] + reach;
        std::int64_t& begin = window.padBegin[axis];
        std::int64_t& end = window.padEnd[axis];
        if (automatic == 'V') begin = end = 0;
        if (automatic == 'U' || automatic == 'L')
            if (wanted[axis] == 0) wanted[axis] = window.input[axis] * window.strides[axis];
        if (wanted[axis] > 0) split(std::max<std::int64_t>(0, full - wanted[axis]), automatic == 'U', begin, end);
        const std::int64_t places = wanted[axis] > 0 ? wanted[axis] : full - begin - end;
        if (places < 1) return fail(ErrorCode::OutOfRange, "an axis of {} places is left", places);
        window.output.push_back(places);
    }
    QSCOPE_CHECK(checkSizes(window));
    return window;
}

std::vector<std::vector<std::int64_t>> tapTables(const Window& window) {
    std::vector<std::vector<std::int64_t>> tables;
    for (std::size_t axis = 0; axis < window.kernel.size(); ++axis) {
        auto& table = tables.emplace_back();
        for (std::int64_t place = 0; place < window.output[axis]; ++place)
            for (std::int64_t tap = 0; tap < window.kernel[axis]; ++tap) {
                const std::int64_t at =
                    place * window.strides[axis] + tap * window.dilations[axis] - window.padBegin[axis];
                table.push_back(at >= 0 && at < window.input[axis] ? at : -1);
            }
    }
    return tables;
}

} // namespace qscope::engine::nn
