// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/core/memory_budget.h"
#include "engine/core/read_limits.h"

#include <string_view>

namespace qscope::engine {

// What all readers share. Not for users of checkpoints.

/// Well-formed UTF-8 without overlong forms and surrogates.
[[nodiscard]] bool isUtf8(std::string_view text);

/// One line that is safe to show: control characters and bytes that are no UTF-8 become '?', long text is cut.
[[nodiscard]] std::string printable(std::string_view text, std::size_t maximumBytes = 80);

/// Elements of a shape from a file: no negative axis, no overflow, no huge axes around an empty one.
[[nodiscard]] Result<std::int64_t> checkedElements(const Shape& shape, const ReadLimits& limits);

/// What a listed tensor takes in memory, once more while the list grows, with its place in the index of names.
[[nodiscard]] std::uint64_t memoryOf(const TensorInfo& tensor);
/// The same of a pair of metadata, its value's text or array excepted.
[[nodiscard]] std::uint64_t memoryOfPair(std::string_view key);

/// Hugging Face's names for a Llama-shaped model, or others.
[[nodiscard]] Naming namingOf(const std::vector<TensorInfo>& tensors);

/// Whether each tensor's size follows from type and shape and lies inside its file; Malformed otherwise.
[[nodiscard]] Result<void> checkTensors(const Checkpoint& checkpoint, const ReadLimits& limits);

/// The last step of every reader, whatever it checked before: each tensor's size follows from type and shape and lies
/// inside its file, names are unique and readable; then the name index is built. Malformed otherwise.
[[nodiscard]] Result<std::shared_ptr<const Checkpoint>> publish(Checkpoint checkpoint, const ReadLimits& limits);

} // namespace qscope::engine
