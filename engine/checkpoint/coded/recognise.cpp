// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/coded/recognise.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/coded/families.h"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace qscope::engine {

namespace {

/// A way of storing weights: the method that configurations call it by, and the end of a name that tells it.
struct Family {
    std::string_view method;
    std::string_view telling;
    ReadWeight* read;
};

// Where one telling name belongs to several families, the first that fits is it when no configuration decides.
constexpr Family kFamilies[] = {
    {"gptq", ".qweight", readGptq},
    {"awq", ".qweight", readAwq},
    {"compressed-tensors", ".weight_packed", readCompressed},
    {"compressed-tensors", ".bitmask", readSparse},
    {"modelopt", ".weight_scale_2", readModelOpt},
    {"fp8", ".weight_scale_inv", readFp8Blocks},
    {"compressed-tensors", ".weight_scale", readCompressed},
    {"modelopt", ".weight_scale", readCompressed}, // its FP8 is laid out as float-quantized
    {"fp8", ".weight_scale", readCompressed},
    {"mxfp4", "_blocks", readGptOss},
    {"bitsandbytes", ".quant_state.bitsandbytes__nf4", readBitsandbytes4},
    {"bitsandbytes", ".quant_state.bitsandbytes__fp4", readBitsandbytes4},
    {"bitsandbytes", ".SCB", readBitsandbytes8},
    {kPlainCodes, ".codes", readPlainCodes},
};

// What is made of one weight: its description with levels, four parts that are listed, their sources; and the names.
constexpr std::uint64_t kWeightBytes = 2 * sizeof(CodedWeight) + 256 * sizeof(float) + 10 * sizeof(TensorInfo) + 1024;
constexpr std::uint64_t kNamesOfWeight = 12,
                        kStoredBytes = 72; ///< copies of the module's name; entry of the map of names

std::string unread(const QuantizationClaim& claim) {
    if (claim.method == "compressed-tensors") return unreadCompressed(claim);
    if (claim.method == "gptq") return unreadGptq(claim);
    if (claim.method == "awq") return unreadAwq(claim);
    if (std::ranges::none_of(kFamilies, [&](const Family& family) { return family.method == claim.method; }))
        return "the quantization method '" + printable(claim.method) + "'";
    return {};
}

/// The weights found, each at the stored tensor that told of it, and which tensors they are made of.
struct Found {
    std::map<std::size_t, WeightParts> weights;
    std::vector<bool> taken;
};

Result<Found> findWeights(const Checkpoint& checkpoint, const QuantizationClaim& claim, MemoryBudget& budget) {
    Found found{{}, std::vector<bool>(checkpoint.tensors.size(), false)};
    const auto meant = [&](const Family& family) { return !claim.made() || family.method == claim.method; };
    const auto tells = [](const Family& family, std::string_view name) { return name.ends_with(family.telling); };
    const bool any = std::ranges::any_of(checkpoint.tensors, [&](const TensorInfo& tensor) {
        return std::ranges::any_of(kFamilies,
                                   [&](const Family& family) { return meant(family) && tells(family, tensor.name); });
    });
    if (!any) return found;
    QSCOPE_CHECK(budget.spend(kStoredBytes * checkpoint.tensors.size()));
    const StoredTensors stored(checkpoint);
    for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i)
        for (const Family& family : kFamilies) {
            const std::string& name = checkpoint.tensors[i].name;
            if (found.taken[i] || !meant(family) || !tells(family, name)) continue;
            WeightParts parts(stored, name.substr(0, name.size() - family.telling.size()));
            const auto read = family.read(parts, claim);
            if (!read && claim.made())
                return during(Error{ErrorCode::Malformed, describe(read.error()), {}},
                              fmt::format("weight '{}'", printable(parts.module())));
            const auto used = [&](std::size_t index) { return found.taken[index]; };
            if (!read || !*read || std::ranges::any_of(parts.taken(), used)) continue;
            QSCOPE_CHECK(budget.spend(kWeightBytes + kNamesOfWeight * name.size() + parts.memory()));
            for (const std::size_t index : parts.taken()) found.taken[index] = true;
            found.weights.emplace(i, std::move(parts));
        }
    return found;
}

/// Which of the checkpoint's files a mapping is.
using FileNumbers = std::unordered_map<const void*, std::size_t>;

/// Where a plain view lies among the files; false when it was made here.
bool place(const Checkpoint& checkpoint, const FileNumbers& files, const TensorView& view, TensorInfo& tensor) {
    const auto file = files.find(view.keepAlive.get());
    if (file == files.end()) return false;
    tensor.file = file->second;
    tensor.offset = static_cast<std::uint64_t>(view.bytes.data() - checkpoint.files[file->second]->bytes().data());
    return true;
}

void listWeight(const Checkpoint& checkpoint, const FileNumbers& files, const TensorInfo& telling,
                const WeightParts& parts, std::vector<TensorInfo>& listed) {
    const auto whole = static_cast<std::uint32_t>(listed.size());
    const std::string name = parts.name();
    listed.push_back({name, DType::Coded, parts.whole().shape, telling.file, telling.offset, parts.bytes(),
                      parts.whole().source, parts.form(), std::nullopt});
    for (const WeightParts::Shown& part : parts.shown()) {
        TensorInfo tensor{name + "." + part.name,
                          part.view.dtype,
                          part.view.shape,
                          telling.file,
                          telling.offset,
                          part.bytes,
                          part.view.source,
                          {},
                          whole};
        if (part.view.source) {
            tensor.form = info(part.view.source->plainType()).name;
            listed.push_back(std::move(tensor));
        } else if (place(checkpoint, files, part.view, tensor)) {
            listed.push_back(std::move(tensor));
        }
    }
}

} // namespace

bool tellsOfCodedWeight(std::string_view name) {
    return std::ranges::any_of(kFamilies, [&](const Family& family) { return name.ends_with(family.telling); });
}

Result<void> recogniseCoded(Checkpoint& checkpoint, const QuantizationClaim& claim, MemoryBudget& budget,
                            Diagnostics& notes) {
    if (claim.made())
        if (const std::string what = unread(claim); !what.empty()) {
            notes.warn(what + " is not read: its tensors are shown as they are stored", claim.file);
            return {};
        }
    QSCOPE_TRY(const Found found, findWeights(checkpoint, claim, budget));
    if (found.weights.empty()) {
        if (claim.made())
            notes.warn(fmt::format("says that weights are quantized by {}, yet none is stored so", claim.method),
                       claim.file);
        return {};
    }
    FileNumbers files;
    for (std::size_t i = 0; i < checkpoint.files.size(); ++i) files.emplace(checkpoint.files[i].get(), i);
    std::vector<TensorInfo> listed;
    listed.reserve(checkpoint.tensors.size());
    for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
        const auto weight = found.weights.find(i);
        if (weight != found.weights.end()) {
            listWeight(checkpoint, files, checkpoint.tensors[i], weight->second, listed);
        } else if (!found.taken[i]) {
            listed.push_back(std::move(checkpoint.tensors[i]));
        }
    }
    checkpoint.tensors = std::move(listed);
    return {};
}

} // namespace qscope::engine
