// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quantum/gradient/gradient.h"
#include "tests/unit/quantum/random_circuits.h"

#include <cmath>
#include <numbers>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

struct Observable {
    std::vector<std::pair<double, std::string>> texts;
    std::vector<PauliTerm> terms;
};

Observable randomObservable(int qubits, int count, std::mt19937& random) {
    Observable result;
    std::uniform_real_distribution<double> weight(-1, 1);
    for (int k = 0; k < count; ++k) {
        result.texts.emplace_back(weight(random), randomPauli(qubits, random));
        result.terms.push_back({*parsePauli(result.texts.back().second, qubits), result.texts.back().first});
    }
    return result;
}

double byDefinition(const Circuit& circuit, const Observable& observable) {
    const auto state = oracle::finalState(circuit);
    double sum = 0;
    for (const auto& [weight, text] : observable.texts) sum += weight * oracle::expectation(text, state);
    return sum;
}

/// Five points, whose error is of the fourth order: near 1e-11 with this step.
double slopeByDefinition(Circuit circuit, const ParameterRef& at, const Observable& observable) {
    constexpr double h = 2e-3;
    double& angle =
        std::get<GateOp>(circuit.operations[at.operation].what).parameters[static_cast<std::size_t>(at.index)];
    const double centre = angle;
    const auto f = [&](double shift) {
        angle = centre + shift;
        return byDefinition(circuit, observable);
    };
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
}

Gradient found(const Circuit& circuit, const std::vector<ParameterRef>& parameters, const Observable& observable,
               GradientMethod method) {
    TestRun run;
    auto result = gradientOf(circuit, parameters, observable.terms, method, run.context);
    if (!result) UNSCOPED_INFO(describe(result.error()));
    REQUIRE(result.has_value());
    return std::move(*result);
}

} // namespace

TEST_CASE("the slope of every angle of every gate follows its definition") {
    std::mt19937 random(61);
    std::uniform_real_distribution<double> angle(-3, 3);
    for (const GateInfo& info : gateTable()) {
        if (info.parameters == 0) continue;
        INFO(std::string(info.name));
        Circuit circuit = randomCircuit(3, 12, random);
        std::vector<double> angles;
        for (int k = 0; k < info.parameters; ++k) angles.push_back(angle(random));
        const std::size_t at = circuit.operations.size();
        append(circuit, std::string(info.name), angles, differentQubits(info.qubits, 3, random));
        for (int q = 0; q < 3; ++q) append(circuit, "u3", {0.7 + q, 0.4, 0.2 * q}, {q});
        append(circuit, "cx", {}, {0, 2});
        const Observable observable = randomObservable(3, 6, random);
        std::vector<ParameterRef> parameters;
        for (int k = 0; k < info.parameters; ++k) parameters.push_back({at, k});
        for (const auto method :
             {GradientMethod::Adjoint, GradientMethod::ParameterShift, GradientMethod::FiniteDifference}) {
            const Gradient gradient = found(circuit, parameters, observable, method);
            CHECK(gradient.value == Approx(byDefinition(circuit, observable)).margin(1e-12));
            for (std::size_t k = 0; k < parameters.size(); ++k)
                CHECK(gradient.slopes[k] == Approx(slopeByDefinition(circuit, parameters[k], observable)).margin(1e-8));
        }
    }
}

TEST_CASE("all angles of random circuits have the same slopes by every method") {
    std::mt19937 random(62);
    for (int round = 0; round < 12; ++round) {
        const int qubits = 2 + round % 6;
        const Circuit circuit = randomCircuit(qubits, 25, random);
        const auto parameters = parametersOf(circuit);
        const Observable observable = randomObservable(qubits, 4, random);
        const Gradient adjoint = found(circuit, parameters, observable, GradientMethod::Adjoint);
        const Gradient shift = found(circuit, parameters, observable, GradientMethod::ParameterShift);
        const Gradient difference = found(circuit, parameters, observable, GradientMethod::FiniteDifference);
        for (std::size_t k = 0; k < parameters.size(); ++k) {
            CHECK(adjoint.slopes[k] == Approx(shift.slopes[k]).margin(1e-11));
            CHECK(adjoint.slopes[k] == Approx(difference.slopes[k]).margin(1e-7));
            if (round < 3)
                CHECK(adjoint.slopes[k] == Approx(slopeByDefinition(circuit, parameters[k], observable)).margin(1e-8));
        }
        CHECK(adjoint.runs == 3);
    }
}

TEST_CASE("slopes of states of several blocks follow their definition") {
    std::mt19937 random(64);
    std::uniform_real_distribution<double> angle(-3, 3);
    constexpr int kQubits = 16;
    Circuit circuit;
    circuit.qubits = kQubits;
    circuit.qregs = {{"q", 0, kQubits}};
    constexpr const char* kTurns[] = {"rx", "ry", "rz", "p"};
    for (int layer = 0; layer < 2; ++layer) {
        for (int q = 0; q < kQubits; ++q)
            for (int k = 0; k < 2; ++k) append(circuit, kTurns[random() % 4], {angle(random)}, {q});
        for (int q = 0; q + 1 < kQubits; ++q) append(circuit, "cx", {}, {q, q + 1});
        for (const char* const name : {"rzz", "cp", "crx", "rxx"})
            append(circuit, name, {angle(random)}, differentQubits(2, kQubits, random));
    }
    const auto parameters = parametersOf(circuit);
    const Observable observable = randomObservable(kQubits, 3, random);
    const Gradient adjoint = found(circuit, parameters, observable, GradientMethod::Adjoint);
    CHECK(adjoint.value == Approx(byDefinition(circuit, observable)).margin(1e-12));
    const Gradient shift = found(circuit, parameters, observable, GradientMethod::ParameterShift);
    for (std::size_t k = 0; k < parameters.size(); ++k) {
        INFO("angle " << k << " of " << parameters.size());
        CHECK(adjoint.slopes[k] == Approx(shift.slopes[k]).margin(1e-11));
    }
    for (const std::size_t k : {std::size_t{3}, parameters.size() / 2, parameters.size() - 1})
        CHECK(adjoint.slopes[k] == Approx(slopeByDefinition(circuit, parameters[k], observable)).margin(1e-8));
}

TEST_CASE("a rotated qubit has the slopes of the textbook") {
    const auto circuit = circuitOf("qreg q[2]; creg c[2]; ry(0.4) q[0]; rz(0.9) q[0]; cx q[0],q[1]; measure q -> c;");
    const Observable z{{}, {{*parsePauli("IZ", 2), 2}}};
    for (const auto method :
         {GradientMethod::Adjoint, GradientMethod::ParameterShift, GradientMethod::FiniteDifference}) {
        const Gradient gradient = found(*circuit, parametersOf(*circuit), z, method);
        CHECK(gradient.value == Approx(2 * std::cos(0.4)));
        CHECK(gradient.slopes[0] == Approx(-2 * std::sin(0.4)).margin(1e-9));
        CHECK(gradient.slopes[1] == Approx(0).margin(1e-9));
    }
    // Two runs per rotation, four per controlled one, none for what only delays.
    const auto mixed = circuitOf(
        "gate delay(t) a {}\nqreg q[2]; h q; rx(0.1) q[0]; crx(0.2) q[0],q[1]; u0(1) q[1]; cp(0.3) q[0],q[1];");
    CHECK(found(*mixed, parametersOf(*mixed), z, GradientMethod::ParameterShift).runs == 1 + 2 + 4 + 0 + 2);
}

TEST_CASE("shared parameters add up their uses") {
    // Both angles are multiples of one: d/dx f(2x, -x).
    const auto value = [](double x) {
        const auto circuit =
            circuitOf(fmt::format("qreg q[2]; ry({:.17g}) q[0]; cx q[0],q[1]; rx({:.17g}) q[1];", 2 * x, -x));
        return byDefinition(*circuit, {{{1, "ZI"}, {0.5, "XX"}}, {}});
    };
    const double x = 0.7, h = 1e-4;
    const auto circuit =
        circuitOf(fmt::format("qreg q[2]; ry({:.17g}) q[0]; cx q[0],q[1]; rx({:.17g}) q[1];", 2 * x, -x));
    const Observable observable{{}, {{*parsePauli("ZI", 2), 1}, {*parsePauli("XX", 2), 0.5}}};
    const Gradient gradient = found(*circuit, parametersOf(*circuit), observable, GradientMethod::Adjoint);
    const std::vector<ParameterUse> uses = {{0, 0, 2}, {1, 0, -1}};
    CHECK(sharedSlopes(gradient.slopes, uses, 1).front() ==
          Approx((value(x + h) - value(x - h)) / (2 * h)).margin(1e-7));
}

TEST_CASE("many sets of values give what each gives alone, on any number of threads") {
    std::mt19937 random(63);
    std::uniform_real_distribution<double> angle(-3, 3);
    Circuit circuit = randomCircuit(5, 30, random);
    const auto parameters = parametersOf(circuit);
    const Observable observable = randomObservable(5, 3, random);
    std::vector<std::vector<double>> sets(9);
    for (auto& set : sets)
        for (std::size_t k = 0; k < parameters.size(); ++k) set.push_back(angle(random));
    TestRun run;
    std::vector<std::vector<double>> slopes;
    for (const int threads : {1, 3}) {
        const ThreadLimit limit(threads);
        const auto all = gradientsOf(circuit, parameters, sets, observable.terms, GradientMethod::Adjoint, run.context);
        REQUIRE(all.has_value());
        for (const Gradient& each : *all) slopes.push_back(each.slopes);
    }
    for (std::size_t s = 0; s < sets.size(); ++s) {
        CHECK(slopes[s] == slopes[s + sets.size()]);
        for (std::size_t k = 0; k < parameters.size(); ++k)
            std::get<GateOp>(circuit.operations[parameters[k].operation].what)
                .parameters[static_cast<std::size_t>(parameters[k].index)] = sets[s][k];
        CHECK(slopes[s] == found(circuit, parameters, observable, GradientMethod::Adjoint).slopes);
    }
}

TEST_CASE("gradients are refused where there are none") {
    TestRun run;
    const auto reason = [&](const std::string& body, std::vector<ParameterRef> parameters = {}) {
        const auto result = gradientOf(*circuitOf(body), parameters, {}, GradientMethod::Adjoint, run.context);
        return result ? std::string{} : result.error().message;
    };
    const std::string wanted =
        "line 3: a gradient needs gates alone, not measurements on the way, resets or conditions";
    CHECK(reason("qreg q[1]; creg c[1]; measure q -> c; x q;") == wanted);
    CHECK(reason("qreg q[1]; reset q; x q;") == wanted);
    CHECK(reason("qreg q[1]; x q;", {{0, 0}}) == "operation 0 has no parameter 0");
    CHECK(reason("qreg q[1]; rx(1) q;", {{7, 0}}) == "operation 7 has no parameter 0");
    const std::string large = reason("qreg q[60]; h q;");
    CHECK(large.find("a gradient on 60 qubits needs more than the ") == 0);
    CHECK(large.find(" qubits would fit") != std::string::npos);
}
