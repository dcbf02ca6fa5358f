// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/safetensors_header.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/model_config.h"
#include "engine/checkpoint/writer.h"
#include "engine/core/byte_reader.h"
#include "engine/core/json.h"

#include <algorithm>
#include <unordered_set>

namespace qscope::engine {

namespace {

/// Takes the header event by event: no document is built, so that 100,000 tensors cost little more than their names.
class HeaderBuilder {
public:
    HeaderBuilder(SafetensorsHeader& header, const ReadLimits& limits) : m_header(header), m_limits(limits) {}

    bool start_object(std::size_t) {
        if (m_depth == 0 || (m_depth == 1 && !m_array)) {
            ++m_depth;
            m_seen = 0;
            return true;
        }
        return refuse("an object stands where none belongs");
    }
    bool key(std::string& text) {
        if (m_depth == 1) return beginEntry(text);
        if (m_inMetadata) {
            if (!m_metadataKeys.insert(text).second) return refuse("a metadata key appears twice");
            m_key = std::move(text);
            return true;
        }
        m_field = text == "dtype" ? Dtype : text == "shape" ? ShapeField : text == "data_offsets" ? Offsets : 0;
        if (m_field == 0) return refuse("an unknown field '" + printable(text) + "'");
        if (m_seen & m_field) return refuse("a field appears twice");
        m_seen |= m_field;
        return true;
    }
    bool string(std::string& text) {
        if (m_depth == 2 && m_inMetadata) {
            m_header.metadata.emplace_back(std::move(m_key), metadataText(std::move(text)));
            return true;
        }
        if (m_depth != 2 || m_field != Dtype || m_array) return refuse("text stands where none belongs");
        const auto type = dtypeFromName(text);
        if (!type || !safetensorsHolds(*type)) return refuse("an unknown type '" + printable(text) + "'");
        m_header.tensors.back().dtype = *type;
        return true;
    }
    bool start_array(std::size_t) {
        if (m_depth != 2 || m_inMetadata || m_array || (m_field != ShapeField && m_field != Offsets))
            return refuse("a list stands where none belongs");
        m_array = true;
        m_offsets.clear();
        return true;
    }
    bool number_unsigned(std::uint64_t value) {
        if (!m_array) return refuse("a number stands where none belongs");
        if (value > static_cast<std::uint64_t>(INT64_MAX)) return refuse("a number is too large");
        Shape& numbers = m_field == ShapeField ? m_header.tensors.back().shape : m_offsets;
        if (numbers.size() >= static_cast<std::size_t>(m_limits.rank)) return refuse("a list is too long");
        numbers.push_back(static_cast<std::int64_t>(value));
        return true;
    }
    bool end_array() {
        m_array = false;
        if (m_field == ShapeField) return true;
        if (m_offsets.size() != 2 || m_offsets[0] > m_offsets[1]) return refuse("its offsets are no range");
        TensorInfo& tensor = m_header.tensors.back();
        tensor.offset = static_cast<std::uint64_t>(m_offsets[0]);
        tensor.bytes = static_cast<std::uint64_t>(m_offsets[1] - m_offsets[0]);
        return true;
    }
    bool end_object() {
        --m_depth;
        if (m_depth == 1 && !m_inMetadata && m_seen != (Dtype | ShapeField | Offsets)) return refuse("a field is missing");
        return true;
    }
    bool null() { return refuse("a null stands where none belongs"); }
    bool boolean(bool) { return refuse("a truth value stands where none belongs"); }
    bool number_integer(std::int64_t) { return refuse("a negative number"); }
    bool number_float(double, const std::string&) { return refuse("a number is not a whole one"); }
    bool binary(Json::binary_t&) { return refuse("a binary value"); }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
        m_entry.clear();
        return refuse("not valid JSON at byte " + std::to_string(position));
    }

    std::string reason;

private:
    enum Field : int { Dtype = 1, ShapeField = 2, Offsets = 4 };

    bool refuse(std::string why) {
        reason = m_entry.empty() ? std::move(why) : "entry '" + printable(m_entry) + "': " + why;
        return false;
    }
    bool beginEntry(std::string& name) {
        m_entry = name;
        m_inMetadata = name == "__metadata__";
        if (m_inMetadata) {
            if (m_metadataSeen) return refuse("appears twice");
            m_metadataSeen = true;
            return true;
        }
        if (name.size() > m_limits.nameBytes) return refuse("its name is too long");
        if (m_header.tensors.size() >= m_limits.tensors) return refuse("too many tensors");
        m_header.tensors.emplace_back().name = std::move(name);
        return true;
    }

    SafetensorsHeader& m_header;
    const ReadLimits& m_limits;
    int m_depth = 0;
    int m_field = 0;
    int m_seen = 0; ///< fields of the open entry
    bool m_array = false;
    bool m_inMetadata = false;
    bool m_metadataSeen = false;
    std::string m_entry;
    std::string m_key;
    Shape m_offsets;
    std::unordered_set<std::string> m_metadataKeys;
};

/// Ranges in order of their offsets must follow each other from 0 to the end of the data.
Result<void> checkTiling(const std::vector<TensorInfo>& tensors, std::uint64_t dataBytes) {
    std::vector<const TensorInfo*> order;
    order.reserve(tensors.size());
    for (const TensorInfo& tensor : tensors) order.push_back(&tensor);
    std::ranges::sort(order, [](const TensorInfo* a, const TensorInfo* b) {
        return std::pair(a->offset, a->bytes) < std::pair(b->offset, b->bytes);
    });
    std::uint64_t next = 0;
    for (const TensorInfo* tensor : order) {
        if (tensor->offset != next)
            return fail(ErrorCode::Malformed, "tensor '{}' starts at {}, {} {}", printable(tensor->name),
                        tensor->offset, tensor->offset < next ? "inside the one before it, which ends at" : "a hole after",
                        next);
        next += tensor->bytes; // both below 2^63
        if (next > dataBytes)
            return fail(ErrorCode::Malformed, "tensor '{}': bytes {}+{} exceed the {} bytes of data",
                        printable(tensor->name), tensor->offset, tensor->bytes, dataBytes);
    }
    if (next != dataBytes) return fail(ErrorCode::Malformed, "{} bytes after the last tensor", dataBytes - next);
    return {};
}

} // namespace

Result<SafetensorsHeader> parseSafetensorsHeader(std::span<const std::byte> file, const ReadLimits& limits) {
    ByteReader reader(file);
    QSCOPE_TRY(const auto length, reader.u64());
    if (length > limits.headerBytes)
        return fail(ErrorCode::Malformed, "a header of {} bytes is above the limit of {}", length, limits.headerBytes);
    if (length > reader.remaining())
        return fail(ErrorCode::Malformed, "a header of {} bytes does not fit in the file's {}", length, file.size());
    QSCOPE_TRY(const auto text, reader.text(length));
    if (!text.starts_with('{')) return fail(ErrorCode::Malformed, "the header does not start with '{{'");

    SafetensorsHeader header;
    HeaderBuilder builder(header, limits);
    try {
        if (!Json::sax_parse(text.data(), text.data() + text.size(), &builder))
            return fail(ErrorCode::Malformed, "header: {}", builder.reason);
    } catch (const std::exception& problem) {
        return fail(ErrorCode::Malformed, "header: {}", problem.what());
    }
    QSCOPE_CHECK(checkTiling(header.tensors, reader.remaining()));
    for (TensorInfo& tensor : header.tensors) tensor.offset += reader.position();
    return header;
}

} // namespace qscope::engine
