// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/canonical.h"
#include "engine/checkpoint/reader.h"
#include "engine/checkpoint/writer.h"
#include "engine/core/json.h"
#include "engine/report/exporter.h"

namespace qscope::engine {

// What the exporters share. Not for users of exports.

/// For every tensor of the source, what the result put in its place, or null. OutOfRange when a result does not belong
/// to the source.
[[nodiscard]] Result<std::vector<const QuantizedTensor*>> replacements(const Checkpoint& source,
                                                                       const MethodResult* result);

/// Whether names and rotary rows can be translated: a model of a known family whose parts have the names of one of the two
/// worlds, with its sizes.
[[nodiscard]] bool isTranslatable(const Checkpoint& source);

/// Unsupported when rotary rows would have to be reordered and the source does not say how many heads they have.
[[nodiscard]] Result<void> checkRopeOrder(const Checkpoint& source, RopeLayout target);

/// All values in single precision, in a buffer of their own.
[[nodiscard]] Result<TensorView> decoded(const TensorView& tensor);
[[nodiscard]] Result<TensorView> dequantized(const QuantizedTensor& tensor);

/// Values of a single-precision tensor as F16 or BF16, which must hold them exactly (see `holdsExactly`).
[[nodiscard]] TensorView narrowed(const TensorView& single, DType type);
[[nodiscard]] bool holdsExactly(DType type, const TensorView& single);

/// The rows of `view`, which stands for tensor `index` of the source, in the order of the target.
[[nodiscard]] Result<TensorView> inRopeOrder(const Checkpoint& source, std::size_t index, const TensorView& view,
                                             RopeLayout target);

/// Starts the progress of an export: every byte is written once and read back once.
void startProgress(const std::vector<TensorToWrite>& tensors, const RunContext& context);

/// Opens the written file with our own reader and compares every tensor with what was meant; fills the outcome.
[[nodiscard]] Result<void> verifyWritten(const std::filesystem::path& written, const CheckpointReader& reader,
                                         const std::vector<TensorToWrite>& meant, ExportOutcome& outcome,
                                         const RunContext& context);

/// Where the description of a safetensors file or its tokenizer goes: under its own name ("config.json") for "model.safetensors", which loaders look for, and
/// "<stem>.<name>" for any other name, so that two exports in one folder keep apart.
[[nodiscard]] std::filesystem::path pathBeside(const std::filesystem::path& target, const char* name);

/// The source's own config.json, or one made from its sizes; null when nothing is known. Never holds a
/// quantization_config, which belongs to the source's weights.
[[nodiscard]] Json configFor(const Checkpoint& source, const RunContext& context);

} // namespace qscope::engine
