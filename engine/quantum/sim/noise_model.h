// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/channels.h"

#include <limits>
#include <map>
#include <string>
#include <vector>

namespace qscope::engine {

/// A channel after certain gates (before it for "measure").
struct NoiseRule {
    /// Gates by name, "measure", "reset", all gates of so many qubits ("1q", "2q", ...) or all gates ("*").
    std::vector<std::string> gates;
    std::vector<std::string> except; ///< gates by name that stay free
    /// Empty: everywhere. Otherwise the gate's qubits as written; a single one names the qubit that a one-qubit channel acts on.
    std::vector<std::vector<int>> qubits;
    /// On one qubit: acts on each qubit of the gate. On two: acts after two-qubit gates alone, first argument first.
    Channel channel;
};

/// How a qubit relaxes while time passes. All times of a model are in one unit, such as nanoseconds.
struct Decay {
    double t1 = std::numeric_limits<double>::infinity();
    double t2 = std::numeric_limits<double>::infinity(); ///< at most 2 t1
    double excited = 0;                                   ///< population of |1> in equilibrium
};

/// Chances that a recorded bit differs from the outcome.
struct ReadoutError {
    double oneGivenZero = 0;
    double zeroGivenOne = 0;
};

/// Something for all qubits, with exceptions.
template<class T>
struct PerQubit {
    T all;
    std::map<int, T> of;
    [[nodiscard]] const T& at(int qubit) const {
        const auto found = of.find(qubit);
        return found == of.end() ? all : found->second;
    }
};

/// What a device does to circuits. A gate is ideal; then the rules that match it act, in order; then its qubits relax for its
/// duration. A qubit that waits for another relaxes too: gates start as early as they can, barriers wait for their qubits.
/// Measurement happens before its duration passes, with an error of the recorded bit alone.
struct NoiseModel {
    std::string name;
    std::vector<NoiseRule> rules;
    PerQubit<Decay> decay;
    PerQubit<ReadoutError> readout;
    std::map<std::string, double> durations; ///< by name, as in `NoiseRule::gates`; `delay` lasts as long as its parameter says

    /// Whether the rule acts after (for "measure", before) the operation of this name, on these qubits.
    [[nodiscard]] static bool matches(const NoiseRule& rule, const std::string& gate, const std::vector<int>& qubits);
    /// By its own name, else by its number of qubits, else by "*", else 0.
    [[nodiscard]] double duration(const std::string& gate, std::size_t qubits) const;
};

/// OutOfRange when a number in the model is impossible. What reads a model from outside calls this.
[[nodiscard]] Result<void> checkNoise(const NoiseModel& model);

struct NoisePreset {
    std::string_view name;
    std::string_view summary;
    std::vector<ChannelParameter> parameters;
};
[[nodiscard]] std::span<const NoisePreset> noisePresets();
/// "depolarizing" or "depolarizing:p1=0.001,p2=0.01"; OutOfRange for what is unknown or impossible.
[[nodiscard]] Result<NoiseModel> makeNoisePreset(std::string_view spec);

} // namespace qscope::engine
