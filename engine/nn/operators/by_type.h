// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/operators/shapes.h"

namespace qscope::engine::nn {

/// Calls `use` with an element of the C++ type of a number type; half precision is not among them (`inSingle`).
template<class Use>
[[nodiscard]] auto withElement(DType type, Use&& use) -> decltype(use(float{})) {
    switch (type) {
    case DType::F32: return use(float{});
    case DType::F64: return use(double{});
    case DType::I64: return use(std::int64_t{});
    case DType::I32: return use(std::int32_t{});
    case DType::I16: return use(std::int16_t{});
    case DType::I8: return use(std::int8_t{});
    case DType::U64: return use(std::uint64_t{});
    case DType::U32: return use(std::uint32_t{});
    case DType::U16: return use(std::uint16_t{});
    case DType::U8: return use(std::uint8_t{});
    default: return fail(ErrorCode::Unsupported, "elements of type {} are no numbers to it", info(type).name);
    }
}

[[nodiscard]] inline bool isHalf(DType type) { return type == DType::F16 || type == DType::BF16; }

/// Runs an operator; when its first input has half precision, on single-precision copies of what has that type, and
/// rounds its single-precision results back. `run(OperatorInputs)` returns Outputs.
template<class Run>
[[nodiscard]] Outputs inSingle(OperatorInputs inputs, Run&& run) {
    if (inputs.empty() || !inputs[0] || !isHalf(inputs[0]->dtype())) return run(inputs);
    const DType half = inputs[0]->dtype();
    std::vector<Value> wide(inputs.size());
    std::vector<const Value*> given(inputs.begin(), inputs.end());
    for (std::size_t i = 0; i < inputs.size(); ++i)
        if (inputs[i] && inputs[i]->dtype() == half) {
            QSCOPE_TRY(wide[i], converted(*inputs[i], DType::F32));
            given[i] = &wide[i];
        }
    QSCOPE_TRY(std::vector<Value> outputs, run(OperatorInputs(given)));
    for (Value& output : outputs)
        if (output.dtype() == DType::F32 && !output.host.bytes.empty()) {
            QSCOPE_TRY(output, converted(output, half));
        }
    return outputs;
}

} // namespace qscope::engine::nn
