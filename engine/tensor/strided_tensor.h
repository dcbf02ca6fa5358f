// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/tensor/tensor.h"

namespace qscope::engine {

/// A tensor whose element at (i, j, ...) is element offset + i * strides[0] + j * strides[1] + ... of `storage`, a plain
/// scalar type. Row-major ones come back as plain views of the storage's bytes, others as Coded views.
/// Malformed when a stride is negative or an element lies outside the storage; Unsupported for block types, for
/// elements smaller than a byte, for Coded storage and for axes that repeat a small storage more than four million times.
[[nodiscard]] Result<TensorView> stridedTensor(const TensorView& storage, Shape shape, std::vector<std::int64_t> strides,
                                               std::int64_t offset);

} // namespace qscope::engine
