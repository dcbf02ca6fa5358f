// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/onnx/graph.h"
#include "engine/nn/graph/value.h"

#include <filesystem>

namespace qscope::engine {

/// Stored elements of a tensor, in the layout of raw_data, as a value that operators can use: whole bytes as they are
/// (a view when aligned, kept alive by `keepAlive`), truth values as 0 and 1, integers under a byte in I8 or U8,
/// FLOAT4E2M1 in F8_E4M3, which has all its values. Unsupported for types that have no such form.
[[nodiscard]] Result<nn::Value> onnxValue(OnnxType type, Shape shape, std::span<const std::byte> raw,
                                          std::shared_ptr<const void> keepAlive);

/// The value of a tensor whose elements lie in its own message, texts included; it owns them.
[[nodiscard]] Result<nn::Value> onnxValue(const OnnxTensor& tensor, MemoryBudget& budget, const ReadLimits& limits);

/// A file that holds one TensorProto, as tests of ONNX models come with.
[[nodiscard]] Result<nn::Value> readOnnxTensor(const std::filesystem::path& path, const ReadLimits& limits = {});

} // namespace qscope::engine
