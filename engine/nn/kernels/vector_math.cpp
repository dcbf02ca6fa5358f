// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/vector_math.h"

#include "engine/core/parallel.h"

#include <cassert>
#include <cmath>
#include <cstdint>
#include <numbers>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace qscope::engine::kernels {

namespace {
#define QSCOPE_ISA_SOURCE "engine/nn/kernels/vector_math.inl"
#include "engine/nn/kernels/for_each_isa.inl"
#undef QSCOPE_ISA_SOURCE

double sigmoid(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }

double valueOf(Function function, double x) {
    switch (function) {
    case Function::Exp: return std::exp(x);
    case Function::Tanh: return std::tanh(x);
    case Function::Erf: return std::erf(x);
    case Function::Sigmoid: return sigmoid(x);
    case Function::Silu: return x * sigmoid(x);
    case Function::Gelu: return 0.5 * x * std::erfc(-x * std::numbers::sqrt2 / 2);
    case Function::GeluTanh: break;
    }
    return x * sigmoid(2 * std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x));
}

template<class T>
Result<void> evaluateOnAllCores(Function function, std::span<const T> x, std::span<T> y, const RunContext& context) {
    return parallelChunks(static_cast<std::int64_t>(x.size()), 1 << 14, context,
                          [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                              const auto first = static_cast<std::size_t>(begin),
                                         count = static_cast<std::size_t>(end - begin);
                              evaluate(function, x.subspan(first, count), y.subspan(first, count));
                              return {};
                          });
}
} // namespace

void evaluate(Function function, std::span<const float> x, std::span<float> y, InstructionSet instructions) {
    assert(x.size() == y.size());
    auto run = portable::evaluator(function);
#if defined(__x86_64__)
    if (instructions == InstructionSet::Avx2) run = avx2::evaluator(function);
    if (instructions == InstructionSet::Avx512) run = avx512::evaluator(function);
#endif
    run(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
}

void evaluate(Function function, std::span<const double> x, std::span<double> y, InstructionSet) {
    assert(x.size() == y.size());
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = valueOf(function, x[i]);
}

Result<void> evaluate(Function function, std::span<const float> x, std::span<float> y, const RunContext& context) {
    return evaluateOnAllCores(function, x, y, context);
}
Result<void> evaluate(Function function, std::span<const double> x, std::span<double> y, const RunContext& context) {
    return evaluateOnAllCores(function, x, y, context);
}

} // namespace qscope::engine::kernels
