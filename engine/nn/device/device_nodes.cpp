// SPDX-License-Identifier: GPL-3.0-or-later
// What each operator comes to on a device: shapes and attributes here, arithmetic in `DeviceMath`. Whatever a device
// does not do is Unsupported with the reason; what is wrong in itself is left for the operator on the CPU to explain.
#include "engine/nn/device/device_run.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qscope::engine::nn {

namespace {

template<class... Args>
tl::unexpected<Error> cannot(fmt::format_string<Args...> text, Args&&... args) {
    return fail(ErrorCode::Unsupported, text, std::forward<Args>(args)...);
}

/// A result that lies on the device alone.
Value onDevice(Shape shape, DeviceArrayPtr array) {
    Value value;
    value.host.shape = std::move(shape);
    value.device = std::move(array);
    return value;
}

Result<DeviceArrayPtr> arrayIfGiven(const DeviceNode& at, std::size_t input) {
    if (!at.has(input)) return DeviceArrayPtr{};
    return at.array(input);
}

/// Elements of all axes before the last `kept`.
std::int64_t leading(const Shape& shape, std::size_t kept) {
    return elementCount(Shape(shape.begin(), shape.end() - static_cast<std::ptrdiff_t>(kept)));
}

/// Axis counted from the end when negative, as ONNX does; whether it is the last.
bool isLastAxis(const DeviceNode& at, std::int64_t otherwise) {
    const auto rank = static_cast<std::int64_t>(at.shape(0).size());
    const auto axis = attributeOr<std::int64_t>(at.node, "axis", otherwise);
    return axis == -1 || axis == rank - 1;
}

template<UnaryFunction F>
Result<Value> unary(const DeviceNode& at) {
    QSCOPE_TRY(const auto x, at.array(0));
    QSCOPE_TRY(auto y, at.math.map(F, x));
    return onDevice(at.shape(0), std::move(y));
}

Result<Value> gelu(const DeviceNode& at) {
    const bool tanh = attributeOr<std::string>(at.node, "approximate", "none") == "tanh";
    return tanh ? unary<UnaryFunction::GeluTanh>(at) : unary<UnaryFunction::Gelu>(at);
}

Result<Value> swish(const DeviceNode& at) {
    if (attributeOr(at.node, "alpha", 1.0) != 1.0) return cannot("the device does no Swish with an alpha of its own");
    return unary<UnaryFunction::Silu>(at);
}

/// The axes of a broadcast, with neighbours joined that both sides walk without a gap.
struct Axis {
    std::int64_t size, stepA, stepB;
};

Result<std::pair<Broadcast, Shape>> broadcastOf(const Shape& a, const Shape& b) {
    const std::size_t rank = std::max(a.size(), b.size());
    std::vector<Axis> axes; // innermost first
    Shape shape(rank, 1);
    std::int64_t stepA = 1, stepB = 1;
    for (std::size_t i = 0; i < rank; ++i) {
        const std::int64_t na = i < a.size() ? a[a.size() - 1 - i] : 1, nb = i < b.size() ? b[b.size() - 1 - i] : 1;
        if (na != nb && na != 1 && nb != 1) return cannot("the shapes do not fit each other");
        const std::int64_t size = shape[rank - 1 - i] = std::max(na, nb);
        const Axis axis{size, na > 1 ? stepA : 0, nb > 1 ? stepB : 0};
        stepA *= na;
        stepB *= nb;
        if (size == 1) continue;
        if (!axes.empty()) {
            Axis& last = axes.back();
            const bool joinsA = axis.stepA == last.stepA * last.size, joinsB = axis.stepB == last.stepB * last.size;
            if (joinsA && joinsB) {
                last.size *= size;
                continue;
            }
        }
        axes.push_back(axis);
    }
    if (axes.size() > 4) return cannot("the device spreads tensors over four axes at most");
    Broadcast result;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        result.sizes[3 - i] = axes[i].size;
        result.stepsA[3 - i] = axes[i].stepA;
        result.stepsB[3 - i] = axes[i].stepB;
    }
    return std::pair{result, shape};
}

template<BinaryFunction F>
Result<Value> binary(const DeviceNode& at) {
    if (at.inputs.size() != 2) return cannot("the device does this for two tensors");
    QSCOPE_TRY(auto plan, broadcastOf(at.shape(0), at.shape(1)));
    QSCOPE_TRY(const auto a, at.array(0));
    QSCOPE_TRY(const auto b, at.array(1));
    QSCOPE_TRY(auto y, at.math.combine(F, plan.first, a, b));
    return onDevice(std::move(plan.second), std::move(y));
}

/// x [..., in] times weight [out, in] turned over.
Result<Value> linear(const DeviceNode& at) {
    const Shape &x = at.shape(0), &weight = at.shape(1);
    if (x.empty() || weight.size() != 2 || x.back() != weight[1]) return cannot("the shapes do not fit each other");
    QSCOPE_TRY(const auto input, at.array(0));
    QSCOPE_TRY(const auto matrix, at.array(1));
    QSCOPE_TRY(const auto bias, arrayIfGiven(at, 2));
    MatrixProduct shape;
    shape.rows = leading(x, 1);
    shape.columns = weight[0];
    shape.depth = weight[1];
    shape.biasColumn = 1;
    shape.a = {0, 0, 0, shape.depth, 1};
    shape.b = {0, 0, 0, 1, shape.depth};
    shape.result = {0, 0, 0, shape.columns, 1};
    shape.resultCount = shape.rows * shape.columns;
    QSCOPE_TRY(auto y, at.math.product(shape, input, matrix, bias));
    Shape out = x;
    out.back() = shape.columns;
    return onDevice(std::move(out), std::move(y));
}

/// Batches are equal, or one side has none.
Result<Value> matMul(const DeviceNode& at) {
    const Shape &a = at.shape(0), &b = at.shape(1);
    if (a.size() < 2 || b.size() < 2 || a.back() != b[b.size() - 2])
        return cannot("the device multiplies matrices that fit");
    const std::int64_t batchA = leading(a, 2), batchB = leading(b, 2);
    const bool same = a.size() == b.size() && std::equal(a.begin(), a.end() - 2, b.begin());
    if (!same && !(batchB == 1 && a.size() >= b.size())) return cannot("the device multiplies batches of equal shape");
    MatrixProduct shape;
    shape.outer = batchA;
    shape.rows = a[a.size() - 2];
    shape.depth = a.back();
    shape.columns = b.back();
    shape.a = {0, shape.rows * shape.depth, 0, shape.depth, 1};
    shape.b = {0, same && batchB > 1 ? shape.depth * shape.columns : 0, 0, shape.columns, 1};
    shape.result = {0, shape.rows * shape.columns, 0, shape.columns, 1};
    shape.resultCount = shape.outer * shape.rows * shape.columns;
    QSCOPE_TRY(const auto left, at.array(0));
    QSCOPE_TRY(const auto right, at.array(1));
    QSCOPE_TRY(auto y, at.math.product(shape, left, right, nullptr));
    Shape out = a;
    out.back() = shape.columns;
    return onDevice(std::move(out), std::move(y));
}

template<bool Logarithm>
Result<Value> softmax(const DeviceNode& at) {
    if (at.shape(0).empty() || !isLastAxis(at, -1) || at.node.opset < 13)
        return cannot("the device does this along the last axis");
    QSCOPE_TRY(const auto x, at.array(0));
    QSCOPE_TRY(auto y, at.math.softmax(x, at.shape(0).back(), Logarithm));
    return onDevice(at.shape(0), std::move(y));
}

template<bool Centred>
Result<Value> normalisation(const DeviceNode& at) {
    if (at.shape(0).empty() || !isLastAxis(at, -1) || at.node.outputs.size() > 1)
        return cannot("the device does this along the last axis, with one output");
    if (at.shape(1) != Shape{at.shape(0).back()} || (at.has(2) && at.shape(2) != at.shape(1)))
        return cannot("the scale does not have the length of the last axis");
    const auto epsilon = static_cast<float>(attributeOr(at.node, "epsilon", 1e-5));
    QSCOPE_TRY(const auto x, at.array(0));
    QSCOPE_TRY(const auto scale, at.array(1));
    QSCOPE_TRY(const auto bias, arrayIfGiven(at, 2));
    QSCOPE_TRY(auto y, at.math.normalise(x, scale, bias, epsilon, Centred));
    return onDevice(at.shape(0), std::move(y));
}

/// x [batch, heads, time, size] or [batch, time, heads * size]; angles are looked up here, as there are few of them.
Result<Value> rotaryEmbedding(const DeviceNode& at) {
    const Shape& x = at.shape(0);
    const auto heads = x.size() == 4 ? x[1] : attributeOr<std::int64_t>(at.node, "num_heads", 0);
    if (x.size() < 3 || x.size() > 4 || heads < 1 || x.back() % (x.size() == 4 ? 1 : heads) != 0)
        return cannot("the shapes do not fit each other");
    Rotation shape;
    const std::int64_t time = x.size() == 4 ? x[2] : x[1];
    shape.outer = x[0];
    shape.middle = x.size() == 4 ? heads : time;
    shape.inner = x.size() == 4 ? time : heads;
    shape.size = x.size() == 4 ? x[3] : x[2] / heads;
    shape.tokenIsInner = x.size() == 4;
    shape.neighbours = attributeOr<std::int64_t>(at.node, "interleaved", 0) != 0;
    const auto turned = attributeOr<std::int64_t>(at.node, "rotary_embedding_dim", 0);
    shape.pairs = (turned == 0 ? shape.size : turned) / 2;
    shape.outerStep = time;
    const auto rows = static_cast<std::size_t>(shape.outer * time), width = static_cast<std::size_t>(shape.pairs);
    const Shape& cache = at.shape(1);
    if (cache.empty() || cache.back() != shape.pairs || at.shape(2) != cache)
        return cannot("the shapes do not fit each other");
    std::array<DeviceArrayPtr, 2> angles;
    for (std::size_t i = 0; i < 2; ++i) {
        if (!at.has(3)) {
            if (cache != Shape{x[0], time, shape.pairs}) return cannot("the shapes do not fit each other");
            QSCOPE_TRY(angles[i], at.array(1 + i));
            continue;
        }
        if (!at.inputs[1 + i]->onHost() || at.inputs[1 + i]->dtype() != DType::F32 || at.shape(3) != Shape{x[0], time})
            return cannot("the angles are not a table of F32");
        QSCOPE_TRY(const auto positions, integers(*at.inputs[3]));
        const auto table = elements<float>(*at.inputs[1 + i]);
        std::vector<float> found(rows * width);
        for (std::size_t row = 0; row < rows; ++row) {
            if (positions[row] < 0 || positions[row] >= cache[0])
                return cannot("a position lies outside the table of angles");
            std::ranges::copy(table.subspan(static_cast<std::size_t>(positions[row]) * width, width),
                              found.begin() + static_cast<std::ptrdiff_t>(row * width));
        }
        QSCOPE_TRY(angles[i], at.math.upload(found));
    }
    QSCOPE_TRY(const auto in, at.array(0));
    QSCOPE_TRY(auto y, at.math.rotate(shape, in, angles[0], angles[1]));
    return onDevice(x, std::move(y));
}

/// [batch, heads, time, size] or [batch, time, heads * size] as steps.
HeadSteps stepsOf(const Shape& s, std::int64_t heads) {
    if (s.size() == 4) return {s[1] * s[2] * s[3], s[2] * s[3], s[3]};
    return {s[1] * s[2], s[2] / heads, s[2]};
}

Result<Value> attention(const DeviceNode& at) {
    if (at.hasSession || at.has(4) || at.has(5) || at.has(6))
        return cannot("the device does attention without earlier keys");
    if (at.node.outputs.size() > 1) return cannot("the device gives the result of attention alone");
    const Shape &q = at.shape(0), &k = at.shape(1), &v = at.shape(2);
    const std::size_t rank = q.size();
    if ((rank != 3 && rank != 4) || k.size() != rank || v.size() != rank)
        return cannot("the shapes do not fit each other");
    AttentionShape shape;
    shape.batch = q[0];
    shape.heads = rank == 4 ? q[1] : attributeOr<std::int64_t>(at.node, "q_num_heads", 0);
    shape.kvHeads = rank == 4 ? k[1] : attributeOr<std::int64_t>(at.node, "kv_num_heads", 0);
    if (shape.heads < 1 || shape.kvHeads < 1 || shape.heads % shape.kvHeads != 0)
        return cannot("the heads do not fit each other");
    const auto sizeOf = [&](const Shape& s, std::int64_t heads) { return rank == 4 ? s[3] : s[2] / heads; };
    const auto timeOf = [&](const Shape& s) { return rank == 4 ? s[2] : s[1]; };
    shape.queries = timeOf(q);
    shape.keys = timeOf(k);
    shape.size = sizeOf(q, shape.heads);
    shape.valueSize = sizeOf(v, shape.kvHeads);
    if (k[0] != q[0] || v[0] != q[0] || timeOf(v) != shape.keys || sizeOf(k, shape.kvHeads) != shape.size)
        return cannot("the shapes do not fit each other");
    shape.q = stepsOf(q, shape.heads);
    shape.k = stepsOf(k, shape.kvHeads);
    shape.v = stepsOf(v, shape.kvHeads);
    const Shape out = rank == 4 ? Shape{q[0], shape.heads, shape.queries, shape.valueSize}
                                : Shape{q[0], shape.queries, shape.heads * shape.valueSize};
    shape.result = stepsOf(out, shape.heads);
    shape.scale = static_cast<float>(attributeOr(at.node, "scale", 1 / std::sqrt(static_cast<double>(shape.size))));
    shape.cap = static_cast<float>(attributeOr(at.node, "softcap", 0.0));
    shape.causal = attributeOr<std::int64_t>(at.node, "is_causal", 0) != 0;
    shape.window = attributeOr<std::int64_t>(at.node, "window", 0);
    DeviceArrayPtr mask;
    if (at.has(3)) {
        if (at.node.opset < 24 && shape.cap > 0) return cannot("the device adds masks after the soft cap");
        Shape steps(4, 0), full{shape.batch, shape.heads, shape.queries, shape.keys};
        const Shape& given = at.shape(3);
        std::int64_t step = 1;
        for (std::size_t i = 0; i < given.size() && i < 4; ++i) {
            const std::int64_t size = given[given.size() - 1 - i];
            if (size != 1 && size != full[3 - i]) return cannot("the mask does not cover all keys");
            steps[3 - i] = size == 1 ? 0 : step;
            step *= size;
        }
        if (given.size() > 4) return cannot("the mask does not fit");
        std::ranges::copy(steps, shape.maskSteps.begin());
        QSCOPE_TRY(mask, at.array(3));
    }
    QSCOPE_TRY(const auto queries, at.array(0));
    QSCOPE_TRY(const auto keys, at.array(1));
    QSCOPE_TRY(const auto values, at.array(2));
    QSCOPE_TRY(auto y, at.math.attention(shape, queries, keys, values, mask));
    return onDevice(out, std::move(y));
}

Result<Value> conv(const DeviceNode& at) {
    const Shape &x = at.shape(0), &w = at.shape(1);
    if (x.size() != 4 || w.size() != 4) return cannot("the device does convolutions over two axes");
    if (attributeOr<std::string>(at.node, "auto_pad", "NOTSET") != "NOTSET")
        return cannot("the device takes pads as numbers");
    ConvolutionShape shape;
    shape.batch = x[0];
    shape.channels = x[1];
    shape.outputs = w[0];
    shape.groups = attributeOr<std::int64_t>(at.node, "group", 1);
    if (shape.groups < 1 || x[1] != w[1] * shape.groups) return cannot("the shapes do not fit each other");
    using Numbers = std::vector<std::int64_t>;
    const auto strides = attributeOr(at.node, "strides", Numbers{1, 1});
    const auto dilations = attributeOr(at.node, "dilations", Numbers{1, 1});
    const auto pads = attributeOr(at.node, "pads", Numbers{0, 0, 0, 0});
    if (strides.size() != 2 || dilations.size() != 2 || pads.size() != 4 || std::ranges::min(strides) < 1 ||
        std::ranges::min(dilations) < 1 || std::ranges::min(pads) < 0)
        return cannot("strides, dilations or pads do not fit two axes");
    for (std::size_t i = 0; i < 2; ++i) {
        shape.size[i] = x[2 + i];
        shape.window[i] = w[2 + i];
        shape.stride[i] = strides[i];
        shape.dilation[i] = dilations[i];
        shape.padBefore[i] = pads[i];
        const std::int64_t room = x[2 + i] + pads[i] + pads[2 + i] - dilations[i] * (w[2 + i] - 1) - 1;
        if (room < 0) return cannot("the window is larger than the picture");
        shape.result[i] = room / strides[i] + 1;
    }
    QSCOPE_TRY(const auto picture, at.array(0));
    QSCOPE_TRY(const auto weight, at.array(1));
    QSCOPE_TRY(const auto bias, arrayIfGiven(at, 2));
    QSCOPE_TRY(auto y, at.math.convolution(shape, picture, weight, bias));
    return onDevice({x[0], w[0], shape.result[0], shape.result[1]}, std::move(y));
}

struct Known {
    std::string_view name;
    DeviceForward forward;
};
constexpr std::array kKnown{
    Known{"Add", binary<BinaryFunction::Add>},
    Known{"Sub", binary<BinaryFunction::Subtract>},
    Known{"Mul", binary<BinaryFunction::Multiply>},
    Known{"Div", binary<BinaryFunction::Divide>},
    Known{"Max", binary<BinaryFunction::Maximum>},
    Known{"Min", binary<BinaryFunction::Minimum>},
    Known{"Neg", unary<UnaryFunction::Negate>},
    Known{"Abs", unary<UnaryFunction::Absolute>},
    Known{"Sqrt", unary<UnaryFunction::SquareRoot>},
    Known{"Reciprocal", unary<UnaryFunction::Reciprocal>},
    Known{"Exp", unary<UnaryFunction::Exponential>},
    Known{"Log", unary<UnaryFunction::Logarithm>},
    Known{"Tanh", unary<UnaryFunction::Tanh>},
    Known{"Sigmoid", unary<UnaryFunction::Sigmoid>},
    Known{"Relu", unary<UnaryFunction::Relu>},
    Known{"Erf", unary<UnaryFunction::Erf>},
    Known{"Gelu", gelu},
    Known{"Swish", swish},
    Known{"Linear", linear},
    Known{"MatMul", matMul},
    Known{"Softmax", softmax<false>},
    Known{"LogSoftmax", softmax<true>},
    Known{"RMSNormalization", normalisation<false>},
    Known{"LayerNormalization", normalisation<true>},
    Known{"RotaryEmbedding", rotaryEmbedding},
    Known{"Attention", attention},
    Known{"Conv", conv},
};

} // namespace

DeviceForward deviceForward(std::string_view op) {
    const auto found = std::ranges::find(kKnown, op, &Known::name);
    return found == kKnown.end() ? nullptr : found->forward;
}

} // namespace qscope::engine::nn
