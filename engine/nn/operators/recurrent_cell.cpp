// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/recurrent_cell.h"

#include <array>
#include <cctype>
#include <cmath>
#include <string>

namespace qscope::engine::nn {

namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// An activation by its name in lower case, with the defaults of its parameters.
struct Known {
    std::string_view name;
    Activation activation;
    int parameters = 0;
};

constexpr std::array kKnown{
    Known{"relu", {[](double x, double, double) { return std::max(x, 0.0); }}},
    Known{"tanh", {[](double x, double, double) { return std::tanh(x); }}},
    Known{"sigmoid", {[](double x, double, double) { return sigmoid(x); }}},
    Known{"softsign", {[](double x, double, double) { return x / (1 + std::abs(x)); }}},
    Known{"softplus", {[](double x, double, double) { return std::log1p(std::exp(x)); }}},
    Known{"affine", {[](double x, double alpha, double beta) { return alpha * x + beta; }, 1, 0}, 2},
    Known{"scaledtanh", {[](double x, double alpha, double beta) { return alpha * std::tanh(beta * x); }, 1, 1}, 2},
    Known{"hardsigmoid",
          {[](double x, double alpha, double beta) { return std::clamp(alpha * x + beta, 0.0, 1.0); }, 0.2, 0.5},
          2},
    Known{"leakyrelu", {[](double x, double alpha, double) { return x < 0 ? alpha * x : x; }, 0.01}, 1},
    Known{"thresholdedrelu", {[](double x, double alpha, double) { return x > alpha ? x : 0; }, 1}, 1},
    Known{"elu", {[](double x, double alpha, double) { return x < 0 ? alpha * std::expm1(x) : x; }, 1}, 1},
};

} // namespace

Result<std::vector<Cell>> cellsOf(const Node& node, CellKind kind, std::int64_t directions) {
    std::vector<std::string> names{"Tanh"};
    if (kind == CellKind::Lstm) names = {"Sigmoid", "Tanh", "Tanh"};
    if (kind == CellKind::Gru) names = {"Sigmoid", "Tanh"};
    const std::size_t perCell = names.size();
    names = attributeOr(node, "activations", names);
    if (names.size() != perCell && names.size() != perCell * static_cast<std::size_t>(directions))
        return fail(ErrorCode::OutOfRange, "{} activations for {} directions of {} each", names.size(), directions,
                    perCell);
    if (names.size() == perCell && directions == 2) {
        names.resize(2 * perCell);
        std::copy_n(names.begin(), perCell, names.begin() + static_cast<std::ptrdiff_t>(perCell));
    }

    const auto alphas = attributeOr<std::vector<double>>(node, "activation_alpha", {});
    const auto betas = attributeOr<std::vector<double>>(node, "activation_beta", {});
    std::size_t alpha = 0, beta = 0; // each list has entries for those activations that have the parameter
    std::vector<Activation> all;
    for (std::string name : names) {
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const auto known = std::ranges::find(kKnown, name, &Known::name);
        if (known == kKnown.end()) return fail(ErrorCode::Unsupported, "the activation '{}' is not known", name);
        all.push_back(known->activation);
        if (known->parameters > 0 && alpha < alphas.size()) all.back().alpha = alphas[alpha++];
        if (known->parameters > 1 && beta < betas.size()) all.back().beta = betas[beta++];
    }
    std::vector<Cell> cells;
    for (std::size_t d = 0; d < static_cast<std::size_t>(directions); ++d) {
        Cell& cell = cells.emplace_back();
        cell.kind = kind;
        cell.gates = gatesOf(kind);
        cell.resetsFirst = kind == CellKind::Gru && attributeOr<std::int64_t>(node, "linear_before_reset", 0) == 0;
        cell.inputForget = attributeOr<std::int64_t>(node, "input_forget", 0) != 0;
        cell.clip = attributeOr(node, "clip", 0.0);
        cell.f = all[d * perCell];
        if (perCell > 1) cell.g = all[d * perCell + 1];
        if (perCell > 2) cell.h = all[d * perCell + 2];
    }
    return cells;
}

} // namespace qscope::engine::nn
