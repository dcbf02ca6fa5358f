// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/coded/coded_layout.h"

#include "engine/core/checked_math.h"

#include <algorithm>

namespace qscope::engine {

namespace {

const LevelCodes& levelsOf(const QuantizedTensor& tensor) { return std::get<LevelCodes>(tensor.codes); }

std::string typeOf(const LevelCodes& codes) { return codes.levelSet == "NF4" ? "nf4" : "fp4"; }

std::string torchType(DType type) { return type == DType::F16 ? "float16" : type == DType::BF16 ? "bfloat16" : "float32"; }

/// The JSON that describes one tensor, padded to a length that is known before its values are.
std::string stateOf(const QuantizedTensor& tensor, DType sourceType) {
    constexpr std::size_t kRoomForOffset = 48;
    const LevelCodes& codes = levelsOf(tensor);
    Json state = {{"quant_type", typeOf(codes)}, {"blocksize", codes.grouping.groupColumns}, {"dtype", torchType(sourceType)}, {"shape", tensor.shape}};
    if (codes.nested) {
        state["nested_blocksize"] = codes.nested->block;
        state["nested_dtype"] = "float32";
    }
    const std::size_t length = state.dump().size() + kRoomForOffset;
    if (codes.nested) state["nested_offset"] = static_cast<double>(codes.nested->mean);
    std::string text = state.dump();
    text.resize(length, ' ');
    return text;
}

TensorView singles(const std::vector<float>& values) { return makeTensor({static_cast<std::int64_t>(values.size())}, values); }

class BitsandbytesLayout final : public CodedLayout {
public:
    const ExporterInfo& info() const override { return m_info; }

    std::string misfit(const QuantizedTensor& outline, std::string_view) const override {
        const auto* codes = std::get_if<LevelCodes>(&outline.codes);
        if (!codes || (codes->levelSet != "NF4" && codes->levelSet != "FP4"))
            return fmt::format("{} does not fit bitsandbytes, which has NF4 and FP4", describe(outline));
        const Grouping& grouping = codes->grouping;
        const bool flat = grouping.rows == 1 || (grouping.groupRows == 1 && grouping.columns % grouping.groupColumns == 0);
        if (!flat) return "scales for several rows do not fit bitsandbytes, whose blocks are runs of weights";
        const std::int64_t block = grouping.groupColumns;
        if (block < 64 || block > 4096 || (block & (block - 1)) != 0)
            return fmt::format("blocks of {} do not fit bitsandbytes, which has powers of two from 64 to 4096", block);
        if (codes->hasTensorScale || codes->scaleType != DType::F32) return "scales that are not in single precision do not fit bitsandbytes";
        return {};
    }

    std::string misfitTogether(std::span<const Treated> treated) const override {
        const LevelCodes& first = levelsOf(*treated.front().outline);
        const bool alike = std::ranges::all_of(treated, [&](const Treated& entry) {
            const LevelCodes& codes = levelsOf(*entry.outline);
            return codes.levelSet == first.levelSet && !codes.nested == !first.nested;
        });
        return alike ? "" : "several types or kinds of scales do not fit bitsandbytes, which has one for all matrices";
    }

    void addTensors(const Treated& treated, std::vector<TensorToWrite>& tensors) const override {
        const LevelCodes& codes = levelsOf(*treated.outline);
        const std::int64_t count = elementCount(treated.outline->shape), blocks = codes.grouping.count();
        const std::string& name = treated.name;
        addTensor(tensors, treated, name, DType::U8, {ceilDiv(count, std::int64_t{2}), 1}, CodedValues::All,
                  [count](const QuantizedTensor& tensor) { return wordsOf(bitsandbytesCodes(count), levelsOf(tensor).codes, 0); });
        addTensor(tensors, treated, name + ".quant_map", DType::F32, {16}, CodedValues::None,
                  [](const QuantizedTensor& tensor) { return singles(levelsOf(tensor).levels); });
        if (codes.nested) {
            const std::int64_t peaks = ceilDiv(blocks, codes.nested->block);
            addTensor(tensors, treated, name + ".absmax", DType::U8, {blocks}, CodedValues::Groups,
                      [](const QuantizedTensor& tensor) { return bytesOf(levelsOf(tensor).nested->codes); });
            addTensor(tensors, treated, name + ".nested_absmax", DType::F32, {peaks}, CodedValues::Groups,
                      [](const QuantizedTensor& tensor) { return singles(levelsOf(tensor).nested->peaks); });
            addTensor(tensors, treated, name + ".nested_quant_map", DType::F32, {256}, CodedValues::Groups,
                      [](const QuantizedTensor& tensor) { return singles(levelsOf(tensor).nested->levels); });
        } else {
            addTensor(tensors, treated, name + ".absmax", DType::F32, {blocks}, CodedValues::Groups,
                      [](const QuantizedTensor& tensor) { return singles(levelsOf(tensor).scales); });
        }
        const auto length = static_cast<std::int64_t>(stateOf(*treated.outline, treated.sourceType).size());
        addTensor(tensors, treated, name + ".quant_state.bitsandbytes__" + typeOf(codes), DType::U8, {length}, CodedValues::Groups,
                  [type = treated.sourceType](const QuantizedTensor& tensor) { return text(stateOf(tensor, type)); });
    }

    Json config(std::span<const Treated> treated, const std::vector<std::string>& untreated) const override {
        const LevelCodes& codes = levelsOf(*treated.front().outline);
        return {{"quant_method", "bitsandbytes"},
                {"load_in_4bit", true},
                {"load_in_8bit", false},
                {"bnb_4bit_quant_type", typeOf(codes)},
                {"bnb_4bit_use_double_quant", codes.nested != nullptr},
                {"bnb_4bit_compute_dtype", torchType(treated.front().sourceType)},
                {"bnb_4bit_quant_storage", "uint8"},
                {"llm_int8_skip_modules", untreated.empty() ? Json() : Json(untreated)},
                {"llm_int8_threshold", 6.0}};
    }

private:
    ExporterInfo m_info{"bitsandbytes", "bitsandbytes", "safetensors",
                        "NF4 and FP4 codes with their scales, nested or not, and config.json.", "Transformers with bitsandbytes, vLLM", true};
};

} // namespace

std::unique_ptr<CodedLayout> makeBitsandbytesLayout() { return std::make_unique<BitsandbytesLayout>(); }

} // namespace qscope::engine
