// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/density_matrix.h"
#include "engine/quantum/sim/noisy_program.h"
#include "tests/support/oracle/dense_circuit.h"
#include "tests/unit/quantum/random_circuits.h"

namespace qscope::test {

/// sum of K rho K^dagger for a row-major rho of n qubits: its columns' bits are the low ones of an index of 2n bits.
inline oracle::Vector conjugated(const std::vector<oracle::Vector>& kraus, const std::vector<int>& qubits, int n, const oracle::Vector& rho) {
    std::vector<int> rows;
    for (const int qubit : qubits) rows.push_back(qubit + n);
    oracle::Vector result(rho.size());
    for (const auto& matrix : kraus) {
        oracle::Vector conjugate = matrix;
        for (auto& entry : conjugate) entry = std::conj(entry);
        const auto image = oracle::applied(conjugate, qubits, oracle::applied(matrix, rows, rho));
        for (std::size_t k = 0; k < rho.size(); ++k) result[k] += image[k];
    }
    return result;
}

inline oracle::Vector zeroDensity(int qubits) {
    oracle::Vector rho(std::size_t{1} << 2 * qubits);
    rho[0] = 1;
    return rho;
}

/// The naive noisy run of a program of gates and channels.
inline oracle::Vector denseRun(const engine::NoisyProgram& program) {
    oracle::Vector rho = zeroDensity(program.qubits);
    for (const auto& step : program.steps) {
        if (const auto* gate = std::get_if<engine::GateOp>(&step.what))
            rho = conjugated({oracle::matrixOf(gate->name, gate->parameters)}, gate->qubits, program.qubits, rho);
        if (const auto* channel = std::get_if<engine::ChannelOp>(&step.what))
            rho = conjugated(channel->channel->kraus, channel->qubits, program.qubits, rho);
    }
    return rho;
}

/// Tr(P rho) by letters, qubit 0 rightmost.
inline double denseExpectation(const std::string& pauli, const oracle::Vector& rho) {
    const int n = static_cast<int>(pauli.size());
    const std::size_t size = std::size_t{1} << n;
    oracle::Vector image = rho;
    for (int qubit = 0; qubit < n; ++qubit) {
        const char letter = pauli[static_cast<std::size_t>(n - 1 - qubit)];
        const int row = qubit + n;
        if (letter != 'I')
            image = oracle::applied(oracle::matrixOf(std::string(1, static_cast<char>(letter - 'A' + 'a')), {}), {&row, 1}, image);
    }
    double trace = 0;
    for (std::size_t k = 0; k < size; ++k) trace += image[k * size + k].real();
    return trace;
}

inline std::shared_ptr<const engine::NoiseModel> preset(const std::string& spec) {
    auto model = engine::makeNoisePreset(spec);
    if (!model) UNSCOPED_INFO(describe(model.error()));
    REQUIRE(model.has_value());
    return std::make_shared<const engine::NoiseModel>(*std::move(model));
}

/// A model in which gates of one and two qubits suffer every kind of channel there is.
inline std::shared_ptr<const engine::NoiseModel> everyChannel() {
    const std::map<std::string, std::map<std::string, double>> kinds{
        {"depolarizing", {{"p", 0.02}}}, {"depolarizing2", {{"p", 0.03}}}, {"mixing", {{"lambda", 0.01}}}, {"mixing2", {{"lambda", 0.02}}},
        {"bit_flip", {{"p", 0.01}}}, {"phase_flip", {{"p", 0.015}}}, {"bit_phase_flip", {{"p", 0.01}}}, {"phase_damping", {{"lambda", 0.02}}},
        {"amplitude_damping", {{"gamma", 0.03}, {"excited", 0.2}}}, {"thermal_relaxation", {{"t1", 100}, {"t2", 150}, {"time", 2}}},
        {"reset", {{"p0", 0.01}, {"p1", 0.005}}}, {"rotation_x", {{"angle", 0.05}}}, {"rotation_y", {{"angle", -0.03}}},
        {"rotation_z", {{"angle", 0.04}}}, {"rotation_zz", {{"angle", 0.06}}}};
    engine::NoiseModel model;
    std::size_t made = 0;
    for (const auto& kind : engine::channelKinds()) {
        auto channel = engine::makeChannel(kind.name, kinds.at(std::string(kind.name)));
        REQUIRE(channel.has_value());
        // Each on its own gates, so that no run is drowned in noise.
        std::vector<std::string> gates;
        std::size_t index = 0;
        for (const auto& gate : engine::gateTable())
            if (index++ % 5 == made % 5) gates.emplace_back(gate.name);
        model.rules.push_back({gates, {}, {}, *std::move(channel)});
        ++made;
    }
    return std::make_shared<const engine::NoiseModel>(std::move(model));
}

inline engine::SimulationResult runBy(const std::unique_ptr<engine::Simulator>& simulator, const engine::Circuit& circuit,
                                      const engine::SimulationRequest& request, TestRun& run) {
    engine::SimulationRequest asked = request;
    asked.method = simulator->id();
    auto result = simulator->run(circuit, asked, run.context);
    if (!result) UNSCOPED_INFO(describe(result.error()));
    REQUIRE(result.has_value());
    return std::move(*result);
}

/// Five standard deviations above the mean of chi-square, at a fixed seed.
inline void checkCounts(const std::map<std::string, std::int64_t>& counts, const std::map<std::string, double>& probabilities) {
    double shots = 0, chiSquare = 0;
    int cells = 0;
    for (const auto& [bits, count] : counts) shots += static_cast<double>(count);
    for (const auto& [bits, p] : probabilities) {
        const auto found = counts.find(bits);
        const double seen = found == counts.end() ? 0 : static_cast<double>(found->second);
        if (p < 1e-12) CHECK(seen == 0);
        if (p * shots < 5) continue;
        chiSquare += (seen - p * shots) * (seen - p * shots) / (p * shots);
        ++cells;
    }
    CHECK(cells > 0);
    CHECK(chiSquare < cells + 5 * std::sqrt(2.0 * cells));
}

} // namespace qscope::test
