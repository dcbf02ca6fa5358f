// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/onnx/catalogue_onnx.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/onnx/unique_names.h"

#include <algorithm>
#include <map>

namespace qscope::engine {

namespace {

constexpr std::size_t kMostNotes = 20; ///< a model with one odd node often has a thousand
constexpr std::uint64_t kCodedWeightBytes = 2 * sizeof(CodedWeight) + 256 * sizeof(float) + 1024; ///< levels, parts, names
constexpr std::string_view kQuantizedSuffix = "_quantized"; ///< what quantizers add to the name of a weight

/// What the nodes made of the stored tensors.
struct CodedWeights {
    struct Entry {
        const OnnxCodedUse* use;
        OnnxCodedWeight weight;
    };
    std::multimap<std::size_t, Entry> byCodes; ///< by the index of the weight that holds the codes
    std::vector<std::size_t> uses;             ///< of each stored tensor, as a part
};

Result<CodedWeights> codedWeights(const OnnxWeights& found, const std::vector<OnnxPlace>& places, const OnnxModelFiles& files,
                                  MemoryBudget& budget, Diagnostics& notes) {
    CodedWeights coded;
    coded.uses.resize(found.weights.size());
    std::size_t unknown = 0;
    for (const OnnxCodedUse& use : found.uses) {
        const std::size_t codes = use.inputs[use.node->opType == "DequantizeLinear" ? 0 : 1];
        if (codes == OnnxCodedUse::kNone) continue; // activations
        QSCOPE_CHECK(budget.spend(kCodedWeightBytes));
        auto made = codedWeight(use, found.weights, places, files, budget);
        if (!made) {
            if (++unknown <= kMostNotes)
                notes.note(fmt::format("{} is shown as it is stored, not as the weight that {} makes of it: {}",
                                       printable(found.weights[codes].name), printable(use.node->opType), made.error().message),
                           found.weights[codes].name);
            continue;
        }
        for (const OnnxCodedPart& part : made->parts) ++coded.uses[part.weight];
        coded.byCodes.emplace(codes, CodedWeights::Entry{&use, *std::move(made)});
    }
    if (unknown > kMostNotes) notes.note(fmt::format("{} more such weights", unknown - kMostNotes));
    return coded;
}

TensorInfo entryFor(std::string name, const TensorView& view, const OnnxWeight& stored, const OnnxPlace& place) {
    TensorInfo entry{std::move(name), view.dtype, view.shape, place.file, place.offset, place.bytes};
    entry.source = view.source;
    if (view.source) entry.form = typeName(stored);
    return entry;
}

} // namespace

Result<std::vector<TensorInfo>> catalogueOnnx(const OnnxWeights& found, const std::vector<OnnxPlace>& places,
                                              const OnnxModelFiles& files, MemoryBudget& budget, Diagnostics& notes) {
    QSCOPE_TRY(const auto coded, codedWeights(found, places, files, budget, notes));
    UniqueNames names;
    const auto isListed = [&](std::size_t i) { return coded.uses[i] == 0 || coded.uses[i] < found.weights[i].uses; };
    for (std::size_t i = 0; i < found.weights.size(); ++i)
        if (isListed(i)) (void)names.make(found.weights[i].name); // stored tensors keep their names

    std::vector<TensorInfo> tensors;
    for (std::size_t i = 0; i < found.weights.size(); ++i) {
        const OnnxWeight& stored = found.weights[i];
        if (isListed(i)) {
            auto view = storedValues(stored, places[i], files);
            if (!view) return during(std::move(view).error(), "tensor '" + printable(stored.name) + "'");
            tensors.push_back(entryFor(stored.name, *view, stored, places[i]));
        }
        const auto [begin, end] = coded.byCodes.equal_range(i);
        for (auto entry = begin; entry != end; ++entry) {
            const OnnxCodedWeight& weight = entry->second.weight;
            const bool own = stored.uses == 1;
            std::string wanted = own ? stored.name : entry->second.use->name;
            if (own && wanted.size() > kQuantizedSuffix.size() && wanted.ends_with(kQuantizedSuffix))
                wanted.resize(wanted.size() - kQuantizedSuffix.size());
            TensorInfo whole{names.make(std::move(wanted)), DType::Coded, weight.view.shape, 0, 0, 0};
            whole.source = weight.view.source;
            whole.form = weight.form;
            for (const OnnxCodedPart& part : weight.parts) whole.bytes += places[part.weight].bytes;
            const std::string name = whole.name;
            const auto index = static_cast<std::uint32_t>(tensors.size());
            QSCOPE_CHECK(budget.spend((weight.parts.size() + 1) * (3 * sizeof whole + 3 * name.size() + 128)));
            tensors.push_back(std::move(whole));
            for (const OnnxCodedPart& part : weight.parts) {
                tensors.push_back(entryFor(names.make(name + std::string(part.suffix)), part.view, found.weights[part.weight],
                                           places[part.weight]));
                tensors.back().partOf = index;
            }
        }
    }
    return tensors;
}

} // namespace qscope::engine
