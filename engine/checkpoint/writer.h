// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/core/atomic_file.h"
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

/// Looks at the finished temporary file before it takes the target's name; an error leaves the target as it was.
using CheckWritten = std::function<Result<void>(const std::filesystem::path& written)>;

/// Writes GGUF v3 with the given metadata and tensors (names as given), atomically: alignment 32, tensors in the given
/// order, scalars as vectors of one. Progress counts bytes; the caller sets its total.
[[nodiscard]] Result<void> writeGguf(const std::filesystem::path& path, const Metadata& metadata,
                                     std::vector<TensorToWrite> tensors, const RunContext& context,
                                     const CheckWritten& check = {});

/// Writes one safetensors file, atomically, tensors by falling element size, then by name; `metadata` becomes the
/// string map `__metadata__`. Progress counts bytes; the caller sets its total.
[[nodiscard]] Result<void> writeSafetensors(const std::filesystem::path& path,
                                            const std::vector<std::pair<std::string, std::string>>& metadata,
                                            std::vector<TensorToWrite> tensors, const RunContext& context,
                                            const CheckWritten& check = {});

/// The same, checked but still under its temporary name, for files that must appear together.
[[nodiscard]] Result<AtomicFile> prepareSafetensors(const std::filesystem::path& path,
                                                    const std::vector<std::pair<std::string, std::string>>& metadata,
                                                    std::vector<TensorToWrite> tensors, const RunContext& context,
                                                    const CheckWritten& check = {});

/// Writes one array as NumPy does (version 1.0, C order), atomically; the file has no place for the tensor's name.
[[nodiscard]] Result<void> writeNpy(const std::filesystem::path& path, const TensorToWrite& tensor, const RunContext& context,
                                    const CheckWritten& check = {});

/// Writes arrays into an archive as numpy.savez does: stored, one member "<name>.npy" each, ZIP64 where sizes need it.
/// OutOfRange for names that lead out of an archive.
[[nodiscard]] Result<void> writeNpz(const std::filesystem::path& path, const std::vector<TensorToWrite>& tensors,
                                    const RunContext& context, const CheckWritten& check = {});

/// Whether a tensor of this type can be stored in the file format.
[[nodiscard]] bool numpyHolds(DType type);
[[nodiscard]] bool ggufHolds(DType type);
[[nodiscard]] bool safetensorsHolds(DType type);

} // namespace qscope::engine
