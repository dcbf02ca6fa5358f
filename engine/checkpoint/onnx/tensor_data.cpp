// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/onnx/tensor_data.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/onnx/wire.h"

#include <cstring>

namespace qscope::engine {

namespace {

/// The field that holds the values of a type when raw_data does not, by its number in TensorProto.
enum class Field : std::uint32_t { FloatData = 4, Int32Data = 5, Int64Data = 7, DoubleData = 10, Uint64Data = 11 };

Field fieldOf(OnnxType type) {
    switch (type) {
    case OnnxType::F32:
    case OnnxType::C64: return Field::FloatData;
    case OnnxType::F64: return Field::DoubleData;
    case OnnxType::I64: return Field::Int64Data;
    case OnnxType::U32:
    case OnnxType::U64: return Field::Uint64Data;
    default: return Field::Int32Data; // small integers, and the bits of small floats
    }
}

bool isSigned(OnnxType type) { return type == OnnxType::I8 || type == OnnxType::I16 || type == OnnxType::I32; }

template<class Use>
Result<void> eachFieldNumbered(const OnnxTensor& tensor, Field wanted, const Use& use) {
    WireReader message(tensor.message, tensor.offset);
    WireField field;
    for (;;) {
        QSCOPE_TRY(const bool more, message.next(field));
        if (!more) return {};
        if (field.number == static_cast<std::uint32_t>(wanted)) QSCOPE_CHECK(use(field));
    }
}

/// Takes one value after another into a buffer of fixed size; remembers what did not fit.
class Filler {
public:
    explicit Filler(std::span<std::byte> out) : m_out(out) {}

    template<class T>
    void put(T value, std::size_t bytes = sizeof(T)) {
        if (bytes > m_out.size() - m_used) {
            m_over = true;
            return;
        }
        std::memcpy(m_out.data() + m_used, &value, bytes); // the low bytes: both sides are little-endian
        m_used += bytes;
    }
    [[nodiscard]] bool full() const { return m_used == m_out.size() && !m_over; }

private:
    std::span<std::byte> m_out;
    std::size_t m_used = 0;
    bool m_over = false;
};

} // namespace

Result<std::uint64_t> valueBytes(const OnnxTensor& tensor, const ReadLimits& limits) {
    const OnnxTypeInfo* type = info(tensor.type);
    if (!type) return fail(ErrorCode::Unsupported, "data type {} is not known", static_cast<int>(tensor.type));
    if (type->bits == 0) return fail(ErrorCode::Unsupported, "values of type {} are not read", type->name);
    QSCOPE_TRY(const auto elements, checkedElements(tensor.shape, limits));
    const auto bytes = rawBytes(*type, static_cast<std::uint64_t>(elements));
    if (!bytes) return fail(ErrorCode::Malformed, "its shape overflows");
    return *bytes;
}

Result<std::optional<std::span<const std::byte>>> valuesInPlace(const OnnxTensor& tensor, std::uint64_t bytes) {
    const auto checked = [&](std::span<const std::byte> found) -> Result<std::optional<std::span<const std::byte>>> {
        if (found.size() == bytes) return found;
        return fail(ErrorCode::Malformed, "{} bytes of {} are stored instead of {}", found.size(), info(tensor.type)->name,
                    bytes);
    };
    if (bytes == 0) return tensor.message.first(0);
    if (tensor.raw && !tensor.raw->empty()) return checked(*tensor.raw);
    const Field place = fieldOf(tensor.type);
    if (place != Field::FloatData && place != Field::DoubleData) return std::nullopt;
    std::optional<std::span<const std::byte>> packed;
    int fields = 0;
    QSCOPE_CHECK(eachFieldNumbered(tensor, place, [&](const WireField& field) -> Result<void> {
        ++fields;
        if (field.type == WireType::Bytes) packed = field.bytes;
        return {};
    }));
    if (fields != 1 || !packed) return std::nullopt;
    return checked(*packed);
}

Result<void> writeTypedValues(const OnnxTensor& tensor, std::span<std::byte> out) {
    const OnnxTypeInfo& type = *info(tensor.type);
    const Field place = fieldOf(tensor.type);
    Filler filler(out);
    bool inRange = true;
    const auto width = static_cast<std::size_t>(type.bits < 8 ? 1 : type.bits / 8);
    QSCOPE_CHECK(eachFieldNumbered(tensor, place, [&](const WireField& field) -> Result<void> {
        if (place == Field::FloatData) return eachFixed<float>(field, [&](float value) { filler.put(value); });
        if (place == Field::DoubleData) return eachFixed<double>(field, [&](double value) { filler.put(value); });
        return eachVarint(field, [&](std::uint64_t value) {
            const auto number = static_cast<std::int64_t>(value);
            const auto bits = static_cast<int>(8 * width);
            const bool narrow = width < sizeof value;
            const std::int64_t above = narrow ? number >> (isSigned(tensor.type) ? bits - 1 : bits) : 0;
            // Writers disagree on whether the bits of unsigned numbers are widened with their sign.
            inRange = inRange && (above == 0 || (above == -1 && place == Field::Int32Data));
            filler.put(value, width);
        });
    }));
    if (!inRange) return fail(ErrorCode::Malformed, "a number lies outside of {}", type.name);
    if (!filler.full()) return fail(ErrorCode::Malformed, "its values are missing, too few or too many");
    return {};
}

} // namespace qscope::engine
