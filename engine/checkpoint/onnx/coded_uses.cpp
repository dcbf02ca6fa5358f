// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/onnx/coded_uses.h"

#include "engine/core/checked_math.h"
#include "engine/tensor/small_floats.h"

#include <algorithm>

namespace qscope::engine {

namespace {

constexpr std::int64_t kLargest = std::int64_t{1} << 40; ///< of a size that a node states; products of two stay small

/// The numbers that codes of a small float type stand for; nothing for integers.
struct Levels {
    std::string_view name;
    std::span<const float> values;
};
Levels levelsOf(OnnxType type) {
    switch (type) {
    case OnnxType::F8E4M3FN: return {"E4M3", kE4M3};
    case OnnxType::F8E4M3FNUZ: return {"E4M3FNUZ", kE4M3Fnuz};
    case OnnxType::F8E5M2: return {"E5M2", kE5M2};
    case OnnxType::F8E5M2FNUZ: return {"E5M2FNUZ", kE5M2Fnuz};
    case OnnxType::F4E2M1: return {"E2M1", kE2M1};
    default: return {};
    }
}

bool isSignedInteger(OnnxType type) {
    return type == OnnxType::I2 || type == OnnxType::I4 || type == OnnxType::I8 || type == OnnxType::I16 || type == OnnxType::I32;
}

/// Codes one after another, across rows, as raw_data has them.
PackedCodes packedCodes(OnnxType type, std::int64_t count, const OnnxPlace& place, const OnnxModelFiles& files) {
    PackedCodes codes;
    codes.bits = info(type)->bits;
    codes.wordBits = std::max(codes.bits, 8);
    codes.isSigned = isSignedInteger(type);
    codes.columns = count;
    codes.words = files.view(place, DType::U8, {static_cast<std::int64_t>(place.bytes)});
    return codes;
}

bool isFloat(OnnxType type) {
    const auto plain = info(type)->plain;
    return plain && qscope::info(*plain).kind == DTypeKind::Float;
}

bool canBeCodes(OnnxType type) {
    return !levelsOf(type).values.empty() || isSignedInteger(type) || type == OnnxType::U2 || type == OnnxType::U4 ||
           type == OnnxType::U8 || type == OnnxType::U16;
}

/// What the functions below share: one node and the weights it reads.
class Builder {
public:
    Builder(const OnnxCodedUse& use, const std::vector<OnnxWeight>& weights, const std::vector<OnnxPlace>& places,
            const OnnxModelFiles& files, MemoryBudget& budget)
        : m_use(use), m_weights(weights), m_places(places), m_files(files), m_budget(budget) {}

    Result<OnnxCodedWeight> dequantizeLinear() {
        QSCOPE_TRY(const auto codes, input(0, "codes"));
        QSCOPE_TRY(const auto scale, input(1, "scale"));
        const OnnxWeight& stored = m_weights[codes];
        if (!canBeCodes(stored.type)) return fail(ErrorCode::Unsupported, "codes of type {} are not known", info(stored.type)->name);
        if (!isFloat(m_weights[scale].type)) return fail(ErrorCode::Malformed, "its scale is no floating-point number");
        QSCOPE_TRY(const auto zero, optionalInput(2, "zero point"));
        if (zero && m_weights[*zero].type != stored.type)
            return fail(ErrorCode::Malformed, "its zero point has another type than its codes");
        const auto isOne = [&](std::size_t weight) { return m_weights[weight].shape.size() <= 1 && elementCount(m_weights[weight].shape) == 1; };
        if (zero && m_weights[*zero].shape != m_weights[scale].shape && !(isOne(*zero) && isOne(scale)))
            return fail(ErrorCode::Malformed, "its zero point has another shape than its scale");

        CodedWeight weight;
        weight.scheme = "QDQ";
        weight.codes = packedCodes(stored.type, elementCount(stored.shape), m_places[codes], m_files);
        const Levels levels = levelsOf(stored.type);
        weight.levelSet = levels.name;
        weight.levels.assign(levels.values.begin(), levels.values.end());
        QSCOPE_TRY(auto groups, grouping(stored.shape, m_weights[scale].shape, weight));
        OnnxCodedWeight made;
        made.form = fmt::format("QDQ {}, {}", info(stored.type)->name, groups.form);
        QSCOPE_CHECK(addPart(made, ".codes", codes));
        QSCOPE_CHECK(addPart(made, ".scales", scale));
        weight.scales = groups.values;
        weight.scales->values = made.parts.back().view;
        if (zero) {
            QSCOPE_CHECK(addPart(made, ".zeros", *zero));
            weight.zeros = groups.values;
            weight.zeros->values = made.parts.back().view;
        }
        QSCOPE_TRY(made.view, codedTensor(std::move(weight), stored.shape));
        return made;
    }

    /// The weight as the node multiplies by it: [N, K], one row per output.
    Result<OnnxCodedWeight> matMulNBits() {
        QSCOPE_TRY(const auto codes, input(1, "codes"));
        QSCOPE_TRY(const auto scale, input(2, "scale"));
        const auto bits = valueOr<std::int64_t>(*m_use.node, "bits", 4);
        if (bits != 2 && bits != 4 && bits != 8) return fail(ErrorCode::Unsupported, "codes of {} bits are not known", bits);
        QSCOPE_TRY(const auto rows, size("N"));
        QSCOPE_TRY(const auto columns, size("K"));
        QSCOPE_TRY(const auto block, size("block_size"));
        if (block % 8 != 0) return fail(ErrorCode::Unsupported, "blocks of {} are not known", block);
        const std::int64_t blocks = ceilDiv(columns, block);
        if (m_weights[codes].type != OnnxType::U8) return fail(ErrorCode::Malformed, "its codes are not UINT8");

        CodedWeight weight;
        weight.scheme = "MatMulNBits";
        weight.rows = rows;
        weight.columns = columns;
        weight.codes = bytesOf(codes, bits);
        weight.codes.rows = rows;
        weight.codes.columns = columns;
        weight.codes.streamStride = blocks * (block / 8) * bits;
        weight.zero = static_cast<float>(1 << (bits - 1));
        const GroupValues groups{{}, INT64_MAX, 1, block, blocks, 1};
        OnnxCodedWeight made;
        made.form = fmt::format("MatMulNBits, {} bit, blocks of {}", bits, block);
        QSCOPE_TRY(auto asCodes, codesAsTensor(weight.codes, {rows, columns}));
        made.parts.push_back({".codes", codes, std::move(asCodes)});
        QSCOPE_CHECK(addPart(made, ".scales", scale));
        weight.scales = groups;
        weight.scales->values = made.parts.back().view;
        QSCOPE_TRY(const auto zero, optionalInput(3, "zero point"));
        QSCOPE_TRY(const auto group, optionalInput(4, "order of groups"));
        if (zero) {
            const OnnxWeight& stored = m_weights[*zero];
            TensorView values;
            if (stored.type == OnnxType::U8) {
                PackedCodes packed = bytesOf(*zero, bits);
                packed.rows = rows;
                packed.columns = blocks;
                packed.streamStride = ceilDiv(blocks * bits, std::int64_t{8});
                QSCOPE_TRY(values, codesAsTensor(std::move(packed), {rows, blocks}));
            } else {
                QSCOPE_TRY(values, storedValues(stored, m_places[*zero], m_files));
            }
            made.parts.push_back({".zeros", *zero, values});
            weight.zeros = groups;
            weight.zeros->values = std::move(values);
        }
        if (group) {
            QSCOPE_CHECK(m_budget.spend(16 * static_cast<std::uint64_t>(columns))); // they are read at opening
            TensorView order = m_files.view(m_places[*group], DType::I32, m_weights[*group].shape);
            if (m_weights[*group].type != OnnxType::I32 || order.shape.size() != 1 || order.shape[0] < columns)
                return fail(ErrorCode::Malformed, "its group numbers are no INT32 vector of {} or more", columns);
            made.parts.push_back({".groups", *group, order});
            order.shape[0] = columns; // writers fill it up to whole blocks
            order.bytes = order.bytes.first(static_cast<std::size_t>(columns) * sizeof(std::int32_t));
            weight.columnGroup = std::move(order);
        }
        QSCOPE_TRY(made.view, codedTensor(std::move(weight), {rows, columns}));
        return made;
    }

    /// Two codes per byte, the first in the high half, in blocks over the flattened weight (formats.md, section 7).
    Result<OnnxCodedWeight> matMulBnb4() {
        constexpr std::array<float, 16> kNf4{-1.f, -0.6961928f, -0.52507305f, -0.3949175f, -0.28444138f, -0.18477343f,
                                             -0.09105004f, 0.f, 0.0795803f, 0.1609302f, 0.2461123f, 0.33791524f,
                                             0.44070983f, 0.562617f, 0.72295684f, 1.f};
        constexpr std::array<float, 16> kFp4{0.f, 1.f / 192, 2.f / 3, 1.f, 1.f / 3, 0.5f, 1.f / 6, 0.25f,
                                             -0.f, -1.f / 192, -2.f / 3, -1.f, -1.f / 3, -0.5f, -1.f / 6, -0.25f};
        QSCOPE_TRY(const auto codes, input(1, "codes"));
        QSCOPE_TRY(const auto scale, input(2, "absmax"));
        const auto kind = valueOr<std::int64_t>(*m_use.node, "quant_type", 1);
        if (kind != 0 && kind != 1) return fail(ErrorCode::Unsupported, "quant_type {} is not known", kind);
        QSCOPE_TRY(const auto rows, size("N"));
        QSCOPE_TRY(const auto columns, size("K"));
        QSCOPE_TRY(const auto block, size("block_size"));
        if (m_weights[codes].type != OnnxType::U8) return fail(ErrorCode::Malformed, "its codes are not UINT8");
        const auto count = checkedMul(rows, columns);
        if (!count) return fail(ErrorCode::Malformed, "its sizes overflow");

        CodedWeight weight;
        weight.scheme = "MatMulBnb4";
        weight.columns = *count;
        weight.codes = bytesOf(codes, 4);
        weight.codes.columns = *count;
        weight.codes.places = {1, 0};
        weight.levelSet = kind == 1 ? "NF4" : "FP4";
        const auto& levels = kind == 1 ? kNf4 : kFp4;
        weight.levels.assign(levels.begin(), levels.end());
        OnnxCodedWeight made;
        made.form = fmt::format("MatMulBnb4, {}, blocks of {}", weight.levelSet, block);
        const bool transposed = valueOr<std::int64_t>(*m_use.node, "transB", 1) != 0;
        const Shape shape = transposed ? Shape{rows, columns} : Shape{columns, rows};
        QSCOPE_TRY(auto asCodes, codesAsTensor(weight.codes, shape));
        made.parts.push_back({".codes", codes, std::move(asCodes)});
        QSCOPE_CHECK(addPart(made, ".scales", scale));
        weight.scales = GroupValues{made.parts.back().view, INT64_MAX, 1, block, 0, 1};
        QSCOPE_TRY(made.view, codedTensor(std::move(weight), shape));
        return made;
    }

private:
    struct Groups {
        GroupValues values;
        std::string form;
    };

    /// How scales belong to elements; sets the matrix of `weight` in which that can be said.
    Result<Groups> grouping(const Shape& shape, const Shape& scales, CodedWeight& weight) const {
        const MatrixShape matrix = asMatrix(shape);
        weight.rows = matrix.rows;
        weight.columns = matrix.columns;
        const auto block = valueOr<std::int64_t>(*m_use.node, "block_size", 0);
        if (block < 0) return fail(ErrorCode::Malformed, "its blocks are negative");
        if (block == 0 && scales.size() <= 1 && elementCount(scales) == 1) return Groups{{}, "one scale"};
        const auto rank = std::ssize(shape);
        std::int64_t axis = rank == 1 ? 0 : valueOr<std::int64_t>(*m_use.node, "axis", 1);
        if (axis < -rank || axis >= rank) return fail(ErrorCode::Malformed, "axis {} of {}", axis, rank);
        if (axis < 0) axis += rank;
        const auto at = static_cast<std::size_t>(axis);
        Shape expected = block > 0 ? shape : Shape{shape[at]};
        if (block > 0) expected[at] = ceilDiv(shape[at], block);
        if (scales != expected) return fail(ErrorCode::Malformed, "its scales have a shape that does not fit its codes");

        const std::int64_t outer = elementCount({shape.begin(), shape.begin() + axis});
        const std::int64_t inner = elementCount({shape.begin() + axis + 1, shape.end()});
        const std::int64_t length = shape[at], per = std::clamp<std::int64_t>(block, 1, std::max<std::int64_t>(length, 1));
        Groups groups;
        groups.form = block > 0 ? fmt::format("axis {}, blocks of {}", axis, block) : fmt::format("axis {}", axis);
        if (inner == 1) { // groups lie along the rows of an outer x length matrix
            weight.rows = outer;
            weight.columns = length;
            groups.values.columnsPer = per;
            groups.values.columnStride = 1;
            groups.values.rowStride = block > 0 ? expected[at] : 0;
            return groups;
        }
        weight.rows = outer * length;
        weight.columns = inner;
        groups.values.rowsPer = per;
        if (block == 0) {
            groups.values.rowPeriod = std::max<std::int64_t>(length, 1);
            groups.values.rowStride = 1;
            return groups;
        }
        groups.values.rowStride = inner;
        groups.values.columnStride = 1;
        if (outer > 1 && length % per != 0)
            return fail(ErrorCode::Unsupported, "blocks of {} that do not fill axis {} of {} elements", block, axis, length);
        return groups;
    }

    Result<std::size_t> input(std::size_t index, const char* what) const {
        if (m_use.inputs[index] != OnnxCodedUse::kNone) return m_use.inputs[index];
        return fail(ErrorCode::Unsupported, "its {} is computed", what);
    }
    Result<std::optional<std::size_t>> optionalInput(std::size_t index, const char* what) const {
        if (m_use.inputs[index] != OnnxCodedUse::kNone) return m_use.inputs[index];
        const auto& inputs = m_use.node->inputs;
        if (index < inputs.size() && !inputs[index].empty()) return fail(ErrorCode::Unsupported, "its {} is computed", what);
        return std::nullopt;
    }

    /// Codes packed into the bytes of a stored tensor, row after row.
    PackedCodes bytesOf(std::size_t weight, std::int64_t bits) const {
        PackedCodes codes;
        codes.words = m_files.view(m_places[weight], DType::U8, {static_cast<std::int64_t>(m_places[weight].bytes)});
        codes.bits = static_cast<int>(bits);
        return codes;
    }

    Result<std::int64_t> size(std::string_view name) const {
        const auto value = valueOr<std::int64_t>(*m_use.node, name, 0);
        if (value > 0 && value < kLargest) return value;
        return fail(ErrorCode::Malformed, "its {} is {}", name, value);
    }

    Result<void> addPart(OnnxCodedWeight& made, std::string_view suffix, std::size_t weight) const {
        QSCOPE_TRY(auto view, storedValues(m_weights[weight], m_places[weight], m_files));
        made.parts.push_back({suffix, weight, std::move(view)});
        return {};
    }

    const OnnxCodedUse& m_use;
    const std::vector<OnnxWeight>& m_weights;
    const std::vector<OnnxPlace>& m_places;
    const OnnxModelFiles& m_files;
    MemoryBudget& m_budget;
};

} // namespace

Result<TensorView> storedValues(const OnnxWeight& weight, const OnnxPlace& place, const OnnxModelFiles& files) {
    const OnnxTypeInfo& type = *info(weight.type);
    const std::int64_t count = elementCount(weight.shape);
    const bool whole = type.bits >= 8 || count * type.bits % 8 == 0;
    if (type.plain && whole) return files.view(place, *type.plain, weight.shape);
    PackedCodes codes = packedCodes(weight.type, count, place, files);
    const Levels levels = levelsOf(weight.type);
    if (levels.values.empty()) return codesAsTensor(std::move(codes), weight.shape);
    CodedWeight values;
    values.scheme = type.name;
    values.columns = count;
    values.codes = std::move(codes);
    values.levelSet = levels.name;
    values.levels.assign(levels.values.begin(), levels.values.end());
    return codedTensor(std::move(values), weight.shape);
}

std::string_view typeName(const OnnxWeight& weight) { return info(weight.type)->name; }

Result<OnnxCodedWeight> codedWeight(const OnnxCodedUse& use, const std::vector<OnnxWeight>& weights,
                                    const std::vector<OnnxPlace>& places, const OnnxModelFiles& files, MemoryBudget& budget) {
    Builder builder(use, weights, places, files, budget);
    if (use.node->opType == "MatMulNBits") return builder.matMulNBits();
    if (use.node->opType == "MatMulBnb4") return builder.matMulBnb4();
    return builder.dequantizeLinear();
}

} // namespace qscope::engine
