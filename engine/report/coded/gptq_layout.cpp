// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/checkpoint.h"
#include "engine/report/coded/coded_layout.h"

#include <algorithm>
#include <map>

namespace qscope::engine {

namespace {

/// What the configuration says of a matrix.
struct Shared {
    int bits = 4;
    std::int64_t groupSize = 128;

    auto operator<=>(const Shared&) const = default;
};

const GridCodes& gridOf(const QuantizedTensor& tensor) { return std::get<GridCodes>(tensor.codes); }

Shared sharedOf(const Treated& treated) {
    const GridCodes& codes = gridOf(*treated.outline);
    return {codes.grid.bits, wholeRows(codes.grouping) ? -1 : codes.grouping.groupColumns};
}

/// A pattern that matches the module's name alone.
std::string patternFor(std::string_view module) {
    std::string pattern = "^";
    for (const char c : module) {
        if (std::string_view(".^$*+?()[]{}|\\").find(c) != std::string_view::npos) pattern += '\\';
        pattern += c;
    }
    return pattern + "$";
}

class GptqLayout final : public CodedLayout {
public:
    explicit GptqLayout(bool second) : m_second(second) {
        m_info.id = second ? "gptq-v2" : "gptq";
        m_info.name = second ? "GPTQ, version 2" : "GPTQ";
        m_info.extension = "safetensors";
        m_info.summary = second ? "Integer codes as GPTQModel stores them, zero points as they are; with config.json."
                                : "Integer codes of 2, 3, 4 and 8 bits as AutoGPTQ stores them, with config.json and "
                                  "quantize_config.json.";
        m_info.shards = true;
        m_info.loadedBy = second ? "GPTQModel, vLLM" : "vLLM, Transformers, ExLlama";
    }

    const ExporterInfo& info() const override { return m_info; }

    std::string misfit(const QuantizedTensor& outline, std::string_view name) const override {
        if (std::string why = matrixMisfit(outline, name, "GPTQ"); !why.empty()) return why;
        const auto* codes = std::get_if<GridCodes>(&outline.codes);
        if (!codes) return fmt::format("{} does not fit GPTQ, which has integer codes", describe(outline));
        const auto& [grid, grouping, values, order] = *codes;
        if (grid.bits != 2 && grid.bits != 3 && grid.bits != 4 && grid.bits != 8)
            return fmt::format("a {}-bit grid does not fit GPTQ, which has 2, 3, 4 and 8 bits", grid.bits);
        if (grid.scaleType != ScaleType::F16) return "scales that are not in half precision do not fit GPTQ";
        if (grouping.groupRows != 1) return "scales for several outputs do not fit GPTQ, which has one per output";
        if (grouping.columns * grid.bits % 32 != 0 || grouping.rows * grid.bits % 32 != 0)
            return fmt::format("{} x {} codes of {} bits do not fit GPTQ, whose rows and columns fill words of 32", grouping.rows,
                               grouping.columns, grid.bits);
        if (!m_second && std::ranges::find(values.zeros, 0) != values.zeros.end())
            return "a zero point of 0 does not fit GPTQ, which stores them less one";
        return {};
    }

    void addTensors(const Treated& treated, std::vector<TensorToWrite>& tensors) const override {
        const GridCodes& codes = gridOf(*treated.outline);
        const std::int64_t rows = codes.grouping.rows, columns = codes.grouping.columns, groups = codes.grouping.groupsAcross();
        const int bits = codes.grid.bits;
        const std::string module = treated.module();
        addTensor(tensors, treated, module + ".qweight", DType::I32, {columns * bits / 32, rows}, CodedValues::All,
                  [=](const QuantizedTensor& tensor) {
                      return wordsOf(gptqCodes(rows, columns, bits), gridOf(tensor).values.codes, fromZero(gridOf(tensor)));
                  });
        addTensor(tensors, treated, module + ".qzeros", DType::I32, {groups, rows * bits / 32}, CodedValues::Groups,
                  [=, second = m_second](const QuantizedTensor& tensor) {
                      return wordsOf(gptqZeros(rows, groups, bits, !second), zerosFromZero(gridOf(tensor)), second ? 0 : -1);
                  });
        addTensor(tensors, treated, module + ".scales", DType::F16, {groups, rows}, CodedValues::Groups,
                  [](const QuantizedTensor& tensor) { return scalesOf(gridOf(tensor), true); });
        addTensor(tensors, treated, module + ".g_idx", DType::I32, {columns}, CodedValues::Groups,
                  [](const QuantizedTensor& tensor) { return groupIndex(gridOf(tensor)); });
    }

    Json config(std::span<const Treated> treated, const std::vector<std::string>& untreated) const override {
        std::map<Shared, std::size_t> counts;
        bool symmetric = true, order = false, head = false;
        for (const Treated& entry : treated) {
            ++counts[sharedOf(entry)];
            symmetric = symmetric && gridOf(*entry.outline).grid.symmetric;
            order = order || !gridOf(*entry.outline).columnGroup.empty();
            head = head || entry.name == "lm_head.weight";
        }
        const auto most = std::ranges::max_element(counts, {}, [](const auto& pair) { return pair.second; });
        const Shared common = most->first;
        Json dynamic = Json::object();
        for (const Treated& entry : treated)
            if (const Shared own = sharedOf(entry); own != common)
                dynamic["+:" + patternFor(entry.module())] = {{"bits", own.bits}, {"group_size", own.groupSize}};
        for (const std::string& module : untreated)
            if (layerIndex(module)) dynamic["-:" + patternFor(module)] = Json::object();
        Json config = {{"quant_method", "gptq"},      {"bits", common.bits},       {"group_size", common.groupSize},
                       {"desc_act", order},           {"sym", symmetric},          {"lm_head", head},
                       {"true_sequential", true},     {"static_groups", false},    {"damp_percent", 0.01},
                       {"pack_dtype", "int32"},       {"checkpoint_format", m_second ? "gptq_v2" : "gptq"},
                       {"meta", {{"quantizer", {"quantoscope"}}}}};
        if (!dynamic.empty()) config["dynamic"] = std::move(dynamic);
        return config;
    }

    std::string configCopy() const override { return "quantize_config.json"; }

private:
    bool m_second;
    ExporterInfo m_info;
};

} // namespace

std::unique_ptr<CodedLayout> makeGptqLayout(bool second) { return std::make_unique<GptqLayout>(second); }

} // namespace qscope::engine
