// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"

#include <complex>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qscope::engine {

/// Row-major; the first qubit is the lowest bit of the index, as in `conventions.h`.
using DenseMatrix = std::vector<std::complex<double>>;

/// What noise does to one or two qubits: rho becomes the sum of K rho K^dagger. Immutable once made.
struct Channel {
    std::string kind;                      ///< of `channelKinds`, or "pauli", "kraus"
    std::map<std::string, double> numbers; ///< its parameters; for "pauli" a probability per string, first qubit rightmost
    int qubits = 1;
    std::vector<DenseMatrix> kraus;
    /// Of a mixture of unitaries: the chance of each branch; `kraus` then holds sqrt(chance) times a unitary. Else empty.
    std::vector<double> chances;
    /// Of a mixture of Pauli matrices: each branch's string, first qubit rightmost. Else empty.
    std::vector<std::string> paulis;
};

struct ChannelParameter {
    std::string_view key;
    double least;
    double most;
    double initial; ///< NaN: must be given
    std::string_view help;
};
struct ChannelKind {
    std::string_view name;
    std::string_view summary;
    std::vector<ChannelParameter> parameters;
};
/// The channels that are made from numbers; "pauli" and "kraus" have functions of their own.
[[nodiscard]] std::span<const ChannelKind> channelKinds();

/// OutOfRange for an unknown kind, an unknown, missing or impossible parameter.
[[nodiscard]] Result<Channel> makeChannel(std::string_view kind, const std::map<std::string, double>& numbers);
/// (1 - sum p) rho + sum of p P rho P over strings of equal length, one or two letters.
[[nodiscard]] Result<Channel> makePauliChannel(const std::map<std::string, double>& chances);
/// From its matrices, all 2x2 or all 4x4; OutOfRange unless they sum to a channel within 1e-8.
[[nodiscard]] Result<Channel> makeKrausChannel(std::vector<DenseMatrix> kraus);

/// Depolarizing in the Pauli form: (1-p) rho + p / (4^n - 1) times the sum of all other P rho P.
[[nodiscard]] Result<Channel> depolarizing(int qubits, double p);
/// Decay toward the mixture with `excited` in |1> for `time`, all times in one unit; needs T2 <= 2 T1. Infinite times: none.
[[nodiscard]] Result<Channel> thermalRelaxation(double t1, double t2, double time, double excited);

} // namespace qscope::engine
