// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/device_math.h"
#include "engine/nn/graph/operator.h"

#include <set>

namespace qscope::engine::nn {

/// Runs nodes of graphs on a device and keeps their values there. Nodes that the device does not do run on the CPU;
/// each operator for which that happens is noted once, with the reason. For one thread; the math must outlive it.
class DeviceRun {
public:
    DeviceRun(DeviceMath& math, Diagnostics& notes)
        : m_math(math)
        , m_notes(notes) {}

    /// The node's outputs, or nothing when the device does not do it with these inputs.
    [[nodiscard]] Result<std::optional<std::vector<Value>>> run(const Node& node, OperatorInputs inputs,
                                                                OperatorContext& context);
    /// The value with its bytes.
    [[nodiscard]] Result<Value> onHost(Value value);

private:
    DeviceMath& m_math;
    Diagnostics& m_notes;
    std::set<std::string_view> m_noted;
};

/// The device of a run, ready for graphs; `run()` is null when the run's backend is the CPU.
class RunDevice {
public:
    [[nodiscard]] static Result<RunDevice> start(const RunContext& context);
    [[nodiscard]] DeviceRun* run() const { return m_run.get(); }

private:
    std::unique_ptr<DeviceMath> m_math;
    std::unique_ptr<DeviceRun> m_run;
};

/// Notes that some work runs on the CPU although the run has another device, and why.
void noteRunsOnCpu(const RunContext& context, std::string what, std::string_view why);

/// What nodes come to on a device; used by `DeviceRun` alone.
struct DeviceNode {
    const Node& node;
    OperatorInputs inputs;
    DeviceMath& math;
    bool hasSession = false;

    /// The input's elements on the device; uploads them when they are not there.
    [[nodiscard]] Result<DeviceArrayPtr> array(std::size_t input) const;
    [[nodiscard]] bool has(std::size_t input) const { return input < inputs.size() && inputs[input]; }
    [[nodiscard]] const Shape& shape(std::size_t input) const { return inputs[input]->shape(); }
};

/// One output of the node, or Unsupported with the reason why the device does not do it.
using DeviceForward = Result<Value> (*)(const DeviceNode& node);
/// Null for operators that no device does.
[[nodiscard]] DeviceForward deviceForward(std::string_view op);

} // namespace qscope::engine::nn
