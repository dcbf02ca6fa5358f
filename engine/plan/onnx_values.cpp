// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/onnx_values.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/onnx/tensor_data.h"
#include "engine/checkpoint/onnx/wire.h"
#include "engine/core/mapped_file.h"
#include "engine/tensor/small_floats.h"

#include <algorithm>

namespace qscope::engine {

namespace {

using nn::Value;

/// The F8_E4M3 code of each E2M1 code.
std::uint8_t widenE2M1(int code) {
    const auto magnitudes = std::span(kE4M3).first(0x7F);
    const auto same = std::ranges::find(magnitudes, kE2M1[static_cast<std::size_t>(code & 7)]);
    return static_cast<std::uint8_t>((same - magnitudes.begin()) | (code & 8) << 4);
}

/// Elements under a byte, lowest bits first.
Value unpacked(OnnxType type, int bits, Shape shape, std::span<const std::byte> raw) {
    const int mask = (1 << bits) - 1, sign = 1 << (bits - 1);
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(elementCount(shape)));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const std::size_t bit = i * static_cast<std::size_t>(bits);
        const int code = std::to_integer<int>(raw[bit / 8]) >> (bit % 8) & mask;
        if (type == OnnxType::F4E2M1)
            bytes[i] = widenE2M1(code);
        else if (type == OnnxType::I4 || type == OnnxType::I2)
            bytes[i] = static_cast<std::uint8_t>((code ^ sign) - sign);
        else
            bytes[i] = static_cast<std::uint8_t>(code);
    }
    Value value = nn::makeValue(std::move(shape), std::move(bytes));
    if (type == OnnxType::F4E2M1) value.host.dtype = DType::F8_E4M3;
    if (type == OnnxType::I4 || type == OnnxType::I2) value.host.dtype = DType::I8;
    return value;
}

/// string_data of a TensorProto.
Result<Value> texts(const OnnxTensor& tensor, MemoryBudget& budget, const ReadLimits& limits) {
    constexpr std::uint32_t kStringData = 6;
    QSCOPE_TRY(const std::int64_t count, checkedElements(tensor.shape, limits));
    if (tensor.isExternal) return fail(ErrorCode::Unsupported, "texts beside the model are not read");
    std::vector<std::string> found;
    WireReader message(tensor.message, tensor.offset);
    WireField field;
    for (;;) {
        QSCOPE_TRY(const bool more, message.next(field));
        if (!more) break;
        if (field.number != kStringData) continue;
        QSCOPE_TRY(const std::string_view text, textOf(field));
        QSCOPE_CHECK(budget.spend(3 * sizeof(std::string) + text.size()));
        found.emplace_back(text);
    }
    if (std::ssize(found) != count) return fail(ErrorCode::Malformed, "it has {} texts, not {}", found.size(), count);
    return nn::makeTexts(tensor.shape, std::move(found));
}

} // namespace

Result<Value> onnxValue(OnnxType type, Shape shape, std::span<const std::byte> raw,
                        std::shared_ptr<const void> keepAlive) {
    const OnnxTypeInfo* known = info(type);
    if (!known || known->bits == 0)
        return fail(ErrorCode::Unsupported, "values of type {} are not read", known ? known->name : "?");
    if (known->bits < 8) return unpacked(type, known->bits, std::move(shape), raw);
    const auto width = static_cast<std::size_t>(known->bits) / 8;
    const bool aligned = reinterpret_cast<std::uintptr_t>(raw.data()) % width == 0;
    if (aligned && type != OnnxType::Bool) return Value{{*known->plain, std::move(shape), raw, std::move(keepAlive)}};
    std::vector<std::byte> bytes(raw.begin(), raw.end());
    if (type == OnnxType::Bool)
        for (std::byte& byte : bytes) byte = std::byte{byte != std::byte{0}};
    return Value{makeTensor(*known->plain, std::move(shape), std::move(bytes))};
}

Result<Value> onnxValue(const OnnxTensor& tensor, MemoryBudget& budget, const ReadLimits& limits) {
    if (tensor.type == OnnxType::String) return texts(tensor, budget, limits);
    QSCOPE_TRY(const std::uint64_t size, valueBytes(tensor, limits));
    if (tensor.isExternal) return fail(ErrorCode::Unsupported, "its values lie in another file");
    // Each number takes at least a byte in the message, and at most four of them share one.
    if (size / 8 > tensor.message.size()) return fail(ErrorCode::Malformed, "its values are missing or too few");
    QSCOPE_CHECK(budget.spend(size));
    QSCOPE_TRY(const auto inPlace, valuesInPlace(tensor, size));
    std::vector<std::byte> bytes(size);
    if (inPlace)
        std::ranges::copy(*inPlace, bytes.begin());
    else
        QSCOPE_CHECK(writeTypedValues(tensor, bytes));
    const auto owned = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
    return onnxValue(tensor.type, tensor.shape, *owned, owned);
}

Result<Value> readOnnxTensor(const std::filesystem::path& path, const ReadLimits& limits) {
    QSCOPE_TRY(const auto file, MappedFile::open(path));
    MemoryBudget budget(file->bytes().size());
    auto tensor = parseOnnxTensor(file->bytes(), budget, limits);
    if (!tensor) return during(std::move(tensor).error(), path.filename().string());
    auto value = onnxValue(*tensor, budget, limits);
    if (!value) return during(std::move(value).error(), path.filename().string());
    return value;
}

} // namespace qscope::engine
