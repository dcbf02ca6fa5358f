// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/nn/architectures/architecture.h"
#include "engine/nn/graph/execution.h"

#include <atomic>
#include <mutex>
#include <unordered_map>

namespace qscope::engine {

/// The weights of a checkpoint by their common names and in their common form, whatever the file's: Hugging Face's
/// names, matrices of linear layers [out, in], rotary rows in halves, Gemma's norms less 1. Decoded when asked for, on
/// all cores; F32 that lies well in the file is not copied. What was decoded is kept until a budget is used up: a model
/// runs through its weights in a circle, so that what came first is as good to keep as anything.
class ModelWeights : public nn::WeightSource {
public:
    /// `keep`: bytes of decoded weights to hold.
    ModelWeights(std::shared_ptr<const Checkpoint> checkpoint, std::string_view family, std::uint64_t keep);

    /// Malformed, with the place, when the weight holds NaN or infinity. OutOfRange when there is none.
    [[nodiscard]] Result<nn::Value> weight(std::string_view name, Precision precision) const override;

    /// What `stored`, in the form of the checkpoint's tensor (a quantized result that stands for it), is as a weight.
    [[nodiscard]] Result<nn::Value> commonForm(std::size_t tensor, const TensorView& stored, Precision precision) const;

    /// A gradient with respect to a weight in its common form, F32, as one with respect to the stored tensor: row-major.
    /// Unsupported where the common form is no rearrangement of the stored one.
    [[nodiscard]] Result<std::vector<float>> storedForm(std::size_t tensor, const nn::Value& gradient) const;

    /// The checkpoint's tensor behind a weight.
    [[nodiscard]] std::optional<std::size_t> tensorOf(std::string_view name) const;
    /// The common name of a whole tensor.
    [[nodiscard]] const std::string& nameOf(std::size_t tensor) const { return m_names[tensor]; }
    /// The shape of a weight in its common form, or nothing when there is none.
    [[nodiscard]] std::optional<Shape> shapeOf(std::string_view name) const;

    /// Whether every weight is there and of the shape that the graph has for it; axes of length 1 do not count.
    /// Malformed, naming the first that is not.
    [[nodiscard]] Result<void> expect(std::span<const nn::WeightShape> weights);

private:
    /// What is done to the values of a tensor besides the order of rotary rows.
    enum class Reform : std::uint8_t { None, SubtractOne, Transpose, LogOfNegative };
    [[nodiscard]] Reform reform(std::size_t tensor) const;
    [[nodiscard]] Result<void> checkFinite(std::size_t tensor, const nn::Value& value) const;

    std::shared_ptr<const Checkpoint> m_checkpoint;
    std::vector<std::string> m_names; ///< common ones, by tensor
    std::unordered_map<std::string, std::size_t> m_tensors;
    std::unordered_map<std::size_t, Shape> m_shapes; ///< as the graph has them
    std::uint64_t m_keep;
    mutable std::mutex m_mutex;
    mutable std::unordered_map<std::size_t, nn::Value> m_kept[2]; ///< by precision and tensor
    mutable std::uint64_t m_keptBytes = 0;
    std::unique_ptr<std::atomic<bool>[]> m_finite; ///< of tensors that are used as they lie in the file
};

} // namespace qscope::engine
