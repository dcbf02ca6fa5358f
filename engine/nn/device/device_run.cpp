// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/device/device_run.h"

#include <algorithm>
#include <array>

namespace qscope::engine::nn {

namespace {

/// Give their first input another shape and touch no element: a value stays where it is.
constexpr std::array<std::string_view, 5> kOnlyShape{"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze"};

} // namespace

Result<DeviceArrayPtr> DeviceNode::array(std::size_t input) const {
    const Value& value = *inputs[input];
    if (value.device) return value.device;
    if (value.dtype() != DType::F32 || value.host.bytes.empty())
        return fail(ErrorCode::Unsupported, "the device takes tensors of F32 that are not empty");
    return math.upload(elements<float>(value));
}

Result<RunDevice> RunDevice::start(const RunContext& context) {
    RunDevice device;
    MathDevice* const backend = mathDevice(context);
    if (!backend) return device;
    QSCOPE_TRY(device.m_math, backend->makeMath(context));
    device.m_run = std::make_unique<DeviceRun>(*device.m_math, context.notes);
    return device;
}

void noteRunsOnCpu(const RunContext& context, std::string what, std::string_view why) {
    if (mathDevice(context)) context.notes.note(fmt::format("runs on the CPU: {}", why), std::move(what));
}

Result<Value> DeviceRun::onHost(Value value) {
    if (value.onHost()) return value;
    std::vector<float> elements(static_cast<std::size_t>(elementCount(value.shape())));
    QSCOPE_CHECK(m_math.download(value.device, elements));
    Value whole = makeValue(value.shape(), std::move(elements));
    whole.device = std::move(value.device);
    return whole;
}

Result<std::optional<std::vector<Value>>> DeviceRun::run(const Node& node, OperatorInputs inputs,
                                                         OperatorContext& context) {
    const bool touched = std::ranges::find(kOnlyShape, node.op->name) == kOnlyShape.end();
    if (!touched && !inputs.empty() && inputs[0] && !inputs[0]->onHost()) {
        std::vector<Value> rest;
        std::vector<const Value*> given(inputs.begin(), inputs.end());
        rest.reserve(inputs.size());
        for (std::size_t i = 1; i < inputs.size(); ++i)
            if (inputs[i]) {
                QSCOPE_TRY(rest.emplace_back(), onHost(*inputs[i]));
                given[i] = &rest.back();
            }
        return node.op->forward(node, given, context);
    }
    const auto noted = [&](std::string_view why) -> std::optional<std::vector<Value>> {
        if (m_noted.insert(node.op->name).second)
            m_notes.note(fmt::format("runs on the CPU: {}", why), std::string(node.op->name));
        return std::nullopt;
    };
    const DeviceForward forward = deviceForward(node.op->name);
    if (!forward) return noted("the device does not do this operator");
    auto made = forward({node, inputs, m_math, context.session != nullptr});
    if (!made && (made.error().code == ErrorCode::Unsupported || made.error().code == ErrorCode::OutOfMemory))
        return noted(made.error().message);
    if (!made) return tl::unexpected<Error>(std::move(made).error());
    std::vector<Value> outputs;
    outputs.push_back(std::move(*made));
    return outputs;
}

} // namespace qscope::engine::nn
