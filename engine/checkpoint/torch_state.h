// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/metadata.h"
#include "engine/checkpoint/torch_file.h"
#include "engine/tensor/tensor.h"

namespace qscope::engine {

/// A tensor of a saved object: elements of a storage, by strides. Whether they lie in it is not checked yet.
struct TorchTensor {
    std::string name;
    DType dtype = DType::F32;
    Shape shape;
    std::vector<std::int64_t> strides; ///< elements
    std::int64_t first = 0;            ///< element of the storage
    FileRange storage;
};

/// What a saved object holds, by its path: "model.layers.0.weight" through dicts and lists, keys joined by dots.
struct TorchState {
    std::vector<TorchTensor> tensors;
    Metadata metadata; ///< numbers, flags and text; lists of one kind as arrays
};

/// Walks over the object. A tensor that appears at two places is listed at both. An object that is one tensor has the
/// name "tensor". Malformed when an object holds itself, Unsupported for tensors that are no elements of a storage.
[[nodiscard]] Result<TorchState> readTorchState(const TorchFile& file, MemoryBudget& budget, const ReadLimits& limits);

} // namespace qscope::engine
