// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/checked_math.h"
#include "engine/report/coded/coded_layout.h"
#include "engine/tensor/small_floats.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

/// How one matrix is stored; matrices that are stored alike share a config group.
struct Scheme {
    std::string format;
    std::string type = "int"; ///< or "float"
    int bits = 4;
    bool symmetric = true;
    std::string strategy;     ///< "tensor", "channel", "group", "tensor_group", "block"
    std::int64_t groupSize = 0;
    std::int64_t high = 0, wide = 0; ///< of "block"
    bool order = false;

    friend bool operator==(const Scheme&, const Scheme&) = default;
};

/// Strategy of a grouping; empty when compressed-tensors has none.
std::string strategyOf(const Grouping& grouping) {
    if (wholeRows(grouping)) return "channel";
    if (wholeMatrix(grouping)) return "tensor";
    if (grouping.groupRows == 1 && grouping.columns % grouping.groupColumns == 0) return "group";
    return {};
}

/// Whether dividing by the scale's reciprocal gives what multiplying by it gives, for every scale that E4M3 has.
bool hasExactReciprocal(float scale) {
    const float reciprocal = 1 / scale;
    return std::isfinite(reciprocal) && std::ranges::all_of(std::span(kE4M3).subspan(1, 126), [&](float value) { return value / reciprocal == value * scale; });
}

struct Judged {
    Scheme scheme;
    std::string misfit;
};
Judged misfit(std::string why) { return {{}, std::move(why) + " compressed-tensors"}; }

Judged judge(const GridCodes& codes) {
    const auto& [grid, grouping, values, order] = codes;
    Scheme scheme{"pack-quantized", "int", grid.bits, grid.symmetric, strategyOf(grouping)};
    if (scheme.strategy.empty())
        return misfit(fmt::format("a scale per {} x {} of {} x {} weights does not fit", grouping.groupRows, grouping.groupColumns, grouping.rows,
                                  grouping.columns));
    scheme.order = !order.empty();
    if (scheme.order) scheme.strategy = "group";
    if (scheme.strategy == "group") scheme.groupSize = grouping.groupColumns;
    else if (grid.bits == 8) scheme.format = "int-quantized";
    if (scheme.strategy == "tensor" && grid.bits != 8)
        return misfit("one scale for a matrix of codes of fewer than 8 bits does not fit"); // no loader has packed ones
    return {scheme, {}};
}

Judged judgeE4M3(const LevelCodes& codes) {
    const Grouping& grouping = codes.grouping;
    if (codes.hasTensorScale) return misfit("a scale for the tensor beside those of its groups does not fit the FP8 of");
    if (codes.scaleType == DType::F8_E8M0) {
        if (grouping.groupRows != 1 || grouping.groupColumns != 32 || grouping.columns % 32 != 0) return misfit("powers of two that are not in groups of 32 do not fit the MXFP8 of");
        return {{"mxfp8-quantized", "float", 8, true, "group", 32}, {}};
    }
    if (codes.scaleType == DType::F8_E4M3) return misfit("FP8 scales do not fit the FP8 of");
    Scheme scheme{"float-quantized", "float", 8, true, strategyOf(grouping)};
    if (scheme.strategy == "group" || scheme.strategy.empty()) {
        scheme.strategy = "block";
        scheme.high = grouping.groupRows;
        scheme.wide = grouping.groupColumns;
    }
    return {scheme, {}};
}

Judged judgeE2M1(const LevelCodes& codes) {
    const Grouping& grouping = codes.grouping;
    const std::int64_t size = codes.scaleType == DType::F8_E4M3 ? 16 : 32;
    if (codes.scaleType != DType::F8_E4M3 && codes.scaleType != DType::F8_E8M0)
        return misfit("FP4 codes with scales that are not in 8 bits do not fit");
    if (grouping.groupRows != 1 || grouping.groupColumns != size || grouping.columns % size != 0)
        return misfit(fmt::format("FP4 codes that are not in groups of {} do not fit", size));
    if (size == 32) {
        if (codes.hasTensorScale) return misfit("a scale for the tensor does not fit the MXFP4 of");
        return {{"mxfp4-pack-quantized", "float", 4, true, "group", 32}, {}};
    }
    if (codes.hasTensorScale && !codes.tensorScaleDivides && !hasExactReciprocal(codes.tensorScale))
        return misfit(fmt::format("the tensor scale {}, which has no exact reciprocal, does not fit the NVFP4 of", codes.tensorScale));
    return {{"nvfp4-pack-quantized", "float", 4, true, "tensor_group", 16}, {}};
}

Judged judge(const QuantizedTensor& tensor) {
    if (const auto* grid = std::get_if<GridCodes>(&tensor.codes)) return judge(*grid);
    const auto* levels = std::get_if<LevelCodes>(&tensor.codes);
    if (levels && levels->levelSet == "E4M3" && !levels->nested) return judgeE4M3(*levels);
    if (levels && levels->levelSet == "E2M1" && !levels->nested) return judgeE2M1(*levels);
    return misfit(describe(tensor) + " does not fit");
}

const GridCodes& gridOf(const QuantizedTensor& tensor) { return std::get<GridCodes>(tensor.codes); }
const LevelCodes& levelsOf(const QuantizedTensor& tensor) { return std::get<LevelCodes>(tensor.codes); }

/// The codes of numbers that a small float type holds exactly; `ascending` are its values from code 0 on.
std::vector<std::uint8_t> codesIn(std::span<const float> ascending, std::uint8_t nan, const std::vector<float>& values) {
    std::vector<std::uint8_t> codes;
    codes.reserve(values.size());
    for (const float value : values) {
        const auto place = std::ranges::lower_bound(ascending, std::abs(value)) - ascending.begin();
        codes.push_back(std::isnan(value) ? nan : static_cast<std::uint8_t>(place | (std::signbit(value) ? 0x80 : 0)));
    }
    return codes;
}

TensorView levelScales(const LevelCodes& codes) {
    if (codes.scaleType == DType::F8_E4M3) return bytesOf(codesIn(std::span(kE4M3).first(127), 0x7F, codes.scales));
    if (codes.scaleType == DType::F8_E8M0) return bytesOf(codesIn(std::span(kE8M0).first(255), 0xFF, codes.scales));
    const auto single = makeTensor({static_cast<std::int64_t>(codes.scales.size())}, codes.scales);
    return codes.scaleType == DType::F32 ? single : narrowed(single, codes.scaleType);
}

/// I8 codes or zero points from ones that count from `base` below zero.
TensorView signedBytes(std::vector<std::uint8_t> values, int shift) {
    for (auto& value : values) value = static_cast<std::uint8_t>(value + shift);
    return bytesOf(values);
}

void addGrid(const Treated& treated, const Scheme& scheme, std::vector<TensorToWrite>& tensors) {
    const GridCodes& codes = gridOf(*treated.outline);
    const std::int64_t rows = codes.grouping.rows, columns = codes.grouping.columns, across = codes.grouping.groupsAcross();
    const int bits = scheme.bits;
    const std::string module = treated.module();
    const Shape groups = scheme.strategy == "tensor" ? Shape{1} : Shape{rows, across};
    addTensor(tensors, treated, module + ".weight_scale", dtypeOf(codes.grid.scaleType), groups, CodedValues::Groups,
              [](const QuantizedTensor& tensor) { return scalesOf(gridOf(tensor), false); });
    if (scheme.format == "int-quantized") {
        addTensor(tensors, treated, module + ".weight", DType::I8, {rows, columns}, CodedValues::All, [](const QuantizedTensor& tensor) {
            return signedBytes(gridOf(tensor).values.codes, gridOf(tensor).grid.symmetric ? 0 : -128);
        });
        if (!scheme.symmetric)
            addTensor(tensors, treated, module + ".weight_zero_point", DType::I8, groups, CodedValues::Groups,
                      [](const QuantizedTensor& tensor) { return signedBytes(gridOf(tensor).values.zeros, -128); });
        return;
    }
    addTensor(tensors, treated, module + ".weight_packed", DType::I32, {rows, ceilDiv(columns * bits, std::int64_t{32})}, CodedValues::All,
              [=](const QuantizedTensor& tensor) {
                  return wordsOf(compressedCodes(rows, columns, bits, true), gridOf(tensor).values.codes, fromZero(gridOf(tensor)));
              });
    addTensor(tensors, treated, module + ".weight_shape", DType::I64, {2}, CodedValues::None, [rows, columns](const QuantizedTensor&) {
        const std::int64_t sizes[] = {rows, columns};
        const auto bytes = std::as_bytes(std::span(sizes));
        return makeTensor(DType::I64, {2}, {bytes.begin(), bytes.end()});
    });
    if (!scheme.symmetric)
        addTensor(tensors, treated, module + ".weight_zero_point", DType::I32, {ceilDiv(rows * bits, std::int64_t{32}), across}, CodedValues::Groups,
                  [=](const QuantizedTensor& tensor) { return wordsOf(compressedZeros(rows, across, bits, true), gridOf(tensor).values.zeros, 0); });
    if (scheme.order)
        addTensor(tensors, treated, module + ".weight_g_idx", DType::I32, {columns}, CodedValues::Groups,
                  [](const QuantizedTensor& tensor) { return groupIndex(gridOf(tensor)); });
}

void addLevels(const Treated& treated, const Scheme& scheme, std::vector<TensorToWrite>& tensors) {
    const LevelCodes& codes = levelsOf(*treated.outline);
    const std::int64_t rows = codes.grouping.rows, columns = codes.grouping.columns;
    const std::string module = treated.module();
    if (scheme.bits == 8)
        addTensor(tensors, treated, module + ".weight", DType::F8_E4M3, {rows, columns}, CodedValues::All,
                  [](const QuantizedTensor& tensor) { return bytesOf(levelsOf(tensor).codes); });
    else
        addTensor(tensors, treated, module + ".weight_packed", DType::U8, {rows, columns / 2}, CodedValues::All,
                  [=](const QuantizedTensor& tensor) { return wordsOf(nibbleCodes(rows, columns), levelsOf(tensor).codes, 0); });
    const Shape groups = scheme.strategy == "tensor" ? Shape{1} : Shape{codes.grouping.groupsDown(), codes.grouping.groupsAcross()};
    // Exponents are stored as plain bytes.
    addTensor(tensors, treated, module + ".weight_scale", codes.scaleType == DType::F8_E8M0 ? DType::U8 : codes.scaleType, groups,
              CodedValues::Groups, [](const QuantizedTensor& tensor) { return levelScales(levelsOf(tensor)); });
    if (scheme.strategy == "tensor_group")
        addTensor(tensors, treated, module + ".weight_global_scale", DType::F32, {1}, CodedValues::Groups, [](const QuantizedTensor& tensor) {
            const LevelCodes& levels = levelsOf(tensor);
            return makeTensor({1}, {!levels.hasTensorScale ? 1.0f : levels.tensorScaleDivides ? levels.tensorScale : 1 / levels.tensorScale});
        });
}

Json argumentsOf(const Scheme& scheme) {
    return {{"num_bits", scheme.bits},
            {"type", scheme.type},
            {"symmetric", scheme.symmetric},
            {"strategy", scheme.strategy},
            {"group_size", scheme.groupSize > 0 ? Json(scheme.groupSize) : Json()},
            {"block_structure", scheme.strategy == "block" ? Json({scheme.high, scheme.wide}) : Json()},
            {"dynamic", false},
            {"actorder", scheme.order ? Json("group") : Json()},
            {"observer", "minmax"},
            {"observer_kwargs", Json::object()}};
}

class CompressedLayout final : public CodedLayout {
public:
    const ExporterInfo& info() const override { return m_info; }

    std::string misfit(const QuantizedTensor& outline, std::string_view name) const override {
        if (std::string why = matrixMisfit(outline, name, "compressed-tensors"); !why.empty()) return why;
        return judge(outline).misfit;
    }

    void addTensors(const Treated& treated, std::vector<TensorToWrite>& tensors) const override {
        const Scheme scheme = judge(*treated.outline).scheme;
        if (scheme.type == "int") addGrid(treated, scheme, tensors);
        else addLevels(treated, scheme, tensors);
    }

    /// One group per scheme; its targets are the modules themselves.
    Json config(std::span<const Treated> treated, const std::vector<std::string>&) const override {
        std::vector<std::pair<Scheme, std::vector<std::string>>> schemes;
        for (const Treated& entry : treated) {
            const Scheme scheme = judge(*entry.outline).scheme;
            auto place = std::ranges::find(schemes, scheme, [](const auto& pair) { return pair.first; });
            if (place == schemes.end()) place = schemes.insert(place, {scheme, {}});
            place->second.push_back(entry.module());
        }
        Json groups = Json::object();
        bool oneFormat = true;
        for (const auto& [scheme, modules] : schemes) {
            oneFormat = oneFormat && scheme.format == schemes.front().first.format;
            groups["group_" + std::to_string(groups.size())] = {{"targets", modules},
                                                                {"weights", argumentsOf(scheme)},
                                                                {"input_activations", nullptr},
                                                                {"output_activations", nullptr},
                                                                {"format", scheme.format}};
        }
        return {{"quant_method", "compressed-tensors"},
                {"format", oneFormat ? schemes.front().first.format : "mixed-precision"},
                {"quantization_status", "compressed"},
                {"global_compression_ratio", nullptr},
                {"ignore", Json::array()},
                {"kv_cache_scheme", nullptr},
                {"config_groups", std::move(groups)}};
    }

private:
    ExporterInfo m_info{"compressed-tensors", "compressed-tensors", "safetensors",
                        "Integer codes of 2 to 8 bits, FP8, NVFP4, MXFP4 and MXFP8 as vLLM and llm-compressor store them, with config.json.", "vLLM, Transformers with compressed-tensors", true};
};

} // namespace

std::unique_ptr<CodedLayout> makeCompressedLayout() { return std::make_unique<CompressedLayout>(); }

} // namespace qscope::engine
