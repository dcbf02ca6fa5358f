// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/gguf_scales.h"

#include "engine/tensor/scaled_blocks.h"

#include <algorithm>
#include <unordered_map>

namespace qscope::engine {

namespace {

/// Scales of a weight by the place of the weight; null: none.
std::vector<const TensorInfo*> findScales(const std::vector<TensorInfo>& tensors) {
    std::vector<const TensorInfo*> scales(tensors.size(), nullptr);
    std::unordered_map<std::string_view, const TensorInfo*> byName;
    for (const TensorInfo& tensor : tensors)
        if (tensor.dtype == DType::F32 && tensor.name.ends_with(".scale")) byName.emplace(tensor.name, &tensor);
    if (byName.empty()) return scales;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const TensorInfo& weight = tensors[i];
        if (weight.dtype != DType::NVFP4) continue;
        const auto found = byName.find(ggufScaleName(weight.name));
        if (found == byName.end()) continue;
        const std::int64_t count = elementCount(found->second->shape);
        const bool each = weight.shape.size() > 2 && count == weight.shape.front(); // of the experts
        if (elementCount(weight.shape) == 0 || (count != 1 && !each)) continue;
        scales[i] = found->second;
        byName.erase(found); // "a" and "a.weight" both have the name of their scale
    }
    return scales;
}

bool divides(const Metadata& metadata, const std::string& weight, std::vector<float>& scales) {
    const MetadataValue* value = find(metadata, std::string(kGgufDivisorPrefix) + weight);
    const auto* divisor = value ? std::get_if<double>(&value->value) : nullptr;
    if (!divisor || scales.size() != 1 || ggufScaleOf(static_cast<float>(*divisor)) != scales[0]) return false;
    scales[0] = static_cast<float>(*divisor);
    return true;
}

} // namespace

std::string ggufScaleName(std::string weight) {
    constexpr std::string_view kWeight = ".weight";
    if (weight.ends_with(kWeight)) weight.resize(weight.size() - kWeight.size());
    return weight + ".scale";
}

float ggufScaleOf(float divisor) { return 1 / divisor; }

Result<void> joinGgufScales(Checkpoint& checkpoint) {
    const auto scales = findScales(checkpoint.tensors);
    std::vector<bool> moved(checkpoint.tensors.size(), false);
    for (const TensorInfo* scale : scales)
        if (scale) moved[static_cast<std::size_t>(scale - checkpoint.tensors.data())] = true;
    if (std::find(moved.begin(), moved.end(), true) == moved.end()) return {};
    std::vector<TensorInfo> listed;
    listed.reserve(checkpoint.tensors.size());
    for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
        if (moved[i]) continue;
        listed.push_back(checkpoint.tensors[i]);
        if (!scales[i]) continue;
        const auto weight = static_cast<std::uint32_t>(listed.size() - 1);
        TensorInfo& whole = listed.back();
        const TensorView second = checkpoint.view(static_cast<std::size_t>(scales[i] - checkpoint.tensors.data()));
        ScaledBlocks parts{checkpoint.view(i), std::vector<float>(static_cast<std::size_t>(elementCount(second.shape))), false};
        QSCOPE_CHECK(decode(second, 0, std::span<float>(parts.scales)));
        parts.divides = divides(checkpoint.metadata, whole.name, parts.scales);
        QSCOPE_TRY(const auto view, scaledTensor(std::move(parts)));
        whole.dtype = DType::Coded;
        whole.source = view.source;
        whole.form = "NVFP4, scaled";
        whole.bytes += scales[i]->bytes;
        listed.push_back(*scales[i]);
        listed.back().partOf = weight;
    }
    checkpoint.tensors = std::move(listed);
    return {};
}

} // namespace qscope::engine
