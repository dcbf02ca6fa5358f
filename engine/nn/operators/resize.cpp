// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/arguments.h"

#include <array>
#include <cmath>

// Resize, one axis after another: every place of the result is a weighted mean of places of the input.

namespace qscope::engine::nn {

namespace {

struct Share {
    std::int64_t index = 0;
    double weight = 1;
};
/// Per place of the result what it is made of; nothing: the value for places outside of the input.
using Mixture = std::vector<std::vector<Share>>;

struct Rules {
    std::string mode, coordinates, nearest;
    double cubic = -0.75;
    double outside = 0;
    bool excludeOutside = false;
    bool antialias = false;
};

/// One axis: its sizes, the exact scale, and the part of the input that "tf_crop_and_resize" takes.
struct Axis {
    std::int64_t in = 0, out = 0;
    double scale = 1, begin = 0, end = 1;
};

/// Where place i of the result lies in the input.
double coordinate(const Rules& rules, const Axis& axis, std::int64_t i) {
    const auto x = static_cast<double>(i);
    const auto in = static_cast<double>(axis.in), out = static_cast<double>(axis.out);
    if (rules.coordinates == "asymmetric") return x / axis.scale;
    if (rules.coordinates == "align_corners") return axis.out == 1 ? 0 : x * (in - 1) / (out - 1);
    if (rules.coordinates == "pytorch_half_pixel" && axis.out == 1) return 0;
    if (rules.coordinates == "tf_crop_and_resize")
        return axis.out == 1 ? (axis.begin + axis.end) * (in - 1) / 2
                             : axis.begin * (in - 1) + x * (axis.end - axis.begin) * (in - 1) / (out - 1);
    const double half = (x + 0.5) / axis.scale - 0.5;
    if (rules.coordinates != "half_pixel_symmetric") return half;
    return in / 2 * (1 - out / (axis.scale * in)) + half;
}

double nearestTo(const Rules& rules, double x) {
    if (rules.nearest == "floor") return std::floor(x);
    if (rules.nearest == "ceil") return std::ceil(x);
    if (rules.nearest == "round_prefer_ceil") return std::floor(x + 0.5);
    return std::ceil(x - 0.5);
}

/// Weight of an element at this distance: a tent, or the cubic of Keys (1981) with parameter a.
double weightAt(const Rules& rules, double distance) {
    const double d = std::abs(distance), a = rules.cubic;
    if (rules.mode == "linear") return std::max(0.0, 1 - d);
    if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((d - 5) * d + 8) * d * a - 4 * a : 0;
}

Mixture mixtureOf(const Rules& rules, const Axis& axis) {
    Mixture mixture(static_cast<std::size_t>(axis.out));
    const auto last = static_cast<double>(axis.in - 1);
    const double squeeze = rules.antialias ? std::min(1.0, axis.scale) : 1;
    const double radius = (rules.mode == "linear" ? 1 : 2) / squeeze;
    for (std::int64_t i = 0; i < axis.out; ++i) {
        auto& shares = mixture[static_cast<std::size_t>(i)];
        const double x = coordinate(rules, axis, i);
        if (rules.coordinates == "tf_crop_and_resize" && (x < 0 || x > last)) continue;
        if (rules.mode == "nearest") {
            shares.push_back({static_cast<std::int64_t>(std::clamp(nearestTo(rules, x), 0.0, last))});
            continue;
        }
        double sum = 0;
        for (double at = std::ceil(x - radius); at <= std::floor(x + radius); ++at) {
            const double weight = weightAt(rules, (at - x) * squeeze);
            if (weight == 0 || (rules.excludeOutside && (at < 0 || at > last))) continue;
            shares.push_back({static_cast<std::int64_t>(std::clamp(at, 0.0, last)), weight});
            sum += weight;
        }
        if (rules.antialias || rules.excludeOutside)
            for (Share& share : shares) share.weight /= sum;
    }
    return mixture;
}

template<class T>
Result<std::vector<T>> mixed(const std::vector<T>& x, Shape& shape, std::size_t axis, const Mixture& mixture,
                             double outside, const RunContext& context) {
    const std::int64_t inner = productOf(shape, axis + 1, shape.size());
    const std::int64_t in = std::exchange(shape[axis], std::ssize(mixture));
    QSCOPE_TRY(std::vector<T> out, makeElements<T>(shape));
    const std::int64_t rows = std::ssize(out) / inner;
    QSCOPE_CHECK(inParallel(rows, inner * 8, context, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> sums(static_cast<std::size_t>(inner));
        for (std::int64_t row = begin; row < end; ++row) {
            const auto& shares = mixture[static_cast<std::size_t>(row % std::ssize(mixture))];
            const T* from = x.data() + row / std::ssize(mixture) * in * inner;
            T* to = out.data() + row * inner;
            if (shares.empty()) {
                std::fill_n(to, inner, static_cast<T>(outside));
            } else if (shares.size() == 1 && shares[0].weight == 1) {
                std::copy_n(from + shares[0].index * inner, inner, to);
            } else {
                std::ranges::fill(sums, 0);
                for (const Share& share : shares)
                    for (std::int64_t i = 0; i < inner; ++i)
                        sums[static_cast<std::size_t>(i)] +=
                            share.weight * static_cast<double>(from[share.index * inner + i]);
                std::ranges::transform(sums, to, [](double sum) { return static_cast<T>(sum); });
            }
        }
    }));
    return out;
}

Result<Rules> rulesOf(const Node& node) {
    Rules rules;
    rules.mode = attributeOr<std::string>(node, "mode", "nearest");
    rules.coordinates = attributeOr<std::string>(node, "coordinate_transformation_mode", "half_pixel");
    rules.nearest = attributeOr<std::string>(node, "nearest_mode", "round_prefer_floor");
    rules.cubic = attributeOr(node, "cubic_coeff_a", -0.75);
    rules.outside = attributeOr(node, "extrapolation_value", 0.0);
    rules.excludeOutside = attributeOr<std::int64_t>(node, "exclude_outside", 0) != 0;
    rules.antialias = attributeOr<std::int64_t>(node, "antialias", 0) != 0 && rules.mode != "nearest";
    const auto known = [](const std::string& name, std::initializer_list<std::string_view> all) {
        return std::ranges::find(all, name) != all.end();
    };
    if (!known(rules.mode, {"nearest", "linear", "cubic"}) ||
        !known(rules.coordinates, {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
                                   "asymmetric", "tf_crop_and_resize"}) ||
        !known(rules.nearest, {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}))
        return fail(ErrorCode::Unsupported, "resizing by '{}', '{}', '{}' is not known", rules.mode, rules.coordinates,
                    rules.nearest);
    return rules;
}

Result<std::vector<double>> numbersOf(const Value* value, std::size_t count, std::string_view what) {
    if (!value || elementCount(value->shape()) == 0) return std::vector<double>{};
    QSCOPE_CHECK(expectShape(*value, {static_cast<std::int64_t>(count)}, what));
    QSCOPE_TRY(const Value wide, converted(*value, DType::F64));
    std::vector<double> numbers(elements<double>(wide).begin(), elements<double>(wide).end());
    for (const double number : numbers)
        if (!std::isfinite(number)) return fail(ErrorCode::OutOfRange, "{} holds {}", what, number);
    return numbers;
}

/// The axes that change, by index.
Result<std::vector<std::pair<std::size_t, Axis>>> axesOf(const Node& node, OperatorInputs inputs) {
    const Shape& shape = inputs[0]->shape();
    std::vector<std::int64_t> named(shape.size());
    for (std::size_t i = 0; i < named.size(); ++i) named[i] = static_cast<std::int64_t>(i);
    named = attributeOr(node, "axes", named);
    QSCOPE_TRY(const auto region, numbersOf(inputOf(inputs, 1), 2 * named.size(), "the region"));
    QSCOPE_TRY(const auto scales, numbersOf(inputOf(inputs, 2), named.size(), "the list of scales"));
    QSCOPE_TRY(const auto sizes, numbersOf(inputOf(inputs, 3), named.size(), "the list of sizes"));
    if (scales.empty() == sizes.empty()) return fail(ErrorCode::OutOfRange, "either scales or sizes must be given");
    std::vector<std::pair<std::size_t, Axis>> axes;
    for (std::size_t i = 0; i < named.size(); ++i) {
        QSCOPE_TRY(const std::size_t at, axisAt(named[i], shape.size()));
        Axis axis{shape[at], 0, scales.empty() ? sizes[i] / static_cast<double>(shape[at]) : scales[i]};
        const double size = scales.empty() ? sizes[i] : std::floor(scales[i] * static_cast<double>(axis.in));
        if (!(size >= 1 && size <= static_cast<double>(1 << 24)))
            return fail(ErrorCode::OutOfRange, "an axis of {} was to become {}", axis.in, size);
        axis.out = static_cast<std::int64_t>(size);
        if (!region.empty()) {
            axis.begin = region[i];
            axis.end = region[named.size() + i];
        }
        axes.emplace_back(at, axis);
    }
    const std::string policy = attributeOr<std::string>(node, "keep_aspect_ratio_policy", "stretch");
    if (policy == "stretch" || sizes.empty() || axes.empty()) return axes;
    if (policy != "not_larger" && policy != "not_smaller")
        return fail(ErrorCode::Unsupported, "the policy '{}' is not known", policy);
    double common = axes[0].second.scale;
    for (const auto& [at, axis] : axes)
        common = policy == "not_larger" ? std::min(common, axis.scale) : std::max(common, axis.scale);
    for (auto& [at, axis] : axes) {
        axis.scale = common;
        axis.out = std::max<std::int64_t>(1, std::llround(common * static_cast<double>(axis.in)));
    }
    return axes;
}

Outputs resize(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const Value& given = *inputs[0];
    QSCOPE_TRY(const std::int64_t count, checkedCount(given.shape()));
    if (count == 0) return fail(ErrorCode::OutOfRange, "an input of shape {} is empty", describe(given.shape()));
    QSCOPE_TRY(const Rules rules, rulesOf(node));
    QSCOPE_TRY(const auto axes, axesOf(node, inputs));
    QSCOPE_TRY(Value x, widened(given));
    if (rules.mode != "nearest" && x.dtype() != DType::F32) {
        QSCOPE_TRY(x, converted(x, DType::F64)); // means of whole numbers are cut at the end
    }
    QSCOPE_TRY(Value result, withNumber(x.dtype(), [&](auto zero) -> Result<Value> {
                   using T = decltype(zero);
                   Shape shape = x.shape();
                   std::vector<T> values(elements<T>(x).begin(), elements<T>(x).end());
                   for (const auto& [at, axis] : axes) {
                       if (axis.scale == 1 && axis.in == axis.out && rules.coordinates != "tf_crop_and_resize")
                           continue;
                       if (axis.out > (std::int64_t{1} << 26) / axis.in && rules.antialias)
                           return fail(ErrorCode::OutOfRange, "an axis of {} was to become {}", axis.in, axis.out);
                       QSCOPE_TRY(values, mixed(values, shape, at, mixtureOf(rules, axis), rules.outside, context.run));
                   }
                   return makeValue(std::move(shape), std::move(values));
               }));
    if (rules.mode == "nearest") return one(narrowed(std::move(result), given.dtype()));
    return one(converted(result, given.dtype()));
}

constexpr std::array kResize{
    Operator{"Resize", 1, 4, 1, resize},
};

} // namespace

std::span<const Operator> resizeOperators() { return kResize; }

} // namespace qscope::engine::nn
