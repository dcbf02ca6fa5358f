// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/plan_text.h"

#include "app/cli/table.h"
#include "engine/quantum/sim/request_checks.h"

#include <map>

namespace qscope::cli {

namespace {

using engine::SimulationPlan;

const char* shapeName(SimulationPlan::Shape shape) {
    switch (shape) {
    case SimulationPlan::Shape::Parts: return "parts";
    case SimulationPlan::Shape::LightCones: return "light_cones";
    case SimulationPlan::Shape::Whole: break;
    }
    return "whole";
}

std::string errorText(double error) { return error == 0 ? "0" : error >= 1 ? "unknown" : fmt::format("{:.2g}", error); }

} // namespace

Json toJson(const SimulationPlan& plan) {
    const auto& survey = plan.survey;
    Json candidates = Json::array();
    for (const auto& each : plan.candidates) {
        Json row{{"method", each.simulator->id()},
                 {"name", each.simulator->name()},
                 {"possible", each.possible},
                 {"verdict", each.verdict}};
        if (each.estimate)
            row.update({{"bytes", each.estimate->bytes},
                        {"seconds", each.estimate->seconds},
                        {"error", each.estimate->error},
                        {"amplitudes", each.estimate->amplitudes},
                        {"basis", each.estimate->basis}});
        candidates.push_back(std::move(row));
    }
    Json pieces = Json::array();
    for (const auto& each : plan.pieces) {
        Json row{{"method", each.chosen ? Json(each.chosen->id()) : Json()},
                 {"bytes", each.bytes},
                 {"seconds", each.seconds},
                 {"error", each.error}};
        row["qubits"] = plan.shape == SimulationPlan::Shape::Whole ? survey.qubits : each.part.circuit.qubits;
        if (!each.observable.empty()) row["observable"] = each.observable;
        pieces.push_back(std::move(row));
    }
    return {{"circuit",
             {{"qubits", survey.qubits},
              {"gates", survey.gates},
              {"two_qubit_gates", survey.twoQubitGates},
              {"larger_gates", survey.largerGates},
              {"clifford_fraction", survey.cliffordFraction},
              {"events", survey.events},
              {"conditions", survey.conditions},
              {"decisions", survey.decisions},
              {"entanglement_bits", survey.entanglementBits},
              {"parts", plan.parts},
              {"largest_part", plan.largestPart}}},
            {"free_bytes", plan.freeBytes},
            {"candidates", std::move(candidates)},
            {"shape", shapeName(plan.shape)},
            {"pieces", std::move(pieces)},
            {"bytes", plan.bytes},
            {"seconds", plan.seconds},
            {"error", plan.error},
            {"reason", plan.refusal ? plan.refusal->message : plan.reason},
            {"possible", !plan.refusal}};
}

std::string toText(const SimulationPlan& plan) {
    const auto& survey = plan.survey;
    std::string text =
        fmt::format("{} qubits, {} gates ({} on two qubits, {} on more), {:.4g} % Clifford, {} measurements and resets "
                    "on the way, {} conditions, {} branches, loops and assignments\n"
                    "entanglement across a cut: at most {:.3g} bits; {} part{} without interaction, the largest of {} "
                    "qubits; {} free\n\n",
                    survey.qubits, survey.gates, survey.twoQubitGates, survey.largerGates,
                    100 * survey.cliffordFraction, survey.events, survey.conditions, survey.decisions, survey.entanglementBits,
                    plan.parts, plan.parts == 1 ? "" : "s", plan.largestPart, engine::bytesText(plan.freeBytes));
    Table table({"method", "memory", "seconds", "error"});
    std::string reasons;
    for (const auto& each : plan.candidates) {
        const std::string id = each.simulator->id();
        if (each.estimate)
            table.add({id, engine::bytesText(each.estimate->bytes), fmt::format("{:.2g}", each.estimate->seconds),
                       errorText(each.estimate->error)});
        else
            table.add({id, "", "", ""});
        reasons += fmt::format("{}: {}{}\n", id, each.verdict, each.estimate ? " (" + each.estimate->basis + ")" : "");
    }
    text += table.text() + "\n" + reasons + "\n";
    if (plan.refusal) return text + fmt::format("Nothing can run it: {}\n", plan.refusal->message);
    std::map<std::string, int> methods;
    for (const auto& each : plan.pieces)
        if (each.chosen) ++methods[each.chosen->id()];
    std::string chosen;
    for (const auto& [method, count] : methods)
        chosen += fmt::format("{}{}{}", chosen.empty() ? "" : ", ", method,
                              count > 1 ? fmt::format(" ({} times)", count) : "");
    return text + fmt::format("Plan: {}; by {}, about {:.2g} s and {}, error {}\n", plan.reason, chosen, plan.seconds,
                              engine::bytesText(plan.bytes), errorText(plan.error));
}

} // namespace qscope::cli
