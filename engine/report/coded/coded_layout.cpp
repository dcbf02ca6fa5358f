// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/coded/coded_layout.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/report/exact_blocks.h"
#include "engine/report/onnx_qdq.h"
#include "engine/report/safetensors_target.h"
#include "engine/tensor/half.h"

#include <cstring>
#include <numeric>

namespace qscope::engine {

namespace {

/// Rows of values that lie row by row, in the target's order.
template<class T>
Result<void> moveRows(std::vector<T>& values, std::int64_t rows, std::int64_t heads, RopeLayout from, RopeLayout to) {
    const auto bytes = std::as_bytes(std::span(values));
    if (bytes.empty()) return {};
    const auto perRow = static_cast<std::int64_t>(bytes.size()) / rows;
    QSCOPE_TRY(const auto moved, withRopeLayout({DType::U8, {rows, perRow}, bytes, nullptr}, heads, from, to));
    std::memcpy(values.data(), moved.bytes.data(), moved.bytes.size());
    return {};
}

/// Why the rows of a tensor with these groups cannot change places; empty when they can.
std::string unmovable(const QuantizedTensor& tensor) {
    const auto* grid = std::get_if<GridCodes>(&tensor.codes);
    const auto* levels = std::get_if<LevelCodes>(&tensor.codes);
    if (!grid && !levels) return {};
    const Grouping& grouping = grid ? grid->grouping : levels->grouping;
    if (levels && levels->nested) return "its nested scales span rows, and the target orders rows in another way";
    const bool flat = grouping.rows == 1 && asMatrix(tensor.shape).rows > 1;
    if (flat ? asMatrix(tensor.shape).columns % grouping.groupColumns == 0 : grouping.groupRows == 1 || grouping.groupsDown() == 1)
        return {};
    return "its groups span some rows, and the target orders rows in another way";
}

Result<std::shared_ptr<const QuantizedTensor>> moved(QuantizedTensor tensor, std::int64_t heads, RopeLayout from, RopeLayout to) {
    const std::int64_t rows = asMatrix(tensor.shape).rows;
    if (auto* grid = std::get_if<GridCodes>(&tensor.codes)) {
        QSCOPE_CHECK(moveRows(grid->values.codes, rows, heads, from, to));
        if (grid->grouping.groupRows == 1) {
            QSCOPE_CHECK(moveRows(grid->values.scales, rows, heads, from, to));
            QSCOPE_CHECK(moveRows(grid->values.zeros, rows, heads, from, to));
        }
    } else if (auto* levels = std::get_if<LevelCodes>(&tensor.codes)) {
        QSCOPE_CHECK(moveRows(levels->codes, rows, heads, from, to));
        if (levels->grouping.count() % rows == 0) QSCOPE_CHECK(moveRows(levels->scales, rows, heads, from, to));
    }
    return std::make_shared<const QuantizedTensor>(std::move(tensor));
}

} // namespace

Result<std::vector<Treated>> treatedTensors(const Checkpoint& source, const MethodResult* result) {
    QSCOPE_TRY(const auto replaced, replacements(source, result));
    const RopeLayout layout = safetensorsLayout(source);
    std::vector<std::shared_ptr<const QuantizedTensor>> results(source.tensors.size());
    if (result)
        for (const TensorResult& entry : result->tensors) results[entry.tensor] = entry.quantized;
    std::vector<Treated> found;
    for (std::size_t i = 0; i < source.tensors.size(); ++i) {
        const TensorInfo& tensor = source.tensors[i];
        const TensorView stored = source.view(i);
        const bool isBlock = !results[i] && (!tensor.source || !tensor.source->coded());
        if (!tensor.isWhole() || (isBlock && (result || !isQuantized(stored)))) continue;
        const auto inTensor = [&](Error error) { return during(std::move(error), "tensor '" + printable(tensor.name) + "'"); };
        Treated treated{i, safetensorsName(source, i), tensor.dtype, isBlock, results[i], {}};
        if (!treated.outline) {
            auto outline = storedCodes(stored, CodedValues::None);
            if (!outline && isBlock) continue;
            if (!outline) return inTensor(std::move(outline).error());
            treated.outline = std::make_shared<const QuantizedTensor>(*std::move(outline));
        }
        const std::int64_t heads = source.ropeLayout == layout ? 0 : ropeHeads(source, canonicalName(source, tensor.name));
        if (heads > 0)
            if (const std::string why = unmovable(*treated.outline); !why.empty()) return inTensor({ErrorCode::Unsupported, why, {}});
        treated.read = [own = results[i], stored, heads, from = source.ropeLayout, layout](CodedValues values) -> Result<std::shared_ptr<const QuantizedTensor>> {
            if (own && heads == 0) return own;
            if (own) return moved(*own, heads, from, layout);
            QSCOPE_TRY(auto taken, storedCodes(stored, values));
            if (heads == 0) return std::make_shared<const QuantizedTensor>(std::move(taken));
            return moved(std::move(taken), heads, from, layout);
        };
        found.push_back(std::move(treated));
    }
    return found;
}

std::string whyUntreated(const Checkpoint& source, std::string_view format) {
    for (std::size_t i = 0; i < source.tensors.size(); ++i) {
        const TensorInfo& tensor = source.tensors[i];
        if (!tensor.isWhole() || !isQuantized(source.view(i))) continue;
        const auto codes = storedCodes(source.view(i), CodedValues::None);
        if (!codes) return fmt::format("tensor '{}': {} does not hold {}; gguf, safetensors hold it", printable(tensor.name), format, codes.error().message);
    }
    return fmt::format("no tensor is quantized: {} holds those of a method's result or a quantized checkpoint", format);
}

std::string whoHolds(const QuantizedTensor& outline, std::string_view name, std::string_view other) {
    std::vector<std::string> holders;
    for (const auto& layout : {makeCompressedLayout(), makeGptqLayout(false), makeGptqLayout(true), makeAwqLayout(), makeBitsandbytesLayout()})
        if (layout->misfit(outline, name).empty()) holders.push_back(layout->info().id);
    if (exactGgufType(outline)) holders.push_back("gguf");
    if (other != "onnx" && qdqForm(outline)) holders.push_back("onnx");
    if (makePlainLayout()->misfit(outline, name).empty()) holders.push_back("safetensors-codes");
    if (holders.empty()) return "no format holds its codes, safetensors holds its values";
    return fmt::format("{} hold{} it", fmt::join(holders, ", "), holders.size() == 1 ? "s" : "");
}

std::string matrixMisfit(const QuantizedTensor& outline, std::string_view name, std::string_view format) {
    if (outline.shape.size() != 2) return fmt::format("{} axes do not fit {}, which has matrices", outline.shape.size(), format);
    if (!name.ends_with(".weight")) return fmt::format("the name does not fit {}, which has modules with a '.weight'", format);
    return {};
}

TensorView wordsOf(const PackedCodes& layout, std::span<const std::uint8_t> codes, int add) {
    auto bytes = pack(layout, codes, add);
    const auto count = static_cast<std::int64_t>(bytes.size());
    return makeTensor(DType::U8, {count}, std::move(bytes));
}

TensorView bytesOf(std::span<const std::uint8_t> values) {
    const auto bytes = std::as_bytes(values);
    return makeTensor(DType::U8, {static_cast<std::int64_t>(values.size())}, {bytes.begin(), bytes.end()});
}

int fromZero(const GridCodes& codes) { return codes.grid.symmetric ? 1 << (codes.grid.bits - 1) : 0; }

std::vector<std::uint8_t> zerosFromZero(const GridCodes& codes) {
    if (!codes.grid.symmetric) return codes.values.zeros;
    return std::vector<std::uint8_t>(static_cast<std::size_t>(codes.grouping.count()), static_cast<std::uint8_t>(fromZero(codes)));
}

DType dtypeOf(ScaleType type) {
    return type == ScaleType::F16 ? DType::F16 : type == ScaleType::BF16 ? DType::BF16 : DType::F32;
}

TensorView scalesOf(const GridCodes& codes, bool transposed) {
    std::vector<float> scales = codes.values.scales;
    const auto down = static_cast<std::size_t>(codes.grouping.groupsDown()), across = static_cast<std::size_t>(codes.grouping.groupsAcross());
    if (transposed)
        for (std::size_t i = 0; i < down; ++i)
            for (std::size_t j = 0; j < across; ++j) scales[j * down + i] = codes.values.scales[i * across + j];
    const auto count = static_cast<std::int64_t>(scales.size());
    const auto single = makeTensor({count}, std::move(scales));
    return codes.grid.scaleType == ScaleType::F32 ? single : narrowed(single, dtypeOf(codes.grid.scaleType));
}

TensorView groupIndex(const GridCodes& codes) {
    std::vector<std::int32_t> groups = codes.columnGroup;
    if (groups.empty()) {
        groups.resize(static_cast<std::size_t>(codes.grouping.columns));
        for (std::size_t column = 0; column < groups.size(); ++column)
            groups[column] = static_cast<std::int32_t>(static_cast<std::int64_t>(column) / codes.grouping.groupColumns);
    }
    const auto bytes = std::as_bytes(std::span(groups));
    return makeTensor(DType::I32, {codes.grouping.columns}, {bytes.begin(), bytes.end()});
}

TensorView text(const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return makeTensor(DType::U8, {static_cast<std::int64_t>(text.size())}, {bytes.begin(), bytes.end()});
}

bool wholeRows(const Grouping& grouping) { return grouping.groupRows == 1 && grouping.groupColumns >= grouping.columns; }
bool wholeMatrix(const Grouping& grouping) {
    return grouping.groupRows >= grouping.rows && grouping.groupColumns >= grouping.columns;
}

} // namespace qscope::engine
