// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/arguments.h"

#include <array>
#include <map>

namespace qscope::engine::nn {

namespace {

/// Axes by label; those of an ellipsis are numbered from the last, below any letter.
using Labels = std::vector<int>;

struct Equation {
    std::vector<Labels> inputs;
    Labels output;
};

/// The labels of one term for a tensor of `rank` axes; `rank` -1: an output, whose ellipsis has `ellipsis` axes.
Result<Labels> labelsOf(std::string_view term, int rank, int ellipsis) {
    Labels labels;
    const auto dots = term.find("...");
    const int letters = static_cast<int>(term.size()) - (dots == std::string_view::npos ? 0 : 3);
    if (rank >= 0) ellipsis = rank - letters;
    for (std::size_t i = 0; i < term.size(); ++i) {
        const char c = term[i];
        if (i == dots) {
            for (int k = ellipsis; k > 0; --k) labels.push_back(-k);
            i += 2;
        } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            labels.push_back(c);
        } else {
            return fail(ErrorCode::Unsupported, "'{}' is no term of an equation", term);
        }
    }
    if (rank >= 0 && static_cast<int>(labels.size()) != rank)
        return fail(ErrorCode::OutOfRange, "the term '{}' does not fit a tensor with {} axes", term, rank);
    return labels;
}

Result<Equation> parse(std::string text, OperatorInputs inputs) {
    std::erase(text, ' ');
    const auto arrow = text.find("->");
    std::string_view left = std::string_view(text).substr(0, arrow);
    Equation equation;
    std::map<int, int> uses;
    int ellipsis = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const auto comma = left.find(',');
        if ((comma == std::string_view::npos) != (i + 1 == inputs.size()))
            return fail(ErrorCode::OutOfRange, "the equation '{}' does not have {} terms", text, inputs.size());
        const auto rank = static_cast<int>(inputs[i]->shape().size());
        QSCOPE_TRY(Labels labels, labelsOf(left.substr(0, comma), rank, 0));
        for (const int label : labels) {
            ++uses[label];
            ellipsis = std::max(ellipsis, -label);
        }
        equation.inputs.push_back(std::move(labels));
        left.remove_prefix(comma == std::string_view::npos ? left.size() : comma + 1);
    }
    if (arrow != std::string::npos) {
        QSCOPE_TRY(equation.output, labelsOf(std::string_view(text).substr(arrow + 2), -1, ellipsis));
    } else {
        for (int k = ellipsis; k > 0; --k) equation.output.push_back(-k);
        for (const auto& [label, count] : uses)
            if (label > 0 && count == 1) equation.output.push_back(label);
    }
    for (std::size_t i = 0; i < equation.output.size(); ++i)
        if (!uses.contains(equation.output[i]) ||
            std::find(equation.output.begin(), equation.output.begin() + static_cast<std::ptrdiff_t>(i),
                      equation.output[i]) != equation.output.begin() + static_cast<std::ptrdiff_t>(i))
            return fail(ErrorCode::OutOfRange, "the output of '{}' repeats a label or has a new one", text);
    return equation;
}

/// Loops over labels: sizes, and per input how far one step goes.
struct Loops {
    Shape sizes;
    std::vector<Shape> strides;

    [[nodiscard]] std::int64_t offset(std::size_t input, std::int64_t index) const {
        std::int64_t at = 0;
        for (std::size_t axis = sizes.size(); axis-- > 0; index /= sizes[axis])
            at += index % sizes[axis] * strides[input][axis];
        return at;
    }
};

Loops loopsOver(const Labels& labels, const std::map<int, std::int64_t>& sizes, const Equation& equation,
                OperatorInputs inputs) {
    Loops loops;
    for (const int label : labels) loops.sizes.push_back(sizes.at(label));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        Shape& strides = loops.strides.emplace_back(labels.size(), 0);
        std::int64_t stride = 1;
        const Shape& shape = inputs[i]->shape();
        for (std::size_t axis = shape.size(); axis-- > 0; stride *= shape[axis]) {
            const auto found = std::ranges::find(labels, equation.inputs[i][axis]);
            // An axis of size 1 repeats; a label twice in one term walks the diagonal.
            if (found != labels.end() && shape[axis] != 1)
                strides[static_cast<std::size_t>(found - labels.begin())] += stride;
        }
    }
    return loops;
}

Outputs einsum(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    QSCOPE_TRY(const Equation equation, parse(attributeOr<std::string>(node, "equation", ""), inputs));
    std::map<int, std::int64_t> sizes;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (inputs[i]->dtype() != inputs[0]->dtype()) return fail(ErrorCode::Unsupported, "inputs of several types");
        QSCOPE_TRY(const std::int64_t count, checkedCount(inputs[i]->shape()));
        if (count == 0)
            return fail(ErrorCode::OutOfRange, "an input of shape {} is empty", describe(inputs[i]->shape()));
        for (std::size_t axis = 0; axis < inputs[i]->shape().size(); ++axis) {
            std::int64_t& size = sizes.emplace(equation.inputs[i][axis], 1).first->second;
            const std::int64_t own = inputs[i]->shape()[axis];
            if (own != 1 && size != 1 && own != size)
                return fail(ErrorCode::OutOfRange, "one label stands for axes of {} and {}", size, own);
            size = std::max(size, own);
        }
    }
    Labels summed;
    for (const auto& [label, size] : sizes)
        if (std::ranges::find(equation.output, label) == equation.output.end()) summed.push_back(label);
    const Loops outer = loopsOver(equation.output, sizes, equation, inputs);
    const Loops inner = loopsOver(summed, sizes, equation, inputs);
    QSCOPE_TRY(const std::int64_t terms, checkedCount(inner.sizes));

    std::vector<Value> held(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        QSCOPE_TRY(held[i], widened(*inputs[i]));
    }
    QSCOPE_TRY(Value result, withNumber(held[0].dtype(), [&](auto zero) -> Result<Value> {
                   using T = decltype(zero);
                   using Sum = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;
                   QSCOPE_TRY(std::vector<T> out, makeElements<T>(outer.sizes));
                   const auto work = [&](std::int64_t begin, std::int64_t end) {
                       std::vector<const T*> from(held.size());
                       for (std::int64_t n = begin; n < end; ++n) {
                           for (std::size_t i = 0; i < held.size(); ++i)
                               from[i] = elements<T>(held[i]).data() + outer.offset(i, n);
                           Sum sum = 0;
                           for (std::int64_t k = 0; k < terms; ++k) {
                               if (k % 65536 == 65535 && context.run.cancelled()) return;
                               Sum product = 1;
                               for (std::size_t i = 0; i < held.size(); ++i)
                                   product *= static_cast<Sum>(from[i][inner.offset(i, k)]);
                               sum += product;
                           }
                           out[static_cast<std::size_t>(n)] = static_cast<T>(sum);
                       }
                   };
                   QSCOPE_CHECK(inParallel(std::ssize(out), terms * 32, context.run, work));
                   return makeValue(outer.sizes, std::move(out));
               }));
    return one(narrowed(std::move(result), inputs[0]->dtype()));
}

constexpr std::array kEinsum{
    Operator{"Einsum", 1, -1, 1, real<einsum>},
};

} // namespace

std::span<const Operator> einsumOperators() { return kEinsum; }

} // namespace qscope::engine::nn
