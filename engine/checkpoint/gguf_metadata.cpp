// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/gguf_metadata.h"

#include <cstring>
#include <limits>

namespace qscope::engine {

namespace {

/// Calls `with` with a value of the C++ type that the file stores for a number type; false for text and arrays.
template<class F>
bool forStoredNumber(MetadataType type, F&& with) {
    switch (type) {
    case MetadataType::U8: with(std::uint8_t{}); return true;
    case MetadataType::I8: with(std::int8_t{}); return true;
    case MetadataType::U16: with(std::uint16_t{}); return true;
    case MetadataType::I16: with(std::int16_t{}); return true;
    case MetadataType::U32: with(std::uint32_t{}); return true;
    case MetadataType::I32: with(std::int32_t{}); return true;
    case MetadataType::F32: with(float{}); return true;
    case MetadataType::Bool: with(bool{}); return true;
    case MetadataType::U64: with(std::uint64_t{}); return true;
    case MetadataType::I64: with(std::int64_t{}); return true;
    case MetadataType::F64: with(double{}); return true;
    case MetadataType::String:
    case MetadataType::Array: return false;
    }
    return false;
}

/// The type that holds a stored number in memory.
template<class T>
using Wide = std::conditional_t<std::is_same_v<T, bool>, bool,
                                std::conditional_t<std::is_floating_point_v<T>, double,
                                                   std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>>;

template<class T>
Result<T> readNumber(ByteReader& reader) {
    if constexpr (std::is_same_v<T, bool>) {
        QSCOPE_TRY(const auto byte, reader.u8());
        if (byte > 1) return fail(ErrorCode::Malformed, "a truth value is {}", byte);
        return byte == 1;
    } else {
        return reader.value<T>();
    }
}

template<class T>
Result<void> appendNumber(std::string& bytes, Wide<T> wide) {
    if constexpr (std::is_same_v<T, bool>) {
        appendValue(bytes, static_cast<std::uint8_t>(wide));
    } else if constexpr (std::is_floating_point_v<T>) {
        appendValue(bytes, static_cast<T>(wide));
    } else {
        if (wide < static_cast<Wide<T>>(std::numeric_limits<T>::min()) ||
            wide > static_cast<Wide<T>>(std::numeric_limits<T>::max()))
            return fail(ErrorCode::OutOfRange, "{} does not fit in its type", wide);
        appendValue(bytes, static_cast<T>(wide));
    }
    return {};
}

Result<MetadataType> typeFrom(std::uint32_t number) {
    if (number > static_cast<std::uint32_t>(MetadataType::F64))
        return fail(ErrorCode::Malformed, "unknown value type {}", number);
    return static_cast<MetadataType>(number);
}

template<class T>
Result<MetadataValue> readNumbers(ByteReader& reader, MetadataType element, std::uint64_t count, MemoryBudget& memory) {
    QSCOPE_CHECK(memory.spend(std::is_same_v<T, bool> ? count / 8 : count * sizeof(Wide<T>)));
    std::vector<Wide<T>> items(static_cast<std::size_t>(count));
    if constexpr (std::is_same_v<T, bool>) {
        for (std::size_t i = 0; i < items.size(); ++i) {
            QSCOPE_TRY(const bool item, readNumber<bool>(reader));
            items[i] = item;
        }
    } else { // vocabularies have a million entries: one check for all of them
        QSCOPE_TRY(const auto bytes, reader.take(count * sizeof(T)));
        for (std::size_t i = 0; i < items.size(); ++i) {
            T item;
            std::memcpy(&item, bytes.data() + i * sizeof(T), sizeof(T));
            items[i] = static_cast<Wide<T>>(item);
        }
    }
    return MetadataValue{MetadataType::Array, element, std::move(items)};
}

Result<MetadataValue> readTexts(ByteReader& reader, std::uint64_t count, const ReadLimits& limits, MemoryBudget& memory) {
    QSCOPE_CHECK(memory.spend(count * sizeof(std::string)));
    std::vector<std::string> items;
    items.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t i = 0; i < count; ++i) {
        QSCOPE_TRY(const auto item, readGgufText(reader, limits.stringBytes));
        QSCOPE_CHECK(memory.spend(textHeapBytes(item.size())));
        items.emplace_back(item);
    }
    return MetadataValue{MetadataType::Array, MetadataType::String, std::move(items)};
}

constexpr std::uint64_t kSmallestArray = 4 + 8; ///< element type and count
constexpr std::uint64_t kArrayBytes = 32;       ///< what the allocator adds to one

/// Bytes that an item of an array takes at least.
std::uint64_t smallestItem(MetadataType element) {
    std::uint64_t bytes = element == MetadataType::Array ? kSmallestArray : sizeof(std::uint64_t);
    forStoredNumber(element, [&](auto stored) { bytes = sizeof(stored); });
    return bytes;
}

Result<MetadataValue> readArray(ByteReader& reader, const ReadLimits& limits, MetadataBudget& budget) {
    QSCOPE_TRY(const auto number, reader.u32());
    QSCOPE_TRY(const auto element, typeFrom(number));
    QSCOPE_TRY(const auto count, reader.u64());
    if (count > reader.remaining() / smallestItem(element))
        return fail(ErrorCode::Malformed, "an array of {} items does not fit in the {} bytes left", count, reader.remaining());
    if (count > budget.items)
        return fail(ErrorCode::Malformed, "its arrays have more than {} items in all", limits.arrayItems);
    budget.items -= count;
    if (element == MetadataType::String) return readTexts(reader, count, limits, budget.memory);
    if (element == MetadataType::Array) {
        if (budget.depth == 0) return fail(ErrorCode::Malformed, "arrays lie more than {} deep", limits.nestingDepth);
        QSCOPE_CHECK(budget.memory.spend(count * (sizeof(MetadataValue) + kArrayBytes)));
        --budget.depth;
        std::vector<MetadataValue> items;
        items.reserve(static_cast<std::size_t>(count));
        for (std::uint64_t i = 0; i < count; ++i) {
            QSCOPE_TRY(auto item, readArray(reader, limits, budget));
            items.push_back(std::move(item));
        }
        ++budget.depth;
        return MetadataValue{MetadataType::Array, MetadataType::Array, std::move(items)};
    }
    Result<MetadataValue> value;
    forStoredNumber(element, [&](auto stored) { value = readNumbers<decltype(stored)>(reader, element, count, budget.memory); });
    return value;
}

/// The alternative of a value that its type promises; a value made by hand may break the promise.
template<class T>
Result<const T*> held(const MetadataValue& value) {
    if (const T* found = std::get_if<T>(&value.value)) return found;
    return fail(ErrorCode::OutOfRange, "a metadata value does not hold what its type says");
}

Result<void> appendArray(std::string& bytes, const MetadataValue& value) {
    appendValue(bytes, static_cast<std::uint32_t>(value.elementType));
    if (value.elementType == MetadataType::String) {
        QSCOPE_TRY(const auto* items, held<std::vector<std::string>>(value));
        appendValue(bytes, static_cast<std::uint64_t>(items->size()));
        for (const std::string& item : *items) appendGgufText(bytes, item);
        return {};
    }
    if (value.elementType == MetadataType::Array) {
        QSCOPE_TRY(const auto* items, held<std::vector<MetadataValue>>(value));
        appendValue(bytes, static_cast<std::uint64_t>(items->size()));
        for (const MetadataValue& item : *items) {
            if (item.type != MetadataType::Array) return fail(ErrorCode::OutOfRange, "an array of arrays holds something else");
            QSCOPE_CHECK(appendArray(bytes, item));
        }
        return {};
    }
    Result<void> done;
    forStoredNumber(value.elementType, [&](auto stored) {
        using T = decltype(stored);
        done = [&]() -> Result<void> {
            QSCOPE_TRY(const auto* items, held<std::vector<Wide<T>>>(value));
            appendValue(bytes, static_cast<std::uint64_t>(items->size()));
            for (const Wide<T> item : *items) QSCOPE_CHECK(appendNumber<T>(bytes, item));
            return {};
        }();
    });
    return done;
}

} // namespace

Result<std::string_view> readGgufText(ByteReader& reader, std::uint64_t maximumBytes) {
    QSCOPE_TRY(const auto length, reader.u64());
    if (length > maximumBytes)
        return fail(ErrorCode::Malformed, "a string of {} bytes is above the limit of {}", length, maximumBytes);
    return reader.text(length);
}

Result<MetadataValue> readMetadataValue(ByteReader& reader, std::uint32_t number, const ReadLimits& limits,
                                        MetadataBudget& budget) {
    QSCOPE_TRY(const auto type, typeFrom(number));
    if (type == MetadataType::Array) return readArray(reader, limits, budget);
    if (type == MetadataType::String) {
        QSCOPE_TRY(const auto text, readGgufText(reader, limits.stringBytes));
        QSCOPE_CHECK(budget.memory.spend(textHeapBytes(text.size())));
        return MetadataValue{type, MetadataType::String, std::string(text)};
    }
    Result<MetadataValue> value;
    forStoredNumber(type, [&](auto stored) {
        using T = decltype(stored);
        value = readNumber<T>(reader).map(
            [&](T read) { return MetadataValue{type, MetadataType::String, static_cast<Wide<T>>(read)}; });
    });
    return value;
}

void appendGgufText(std::string& bytes, std::string_view text) {
    appendValue(bytes, static_cast<std::uint64_t>(text.size()));
    bytes += text;
}

Result<void> appendMetadataValue(std::string& bytes, const MetadataValue& value) {
    appendValue(bytes, static_cast<std::uint32_t>(value.type));
    if (value.type == MetadataType::Array) return appendArray(bytes, value);
    if (value.type == MetadataType::String) {
        QSCOPE_TRY(const auto* text, held<std::string>(value));
        appendGgufText(bytes, *text);
        return {};
    }
    Result<void> done;
    forStoredNumber(value.type, [&](auto stored) {
        using T = decltype(stored);
        done = [&]() -> Result<void> {
            QSCOPE_TRY(const auto* number, held<Wide<T>>(value));
            return appendNumber<T>(bytes, *number);
        }();
    });
    return done;
}

} // namespace qscope::engine
