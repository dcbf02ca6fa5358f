// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/noise_model.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>

namespace qscope::engine {

namespace {

using Numbers = std::map<std::string, double>;

constexpr double kForever = std::numeric_limits<double>::infinity();
/// Gates that devices do by changing the phase of later pulses.
const std::vector<std::string> kVirtual{"rz", "p", "u1", "z", "s", "sdg", "t", "tdg"};

bool isMeasurementOrReset(const std::string& gate) { return gate == "measure" || gate == "reset"; }

bool names(const std::vector<std::string>& list, const std::string& gate, std::size_t qubits) {
    return std::ranges::any_of(list, [&](const std::string& name) {
        return name == gate || (!isMeasurementOrReset(gate) && (name == "*" || name == fmt::format("{}q", qubits)));
    });
}

Result<void> after(NoiseModel& model, std::string gates, std::string_view channel, const Numbers& numbers,
                   std::vector<std::string> except = {}) {
    QSCOPE_TRY(Channel made, makeChannel(channel, numbers));
    model.rules.push_back({{std::move(gates)}, std::move(except), {}, std::move(made)});
    return {};
}

Result<void> depolarized(NoiseModel& model, const Numbers& n, const std::vector<std::string>& except) {
    QSCOPE_CHECK(after(model, "1q", "depolarizing", {{"p", n.at("p1")}}, except));
    QSCOPE_CHECK(after(model, "2q", "depolarizing2", {{"p", n.at("p2")}}));
    model.readout.all = {n.at("readout"), n.at("readout")};
    return {};
}

Result<void> device(NoiseModel& model, const Numbers& n) {
    QSCOPE_CHECK(depolarized(model, n, kVirtual));
    model.decay.all = {n.at("t1"), n.at("t2"), 0};
    model.durations = {{"1q", n.at("time1")}, {"2q", n.at("time2")}, {"measure", n.at("measure")}, {"reset", n.at("measure")}};
    for (const std::string& gate : kVirtual) model.durations[gate] = 0;
    return {};
}

struct Maker {
    NoisePreset preset;
    std::function<Result<void>(NoiseModel&, const Numbers&)> make;
};

std::vector<ChannelParameter> errors(double p1, double p2, double readout) {
    return {{"p1", 0, 1, p1, "depolarizing error after one-qubit gates"},
            {"p2", 0, 1, p2, "depolarizing error after two-qubit gates"},
            {"readout", 0, 1, readout, "chance that a recorded bit is wrong"}};
}
std::vector<ChannelParameter> deviceNumbers(double p1, double p2, double readout, std::array<double, 5> times) {
    auto list = errors(p1, p2, readout);
    list.push_back({"t1", 1e-9, kForever, times[0], "T1 in ns"});
    list.push_back({"t2", 1e-9, kForever, times[1], "T2 in ns, at most 2 T1"});
    list.push_back({"time1", 0, 1e18, times[2], "duration of one-qubit gates in ns"});
    list.push_back({"time2", 0, 1e18, times[3], "duration of two-qubit gates in ns"});
    list.push_back({"measure", 0, 1e18, times[4], "duration of measurements in ns"});
    return list;
}

const std::vector<Maker>& makers() {
    const auto everywhere = [](std::string_view channel, std::string key) {
        return [channel, key](NoiseModel& model, const Numbers& n) { return after(model, "*", channel, {{key, n.at(key)}}); };
    };
    static const std::vector<Maker> table{
        {{"depolarizing", "depolarizing after every gate of one or two qubits", errors(1e-3, 1e-2, 0)},
         [](NoiseModel& model, const Numbers& n) { return depolarized(model, n, {}); }},
        {{"superconducting", "orders of magnitude of a superconducting device, times in ns",
          deviceNumbers(3e-4, 7e-3, 1.5e-2, {1e5, 8e4, 35, 300, 800})}, device},
        {{"trapped_ion", "orders of magnitude of a trapped-ion device, times in ns",
          deviceNumbers(1e-4, 3e-3, 3e-3, {1e13, 1e9, 1e4, 2e5, 1e5})}, device},
        {{"bit_flip", "X on each qubit of every gate", {{"p", 0, 1, 1e-2, "chance of an error"}}}, everywhere("bit_flip", "p")},
        {{"phase_flip", "Z on each qubit of every gate", {{"p", 0, 1, 1e-2, "chance of an error"}}}, everywhere("phase_flip", "p")},
        {{"amplitude_damping", "decay of each qubit of every gate", {{"gamma", 0, 1, 1e-2, "chance of decay"}}},
         everywhere("amplitude_damping", "gamma")},
        {{"readout", "wrong records alone", {{"p", 0, 1, 2e-2, "chance that a recorded bit is wrong"}}},
         [](NoiseModel& model, const Numbers& n) -> Result<void> {
             model.readout.all = {n.at("p"), n.at("p")};
             return {};
         }},
    };
    return table;
}

bool chance(double p) { return p >= 0 && p <= 1; }

Result<void> checkDecay(const Decay& decay, const std::string& where) {
    return thermalRelaxation(decay.t1, decay.t2, 0, decay.excited).map([](const Channel&) {}).map_error([&](Error error) {
        error.trail.push_back(where);
        return error;
    });
}

Result<void> checkReadout(const ReadoutError& error, const std::string& where) {
    if (chance(error.oneGivenZero) && chance(error.zeroGivenOne)) return {};
    return fail(ErrorCode::OutOfRange, "{}: chances {} and {} are not between 0 and 1", where, error.oneGivenZero, error.zeroGivenOne);
}

} // namespace

bool NoiseModel::matches(const NoiseRule& rule, const std::string& gate, const std::vector<int>& qubits) {
    return names(rule.gates, gate, qubits.size()) && std::ranges::find(rule.except, gate) == rule.except.end() &&
           (rule.channel.qubits == 1 || qubits.size() == 2);
}

double NoiseModel::duration(const std::string& gate, std::size_t qubits) const {
    for (const std::string& key : {gate, fmt::format("{}q", qubits), std::string("*")}) {
        if (key != gate && isMeasurementOrReset(gate)) break;
        if (const auto found = durations.find(key); found != durations.end()) return found->second;
    }
    return 0;
}

Result<void> checkNoise(const NoiseModel& model) {
    for (const NoiseRule& rule : model.rules)
        for (const auto& qubits : rule.qubits)
            if (std::ranges::any_of(qubits, [](int qubit) { return qubit < 0; }))
                return fail(ErrorCode::OutOfRange, "a noise rule for a negative qubit");
    QSCOPE_CHECK(checkDecay(model.decay.all, "decay"));
    for (const auto& [qubit, decay] : model.decay.of) QSCOPE_CHECK(checkDecay(decay, fmt::format("decay of qubit {}", qubit)));
    QSCOPE_CHECK(checkReadout(model.readout.all, "readout"));
    for (const auto& [qubit, error] : model.readout.of)
        QSCOPE_CHECK(checkReadout(error, fmt::format("readout of qubit {}", qubit)));
    for (const auto& [gate, time] : model.durations)
        if (!(time >= 0 && std::isfinite(time))) return fail(ErrorCode::OutOfRange, "the duration of {} is {}", gate.substr(0, 80), time);
    return {};
}

std::span<const NoisePreset> noisePresets() {
    static const std::vector<NoisePreset> presets = [] {
        std::vector<NoisePreset> list;
        for (const Maker& maker : makers()) list.push_back(maker.preset);
        return list;
    }();
    return presets;
}

Result<NoiseModel> makeNoisePreset(std::string_view spec) {
    const std::string_view name = spec.substr(0, spec.find(':'));
    const auto found = std::ranges::find(makers(), name, [](const Maker& maker) { return maker.preset.name; });
    if (found == makers().end()) {
        std::string known;
        for (const Maker& maker : makers()) known += fmt::format("{}{}", known.empty() ? "" : ", ", maker.preset.name);
        return fail(ErrorCode::OutOfRange, "unknown noise '{}'; there are {}", name.substr(0, 80), known);
    }
    Numbers numbers;
    for (const ChannelParameter& parameter : found->preset.parameters) numbers.emplace(parameter.key, parameter.initial);
    for (std::string_view rest = name.size() < spec.size() ? spec.substr(name.size() + 1) : std::string_view{}; !rest.empty();) {
        const std::string_view item = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(item.size() + 1, rest.size()));
        const std::string_view key = item.substr(0, item.find('='));
        const auto parameter = std::ranges::find(found->preset.parameters, key, &ChannelParameter::key);
        if (parameter == found->preset.parameters.end())
            return fail(ErrorCode::OutOfRange, "noise '{}' has no parameter '{}'", name, key.substr(0, 80));
        const std::string_view text = item.substr(std::min(key.size() + 1, item.size()));
        double value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size() || !(value >= parameter->least && value <= parameter->most))
            return fail(ErrorCode::OutOfRange, "noise '{}': {} = '{}' is not a number from {} to {}", name, key, text.substr(0, 80),
                        parameter->least, parameter->most);
        numbers[std::string(key)] = value;
    }
    NoiseModel model;
    model.name = spec;
    QSCOPE_CHECK(found->make(model, numbers));
    QSCOPE_CHECK(checkNoise(model));
    return model;
}

} // namespace qscope::engine
