// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"

#include <QString>

#include <memory>
#include <optional>
#include <string_view>

namespace qscope {

/// What the tensor views are about: the selected tensor and, when a method is selected that treated it, its result.
/// Holds snapshots, so that a job may keep it.
struct TensorSubject {
    std::shared_ptr<const engine::Checkpoint> checkpoint;
    std::shared_ptr<const engine::CompareReport> report; ///< keeps `method` and `result` alive
    std::int64_t index = 0;
    int methodIndex = -1;
    const engine::MethodResult* method = nullptr; ///< null: full precision
    const engine::TensorResult* result = nullptr; ///< null with `method`, or when it left this tensor out

    [[nodiscard]] const engine::TensorInfo& info() const {
        return checkpoint->tensors[static_cast<std::size_t>(index)];
    }
    [[nodiscard]] engine::TensorView view() const { return checkpoint->view(static_cast<std::size_t>(index)); }
    [[nodiscard]] engine::MatrixShape matrix() const { return engine::asMatrix(info().shape); }
};

/// Nothing without a checkpoint or with no (valid) tensor selected.
[[nodiscard]] std::optional<TensorSubject> tensorSubject(const ViewContext& context);

/// The result of one tensor in a method's results, or null.
[[nodiscard]] const engine::TensorResult* resultOf(const engine::MethodResult& method, std::int64_t tensor);

/// "model.layers.3.mlp.up_proj.weight · F16 · 704 × 256", and the method when one is selected.
[[nodiscard]] QString describe(const TensorSubject& subject);

/// Name, formula, meaning and source of a metric, as rich text for a tooltip.
[[nodiscard]] QString metricTooltip(std::string_view key);

} // namespace qscope
