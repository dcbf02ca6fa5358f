// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/cutting/cutting.h"
#include "engine/quantum/gradient/gradient.h"
#include "engine/quantum/planner/planner.h"
#include "tests/unit/quantum/noise_support.h"
#include "tests/unit/quantum/qasm3_support.h"

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

/// All simulators, in the order of their plugins.
const std::vector<std::unique_ptr<Simulator>>& simulators() {
    static const auto list = [] {
        std::vector<std::unique_ptr<Simulator>> all;
        all.push_back(makeMpsSimulator());
        all.push_back(makeDensitySimulator());
        all.push_back(makeTrajectorySimulator());
        all.push_back(makePauliTransferSimulator());
        all.push_back(makeStabilizerSimulator());
        all.push_back(makeStatevectorSimulator());
        return all;
    }();
    return list;
}

SimulationPlan planned(const Circuit& circuit, const SimulationRequest& request) {
    std::vector<const Simulator*> all;
    for (const auto& simulator : simulators()) all.push_back(simulator.get());
    auto plan = planSimulation(circuit, request, all);
    if (!plan) UNSCOPED_INFO(qscope::describe(plan.error()));
    REQUIRE(plan.has_value());
    return std::move(*plan);
}

std::string verdict(const SimulationPlan& plan, const std::string& id) {
    for (const PlanCandidate& each : plan.candidates)
        if (each.simulator->id() == id) return each.verdict;
    return "no candidate";
}

const std::string kLoop = "qubit q; bit c; h q; c = measure q; while (c) { h q; c = measure q; }";

} // namespace

TEST_CASE("every simulator gives inputs their values and knows the matrices that modifiers make") {
    const auto circuit = circuitOf3("input float theta; qubit[3] q; ry(theta) q[0]; pow(0.5) @ x q[1];"
                                    "ctrl(2) @ ry(2.0) q[0], q[1], q[2];");
    const double theta = 0.9;
    SimulationRequest request;
    request.inputs = {{"theta", theta}};
    request.observables = {"IIZ", "IZI", "ZII"};
    const double both = 0.5 * std::pow(std::sin(theta / 2), 2); // that both controls are set
    for (const auto& simulator : simulators()) {
        request.method = simulator->id();
        INFO(request.method);
        TestRun run;
        const auto result = simulator->run(*circuit, request, run.context);
        if (request.method == "stabilizer") {
            REQUIRE_FALSE(result.has_value());
            CHECK(result.error().message.find("is not a Clifford gate") != std::string::npos);
            continue;
        }
        if (!result) UNSCOPED_INFO(qscope::describe(result.error()));
        REQUIRE(result.has_value());
        REQUIRE(result->expectations.size() == 3);
        CHECK(result->expectations[0].value == Approx(std::cos(theta)).margin(1e-10));
        CHECK(result->expectations[1].value == Approx(0).margin(1e-10));
        CHECK(result->expectations[2].value == Approx(1 - both * (1 - std::cos(2.0))).margin(1e-10));
        const auto plan = planned(*circuit, request);
        const auto again = runPlan(plan, *circuit, request, run.context);
        REQUIRE(again.has_value());
        CHECK(again->expectations[2].value == Approx(result->expectations[2].value).margin(1e-12));
        SimulationRequest unbound = request;
        unbound.inputs.clear();
        const auto refused = simulator->accepts(*circuit, unbound);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().message.find("'theta'") != std::string::npos);
    }
    const auto clifford =
        circuitOf3("input float theta; qubit[2] q; ry(theta) q[0]; pow(0.5) @ x q[1]; pow(2) @ s q[0];");
    request = {};
    request.method = "stabilizer";
    request.inputs = {{"theta", std::acos(-1.0)}};
    request.observables = {"IZ", "ZI", "YI"};
    TestRun run;
    const auto result = simulators()[4]->run(*clifford, request, run.context);
    REQUIRE(result.has_value());
    CHECK(result->expectations[0].value == -1);
    CHECK(result->expectations[1].value == 0);
    CHECK(result->expectations[2].value == -1); // a quarter turn about X takes |0> to -Y
}

TEST_CASE("gates that modifiers made keep apart though they share a name") {
    const auto circuit = circuitOf3("gate g a { h a; t a; } qubit[2] q; inv @ pow(0.5) @ g q[0]; pow(0.25) @ g q[0];"
                                    "pow(0.25) @ g q[0]; h q[1]; cx q[1], q[0];");
    SimulationRequest request;
    request.observables = {"IZ", "XX"};
    // The powers on qubit 0 cancel: it stays |0>, so that the two end as a Bell pair.
    for (const std::string id : {"statevector", "mps", "density", "pauli_transfer"})
        for (const auto& simulator : simulators()) {
            if (simulator->id() != id) continue;
            request.method = id;
            INFO(id);
            TestRun run;
            const auto result = simulator->run(*circuit, request, run.context);
            REQUIRE(result.has_value());
            CHECK(result->expectations[0].value == Approx(0).margin(1e-10));
            CHECK(result->expectations[1].value == Approx(1).margin(1e-10));
        }
}

TEST_CASE("branches and loops run on the state vector; everything else says that it does not follow them") {
    const auto circuit = circuitOf3(kLoop);
    SimulationRequest request;
    request.observables = {"Z"};
    const auto plan = planned(*circuit, request);
    CHECK(plan.pieces.front().chosen->id() == "statevector");
    CHECK(plan.survey.decisions == 1);
    CHECK(plan.survey.gates == 2);
    TestRun run;
    for (const auto& simulator : simulators()) {
        request.method = simulator->id();
        INFO(request.method);
        const auto result = simulator->run(*circuit, request, run.context);
        if (request.method == "statevector") {
            REQUIRE(result.has_value());
            CHECK(result->expectations[0].value == Approx(1)); // it turns until it finds 0
            continue;
        }
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().message.find("branches, loops or classical values, which '" + request.method) !=
              std::string::npos);
    }
    const auto slope = gradientOf(*circuit, {}, {}, GradientMethod::Adjoint, run.context);
    REQUIRE_FALSE(slope.has_value());
    CHECK(slope.error().message.find("branches, loops") != std::string::npos);
    const auto cut = planCut(*circuit, 1);
    REQUIRE_FALSE(cut.has_value());
    CHECK(cut.error().message.find("branches, loops") != std::string::npos);
    request.method = "auto";
    request.noise = preset("depolarizing");
    const auto noisy = planned(*circuit, request);
    REQUIRE(noisy.refusal);
    CHECK(noisy.refusal->message.find("branches, loops") != std::string::npos);
}

TEST_CASE("a gradient differentiates a controlled gate of the table by its angle") {
    TestRun run;
    const auto controlled = circuitOf3("qubit[3] q; x q[0]; x q[1]; ctrl(2) @ ry(0.7) q[0], q[1], q[2];");
    const std::vector<PauliTerm> z = {{*parsePauli("ZII", 3), 1}};
    const auto parameters = parametersOf(*controlled);
    REQUIRE(parameters.size() == 1);
    for (const auto method : {GradientMethod::Adjoint, GradientMethod::ParameterShift}) {
        const auto slope = gradientOf(*controlled, parameters, z, method, run.context);
        REQUIRE(slope.has_value());
        CHECK(slope->slopes[0] == Approx(-std::sin(0.7)).margin(1e-10));
    }
}

TEST_CASE("with noise only the simulators that know it are candidates") {
    SimulationRequest request;
    request.observables = {"ZZ"};
    const auto pair = circuitOf("qreg q[2]; h q[0]; cx q[0],q[1];");
    CHECK(verdict(planned(*pair, request), "density") == "not a candidate: it is for noise, and none is asked for");
    CHECK_FALSE(planned(*pair, request).pieces.front().chosen->knowsNoise());

    request.noise = preset("depolarizing");
    const auto plan = planned(*pair, request);
    CHECK(plan.pieces.front().chosen->id() == "density");
    CHECK(plan.reason.find("knows noise") != std::string::npos);
    for (const std::string id : {"statevector", "stabilizer", "mps"})
        CHECK(verdict(plan, id) == "not a candidate: it knows no noise");
    CHECK(verdict(plan, "trajectories") == "not chosen: its values are means over random runs, with errors");
    CHECK(verdict(plan, "pauli_transfer") == "not chosen: it gives expectation values, but no probabilities");
    for (const std::string id : {"statevector", "stabilizer", "mps"}) {
        request.method = id;
        const auto refused = planned(*pair, request);
        REQUIRE(refused.refusal);
        CHECK(refused.refusal->message.find("'" + id + "' knows no noise") != std::string::npos);
    }
}

TEST_CASE("a noisy circuit too wide for a density matrix runs whole, by trajectories or as Pauli strings") {
    SimulationRequest request;
    request.noise = preset("depolarizing");
    request.observables = {"Z0 Z1"};
    request.shots = 10;
    const auto apart = circuitOf("qreg q[20]; h q; cx q[0],q[1];");
    const auto sampled = planned(*apart, request);
    CHECK(sampled.shape == SimulationPlan::Shape::Whole);
    REQUIRE_FALSE(sampled.refusal);
    CHECK(sampled.pieces.front().chosen->id() == "trajectories");
    request.shots = 0;
    request.top = 0;
    const auto wide = circuitOf("qreg q[60]; h q[0]; cx q[0],q[1]; h q[59];");
    const auto values = planned(*wide, request);
    REQUIRE_FALSE(values.refusal);
    CHECK(values.pieces.front().chosen->id() == "pauli_transfer");
    CHECK(values.shape == SimulationPlan::Shape::Whole);
}
