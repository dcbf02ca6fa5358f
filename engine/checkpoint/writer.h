// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/core/run_context.h"

#include <functional>

namespace qscope::engine {

/// One tensor to be written. `bytes` is called once, when its turn comes, so that only one tensor is in memory.
struct TensorToWrite {
    std::string name;
    DType dtype = DType::F32;
    Shape shape;
    std::function<Result<TensorView>()> bytes;
};

/// Writes GGUF v3 with the given metadata and tensors (names as given), atomically: alignment 32, tensors in the given order.
[[nodiscard]] Result<void> writeGguf(const std::filesystem::path& path, const Metadata& metadata,
                                     std::vector<TensorToWrite> tensors, const RunContext& context);

/// Writes one safetensors file, atomically; `metadata` becomes the string map `__metadata__`.
[[nodiscard]] Result<void> writeSafetensors(const std::filesystem::path& path,
                                            const std::vector<std::pair<std::string, std::string>>& metadata,
                                            std::vector<TensorToWrite> tensors, const RunContext& context);

/// Whether a tensor of this type can be stored in the file format.
[[nodiscard]] bool ggufHolds(DType type);
[[nodiscard]] bool safetensorsHolds(DType type);

} // namespace qscope::engine
