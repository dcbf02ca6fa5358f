// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/translation.h"

#include "engine/checkpoint/architecture.h"
#include "engine/checkpoint/catalogue.h"
#include "engine/report/expert_stacks.h"

#include <cstring>

namespace qscope::engine {

namespace {

/// Rows become columns; plain elements of whole bytes only.
Result<TensorView> transposed(const TensorView& view) {
    const DTypeInfo& type = info(view.dtype);
    if (view.shape.size() != 2 || type.blockLength != 1 || type.blockBits % 8 != 0)
        return fail(ErrorCode::Unsupported, "{} blocks cannot be transposed", type.name);
    const auto rows = static_cast<std::size_t>(view.shape[0]), columns = static_cast<std::size_t>(view.shape[1]);
    const auto size = static_cast<std::size_t>(type.blockBits / 8);
    std::vector<std::byte> moved(view.bytes.size());
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t column = 0; column < columns; ++column)
            std::memcpy(moved.data() + (column * rows + row) * size, view.bytes.data() + (row * columns + column) * size, size);
    return makeTensor(view.dtype, {view.shape[1], view.shape[0]}, std::move(moved));
}

Result<TensorView> shifted(const TensorView& view, float by) {
    std::vector<float> values(static_cast<std::size_t>(elementCount(view.shape)));
    QSCOPE_CHECK(decode(view, 0, std::span<float>(values)));
    for (float& value : values) value += by;
    return makeTensor(view.shape, std::move(values));
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

} // namespace

Translation::Translation(const Checkpoint& source, Naming target)
    : m_source(source), m_target(target), m_family(isTranslatable(source) ? architectureOf(source) : nullptr), m_layout(source.ropeLayout) {
    if (m_family && m_family->pairsRotary) m_layout = target == Naming::Gguf ? RopeLayout::Interleaved : RopeLayout::HalfSplit;
}

Reform Translation::reform(std::size_t tensor) const {
    if (!m_family || m_source.naming == m_target) return Reform::None;
    const std::string canonical = canonicalName(m_source, m_source.tensors[tensor].name);
    if (m_family->shiftsNorms && canonical.ends_with("norm.weight"))
        return m_target == Naming::Gguf ? Reform::AddOne : Reform::SubtractOne;
    const bool matrix = m_source.tensors[tensor].shape.size() == 2 && canonical.starts_with(m_family->block);
    return m_family->transposes && matrix && canonical.ends_with(".weight") ? Reform::Transpose : Reform::None;
}

Result<void> Translation::check(const std::vector<const QuantizedTensor*>& replaced) const {
    QSCOPE_CHECK(checkRopeOrder(m_source, m_layout));
    if (!m_family || m_source.naming == m_target) return {};
    for (std::size_t i = 0; i < m_source.tensors.size(); ++i) {
        const std::string& given = m_source.tensors[i].name;
        const auto refuse = [&](std::string_view why) {
            return fail(ErrorCode::Unsupported, "tensor '{}': {}", printable(given), why);
        };
        if (leavesOut(i)) continue;
        if (m_target == Naming::Gguf && contains(name(i), ".experts.")) return refuse("experts with names that have no place in GGUF");
        if (isStack(i) && (replaced[i] || m_source.tensors[i].source))
            return refuse("codes of a stack of experts are not taken apart to the tensors that Hugging Face has");
        if (replaced[i] && reform(i) != Reform::None)
            return refuse("the target has this tensor in another form; convert the model first, then quantize it");
        const DTypeInfo& type = info(m_source.tensors[i].dtype);
        if (reform(i) == Reform::Transpose && type.blockLength != 1)
            return refuse(fmt::format("the target has it transposed, and {} blocks cannot be", type.name));
    }
    return {};
}

bool Translation::leavesOut(std::size_t tensor) const {
    const TensorInfo& entry = m_source.tensors[tensor];
    if (!entry.isWhole()) return true;
    if (!m_family || m_source.naming == m_target || m_target != Naming::Gguf) return false;
    if (m_family->tiedAlways && entry.name == "lm_head.weight") return true;
    // Masks that old files of GPT-2 hold, which everyone makes anew.
    return m_family->layerNorm && (entry.name.ends_with(".attn.bias") || entry.name.ends_with(".attn.masked_bias"));
}

bool Translation::isStack(std::size_t tensor) const {
    return m_family && m_source.naming == Naming::Gguf && m_target == Naming::HuggingFace && isExpertStack(m_source.tensors[tensor]);
}

std::string Translation::name(std::size_t tensor) const {
    const std::string& given = m_source.tensors[tensor].name;
    if (!m_family || m_source.naming == m_target) return given;
    const std::string canonical = canonicalName(m_source, given);
    return m_target == Naming::Gguf ? ggufName(canonical, m_source.architecture) : canonical;
}

Shape Translation::shape(std::size_t tensor) const {
    const Shape& shape = m_source.tensors[tensor].shape;
    return reform(tensor) == Reform::Transpose ? Shape{shape[1], shape[0]} : shape;
}

bool Translation::changesValues(std::size_t tensor) const {
    const Reform what = reform(tensor);
    return what == Reform::AddOne || what == Reform::SubtractOne;
}

Result<TensorView> Translation::apply(std::size_t tensor, const TensorView& view) const {
    switch (reform(tensor)) {
    case Reform::None: return inRopeOrder(m_source, tensor, view, m_layout);
    case Reform::AddOne: return shifted(view, 1);
    case Reform::SubtractOne: return shifted(view, -1);
    case Reform::Transpose: return transposed(view);
    }
    return view;
}

} // namespace qscope::engine
