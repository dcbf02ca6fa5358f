// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/weight_orientation.h"

#include "engine/checkpoint/architecture.h"
#include "engine/plan/common_names.h"
#include "engine/quant/transposed.h"
#include "engine/tensor/strided_tensor.h"

namespace qscope::engine {

bool isStoredTransposed(const Checkpoint& checkpoint, std::size_t tensor) {
    const Architecture* family = architectureOf(checkpoint);
    if (!family || !family->transposes || checkpoint.naming != Naming::HuggingFace) return false;
    const TensorInfo& entry = checkpoint.tensors[tensor];
    return entry.shape.size() == 2 &&
           weightName(checkpoint, modelFamily(checkpoint), entry.name).starts_with(family->block);
}

Result<TensorView> turned(const TensorView& matrix) {
    return stridedTensor(matrix, {matrix.shape.at(1), matrix.shape.at(0)}, {1, matrix.shape.at(1)}, 0);
}

Result<TensorView> asMethodsSee(const Checkpoint& checkpoint, std::size_t tensor) {
    TensorView stored = checkpoint.view(tensor);
    if (!isStoredTransposed(checkpoint, tensor)) return stored;
    return turned(stored);
}

std::shared_ptr<const QuantizedTensor> asStored(const Checkpoint& checkpoint, std::size_t tensor,
                                                std::shared_ptr<const QuantizedTensor> result) {
    return isStoredTransposed(checkpoint, tensor) ? transposed(std::move(result)) : result;
}

std::shared_ptr<const QuantizedTensor> asMethodsSee(std::shared_ptr<const QuantizedTensor> stored) {
    const auto* form = stored ? formOf<Transposed>(*stored) : nullptr;
    return form ? form->base : stored;
}

} // namespace qscope::engine
