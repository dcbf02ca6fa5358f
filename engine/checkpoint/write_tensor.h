// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/writer.h"
#include "engine/core/atomic_file.h"

namespace qscope::engine {

// What the writers share. Not for users of checkpoints.

/// Bytes that a tensor about to be written will take; OutOfRange when type and shape have no size.
[[nodiscard]] Result<std::uint64_t> bytesToWrite(const TensorToWrite& tensor);

/// OutOfRange when two tensors have one name or a name is empty or not UTF-8.
[[nodiscard]] Result<void> checkNames(const std::vector<TensorToWrite>& tensors);

/// Asks for the tensor's bytes, checks them against the promise and writes them in pieces; stops on request.
[[nodiscard]] Result<void> writeTensor(AtomicFile& file, const TensorToWrite& tensor, const RunContext& context);

/// Shows the finished file to `check`.
[[nodiscard]] Result<void> checkFinished(AtomicFile& file, const CheckWritten& check, const RunContext& context);

/// The same, then puts it in place.
[[nodiscard]] Result<void> checkAndCommit(AtomicFile& file, const CheckWritten& check, const RunContext& context);

} // namespace qscope::engine
