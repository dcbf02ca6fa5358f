// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/job_runner.h"
#include "engine/quantum/analysis/step_states.h"
#include "engine/registry.h"
#include "plugins/sdk/view_context.h"

#include <QObject>

#include <memory>

namespace qscope {

/// What the user chose for every simulation of the open circuit.
struct SimulationOptions {
    engine::Precision precision = engine::Precision::Double;
    std::int64_t shots = 1024;
    std::uint64_t seed = 0;
    std::vector<std::string> observables;
    std::map<std::string, double> inputs = {}; ///< of the circuit; those without a value are 0

    friend bool operator==(const SimulationOptions&, const SimulationOptions&) = default;
};

/// Keeps the state after the selected step of the open circuit at hand: each change starts a job that supersedes the last.
/// The first step away from a state-vector run records the circuit once with states kept on the way, within a bound of
/// memory; from then on a step is the few gates from the nearest kept state.
class SimulationFollower : public QObject {
    Q_OBJECT
public:
    SimulationFollower(const engine::Registries& registries, JobList& jobs, JobRunner::BackendSource backend,
                       QObject* parent = nullptr);

    void setCircuit(std::shared_ptr<const OpenCircuit> circuit);
    /// Operations already applied; -1: all.
    void setStep(std::int64_t step);
    /// Off while no view shows the state; the next `setWanted(true)` catches up.
    void setWanted(bool wanted);
    void setOptions(const SimulationOptions& options);
    [[nodiscard]] const SimulationOptions& options() const { return m_options; }
    /// After a change of device: the old state lives on the old one.
    void restart();

    /// Null while it is being computed or when there is a problem.
    [[nodiscard]] std::shared_ptr<const engine::SimulationResult> result() const { return m_result; }
    [[nodiscard]] const QString& problem() const { return m_problem; }

signals:
    void changed();

private:
    void update();
    void record(const engine::SimulationRequest& request);
    void take(Result<engine::SimulationResult> result);

    const engine::Registries& m_registries;
    std::shared_ptr<const OpenCircuit> m_circuit;
    std::int64_t m_step = -1;
    bool m_wanted = false;
    bool m_stale = false;
    SimulationOptions m_options;
    std::shared_ptr<const engine::SimulationResult> m_result;
    QString m_problem;
    std::shared_ptr<const engine::StepStates> m_states; ///< of the circuit with the options and device at hand
    bool m_stepping = false;  ///< the step has moved since the circuit, the options or the device changed
    bool m_recording = false; ///< the job that runs records; it goes on when the step moves
    JobRunner m_runner;
};

/// The first simulator that takes the circuit, or the reason of the last one that does not.
[[nodiscard]] Result<const engine::Simulator*> chooseSimulator(const engine::Registries& registries,
                                                               const engine::Circuit& circuit,
                                                               const engine::SimulationRequest& request);

} // namespace qscope
