// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/optimize/optimizers.h"

#include "engine/core/parallel.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope::engine::optimize {

Result<void> Optimizer::step(std::span<const Parameter> parameters, double rate, const RunContext& context) {
    for (const Parameter& parameter : parameters) {
        const auto known = m_memory.find(parameter.name);
        const bool grew =
            known != m_memory.end() && m_lists > 0 && known->second.first.size() != parameter.values.size();
        if (parameter.gradient.size() != parameter.values.size() || grew)
            return fail(ErrorCode::OutOfRange, "parameter '{}' has {} values and a gradient of {}{}", parameter.name,
                        parameter.values.size(), parameter.gradient.size(),
                        grew ? ", and had more or fewer before" : "");
        if (!std::ranges::all_of(parameter.gradient, [](float g) { return std::isfinite(g); }))
            return fail(ErrorCode::OutOfRange, "the gradient of '{}' is not finite", parameter.name);
    }
    Progress own; // the caller counts steps
    const RunContext quiet{context.stop, own, context.notes, context.backend};
    for (const Parameter& parameter : parameters) {
        Memory& memory = m_memory[parameter.name];
        if (m_lists > 0) memory.first.resize(parameter.values.size());
        if (m_lists > 1) memory.second.resize(parameter.values.size());
        ++memory.steps;
        QSCOPE_CHECK(parallelChunks(static_cast<std::int64_t>(parameter.values.size()), 1 << 16, quiet,
                                    [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                                        move(parameter, memory, rate, static_cast<std::size_t>(begin),
                                             static_cast<std::size_t>(end));
                                        return {};
                                    }));
    }
    return {};
}

void Sgd::move(const Parameter& parameter, Memory& memory, double rate, std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) {
        auto velocity = static_cast<double>(parameter.gradient[i]);
        if (m_momentum != 0) velocity = memory.first[i] = m_momentum * memory.first[i] + velocity;
        parameter.values[i] = static_cast<float>(static_cast<double>(parameter.values[i]) - rate * velocity);
    }
}

void Adam::move(const Parameter& parameter, Memory& memory, double rate, std::size_t begin, std::size_t end) const {
    const auto& [beta1, beta2, epsilon, decay] = m_options;
    const auto steps = static_cast<double>(memory.steps);
    const double firstShare = 1 - std::pow(beta1, steps); // of the mean that has come in so far
    const double secondShare = 1 - std::pow(beta2, steps);
    for (std::size_t i = begin; i < end; ++i) {
        const auto gradient = static_cast<double>(parameter.gradient[i]);
        const auto value = static_cast<double>(parameter.values[i]);
        double& first = memory.first[i];
        double& second = memory.second[i];
        first = beta1 * first + (1 - beta1) * gradient;
        second = beta2 * second + (1 - beta2) * gradient * gradient;
        const double direction = first / firstShare / (std::sqrt(second / secondShare) + epsilon);
        parameter.values[i] = static_cast<float>(value - rate * (direction + decay * value));
    }
}

void Lion::move(const Parameter& parameter, Memory& memory, double rate, std::size_t begin, std::size_t end) const {
    const auto& [beta1, beta2, decay] = m_options;
    for (std::size_t i = begin; i < end; ++i) {
        const auto gradient = static_cast<double>(parameter.gradient[i]);
        const auto value = static_cast<double>(parameter.values[i]);
        const double mean = beta1 * memory.first[i] + (1 - beta1) * gradient;
        const double direction = mean > 0 ? 1 : mean < 0 ? -1 : 0;
        memory.first[i] = beta2 * memory.first[i] + (1 - beta2) * gradient;
        parameter.values[i] = static_cast<float>(value - rate * (direction + decay * value));
    }
}

double Schedule::at(std::int64_t step) const {
    if (step < warmUp) return rate * static_cast<double>(step + 1) / static_cast<double>(warmUp);
    const auto length = static_cast<double>(std::max<std::int64_t>(1, steps - warmUp));
    const double part = std::min(1.0, static_cast<double>(step - warmUp) / length);
    switch (shape) {
    case Shape::Cosine: return last + (rate - last) * 0.5 * (1 + std::cos(std::numbers::pi * part));
    case Shape::Linear: return rate + (last - rate) * part;
    case Shape::Constant: break;
    }
    return rate;
}

} // namespace qscope::engine::optimize
