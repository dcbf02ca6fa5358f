// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/dtype.h"

#include <optional>
#include <span>
#include <string_view>

namespace qscope::engine {

/// Everything that a PyTorch checkpoint may name: ordered dicts, what rebuilds tensors, storages, types and plain data.
[[nodiscard]] std::span<const std::string_view> torchGlobals();

/// The element type of "torch.FloatStorage" or of "torch.float32". Untyped storages hold bytes.
[[nodiscard]] std::optional<DType> torchType(std::string_view global);
[[nodiscard]] bool isTorchStorage(std::string_view global);

} // namespace qscope::engine
