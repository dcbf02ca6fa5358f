// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/onnx_rewrite.h"

#include "engine/core/checked_math.h"

#include <algorithm>
#include <set>

namespace qscope::engine {

namespace {

constexpr std::uint64_t kExternalAlignment = 4096; // what the format's description recommends: a page
constexpr std::uint64_t kSmallest = 1024;          ///< of tensors worth a place outside; loaders look into small ones early

using Replacements = std::map<const std::byte*, OnnxReplacement>;

WireMessage attribute(std::string_view name, std::int64_t value) {
    constexpr std::uint64_t kInt = 2;
    WireMessage message;
    message.text(1, name);
    message.number(3, static_cast<std::uint64_t>(value));
    message.number(20, kInt);
    return message;
}

template<class Use>
Result<void> eachField(WireReader message, const Use& use) {
    WireField field;
    for (;;) {
        QSCOPE_TRY(const bool more, message.next(field));
        if (!more) return {};
        QSCOPE_CHECK(use(field));
    }
}

class Rewriter {
public:
    Rewriter(const Replacements& replacements, std::int64_t opset, OnnxDataTarget& data)
        : m_replacements(replacements), m_opset(opset), m_data(data) {}

    Result<WireMessage> model(WireReader from) {
        WireMessage to;
        if (m_replacements.empty()) {
            to.copy(from.message());
            return to;
        }
        std::int64_t irVersion = 0, opset = 0;
        QSCOPE_CHECK(eachField(from, [&](const WireField& field) -> Result<void> {
            if (field.number == 1) irVersion = static_cast<std::int64_t>(field.value);
            if (field.number != 8) return {};
            QSCOPE_TRY(const auto version, standardOpset(field));
            if (version) opset = *version;
            return {};
        }));
        to.number(1, static_cast<std::uint64_t>(std::max(irVersion, irVersionFor(m_opset))));
        QSCOPE_CHECK(eachField(from, [&](const WireField& field) -> Result<void> {
            if (field.number == 1) return {};
            if (field.number == 7) {
                QSCOPE_TRY(auto inner, graph(WireReader(field)));
                to.message(7, std::move(inner));
                return {};
            }
            if (field.number == 8) {
                QSCOPE_TRY(const auto version, standardOpset(field));
                if (version && *version < m_opset) return {};
            }
            to.copy(field.whole);
            return {};
        }));
        if (opset < m_opset) {
            WireMessage import;
            import.text(1, "");
            import.number(2, static_cast<std::uint64_t>(m_opset));
            to.message(8, std::move(import));
        }
        return to;
    }

private:
    /// The version, when the field imports ai.onnx.
    static Result<std::optional<std::int64_t>> standardOpset(const WireField& import) {
        std::string_view domain;
        std::int64_t version = 0;
        QSCOPE_CHECK(eachField(WireReader(import), [&](const WireField& field) -> Result<void> {
            if (field.number == 1) {
                QSCOPE_TRY(domain, textOf(field));
            } else if (field.number == 2) {
                version = static_cast<std::int64_t>(field.value);
            }
            return {};
        }));
        if (!domain.empty() && domain != "ai.onnx") return std::nullopt;
        return version;
    }

    const OnnxReplacement* replacementAt(const std::byte* tensor) const {
        const auto found = m_replacements.find(tensor);
        return found == m_replacements.end() ? nullptr : &found->second;
    }
    /// Whether anything inside is replaced.
    bool isTouched(std::span<const std::byte> bytes) const {
        const auto first = m_replacements.lower_bound(bytes.data());
        return first != m_replacements.end() && first->first < bytes.data() + bytes.size();
    }

    Result<WireMessage> graph(WireReader from) {
        WireMessage dequantizers, rest, initializers;
        std::set<std::string_view> computed; // names that nodes give from now on: no inputs any more
        QSCOPE_CHECK(eachField(from, [&](const WireField& field) -> Result<void> {
            if (field.number != 5) return {};
            const OnnxReplacement* what = replacementAt(field.bytes.data());
            if (!what) initializers.copy(field.whole);
            else if (!what->quantized) initializers.message(5, sameValues(*what));
            else {
                addQdq(*what, dequantizers, initializers, m_data);
                computed.insert(what->name);
            }
            return {};
        }));
        QSCOPE_CHECK(eachField(from, [&](const WireField& field) -> Result<void> {
            if (field.number == 5) return {};
            if (field.number == 11) { // before ir_version 4 each initializer was listed as an input too
                QSCOPE_TRY(const auto name, nameOf(field));
                if (computed.contains(name)) return {};
            }
            if (field.number != 1 || !isTouched(field.bytes)) {
                rest.copy(field.whole);
                return {};
            }
            return node(field, rest, initializers);
        }));
        WireMessage to = std::move(dequantizers); // before the nodes that use them: a graph is sorted
        to.append(std::move(rest));
        to.append(std::move(initializers));
        return to;
    }

    /// A node whose constant or inner graph changes.
    Result<void> node(const WireField& from, WireMessage& to, WireMessage& initializers) {
        WireMessage changed;
        const OnnxReplacement* constant = nullptr;
        QSCOPE_CHECK(eachField(WireReader(from), [&](const WireField& field) -> Result<void> {
            if (field.number != 5 || !isTouched(field.bytes)) {
                changed.copy(field.whole);
                return {};
            }
            WireMessage attribute;
            QSCOPE_CHECK(eachField(WireReader(field), [&](const WireField& part) -> Result<void> {
                if (part.number == 5 && replacementAt(part.bytes.data())) {
                    const OnnxReplacement* what = replacementAt(part.bytes.data());
                    if (what->quantized) constant = what;
                    else attribute.message(5, sameValues(*what));
                } else if ((part.number == 6 || part.number == 11) && isTouched(part.bytes)) {
                    QSCOPE_TRY(auto inner, graph(WireReader(part)));
                    attribute.message(part.number, std::move(inner));
                } else {
                    attribute.copy(part.whole);
                }
                return {};
            }));
            changed.message(5, std::move(attribute));
            return {};
        }));
        if (constant) addQdq(*constant, to, initializers, m_data); // its output has the name of the Constant's
        else to.message(1, std::move(changed));
        return {};
    }

    WireMessage sameValues(const OnnxReplacement& what) {
        return onnxTensorMessage(what.name, what.type, what.shape, what.bytes, what.make, m_data);
    }

    static Result<std::string_view> nameOf(const WireField& valueInfo) {
        std::string_view name;
        QSCOPE_CHECK(eachField(WireReader(valueInfo), [&](const WireField& field) -> Result<void> {
            if (field.number == 1) {
                QSCOPE_TRY(name, textOf(field));
            }
            return {};
        }));
        return name;
    }

    const Replacements& m_replacements;
    std::int64_t m_opset;
    OnnxDataTarget& m_data;
};

} // namespace

void OnnxDataTarget::put(WireMessage& tensor, std::uint64_t bytes, WireMessage::MakeTensor make) {
    if (m_location.empty() || bytes < kSmallest) {
        tensor.later(9, bytes, std::move(make));
        return;
    }
    const std::uint64_t offset = ceilDiv(m_end, kExternalAlignment) * kExternalAlignment;
    const auto entry = [&](std::string_view key, const std::string& value) {
        WireMessage pair;
        pair.text(1, key);
        pair.text(2, value);
        tensor.message(13, std::move(pair));
    };
    entry("location", m_location);
    entry("offset", std::to_string(offset));
    entry("length", std::to_string(bytes));
    tensor.number(14, 1);
    m_entries.push_back({offset, bytes, std::move(make)});
    m_end = offset + bytes;
}

Result<void> OnnxDataTarget::write(AtomicFile& file, const RunContext& context) const {
    for (const Entry& entry : m_entries) {
        QSCOPE_CHECK(file.write(std::string(entry.offset - file.position(), '\0')));
        QSCOPE_TRY(const auto made, entry.make());
        if (made.bytes.size() != entry.bytes)
            return fail(ErrorCode::OutOfRange, "{} bytes came where {} were announced", made.bytes.size(), entry.bytes);
        QSCOPE_CHECK(writePieces(file, made.bytes, context));
    }
    return {};
}

WireMessage onnxTensorMessage(std::string_view name, OnnxType type, const Shape& shape, std::uint64_t bytes,
                              WireMessage::MakeTensor make, OnnxDataTarget& data) {
    WireMessage tensor;
    for (const std::int64_t size : shape) tensor.number(1, static_cast<std::uint64_t>(size));
    tensor.number(2, static_cast<std::uint64_t>(type));
    tensor.text(8, name);
    data.put(tensor, bytes, std::move(make));
    return tensor;
}

void addQdq(const OnnxReplacement& what, WireMessage& nodes, WireMessage& initializers, OnnxDataTarget& data) {
    const QdqForm& form = what.form;
    const auto later = [&](CodedValues values, auto make) {
        return [read = what.read, values, make]() -> Result<TensorView> {
            QSCOPE_TRY(const auto quantized, read(values));
            return make(*quantized);
        };
    };
    const auto bytesOf = [](OnnxType type, const Shape& shape) {
        return *rawBytes(*info(type), static_cast<std::uint64_t>(elementCount(shape)));
    };
    initializers.message(5, onnxTensorMessage(what.codesName, form.codes, what.quantized->shape, bytesOf(form.codes, what.quantized->shape),
                                              later(CodedValues::All, [form](const QuantizedTensor& all) { return qdqCodes(all, form); }), data));
    const OnnxType scaleType = onnxType(what.scaleType);
    initializers.message(5, onnxTensorMessage(what.scaleName, scaleType, form.scales, bytesOf(scaleType, form.scales),
                                              later(CodedValues::Groups, [type = what.scaleType](const QuantizedTensor& groups) {
                                                  return qdqScales(groups, type);
                                              }), data));
    WireMessage node;
    node.text(1, what.codesName);
    node.text(1, what.scaleName);
    if (form.hasZeros) {
        initializers.message(5, onnxTensorMessage(what.zeroName, form.codes, form.scales, bytesOf(form.codes, form.scales),
                                                  later(CodedValues::Groups, [form](const QuantizedTensor& groups) {
                                                      return qdqZeros(groups, form);
                                                  }), data));
        node.text(1, what.zeroName);
    }
    node.text(2, what.name);
    node.text(3, what.name + "_DequantizeLinear");
    node.text(4, "DequantizeLinear");
    if (form.axis) node.message(5, attribute("axis", *form.axis));
    if (form.blockSize > 0) node.message(5, attribute("block_size", form.blockSize));
    nodes.message(1, std::move(node));
}

Result<WireMessage> rewriteOnnxModel(std::span<const std::byte> file, const std::map<const std::byte*, OnnxReplacement>& replacements,
                                     std::int64_t opset, OnnxDataTarget& data) {
    return Rewriter(replacements, opset, data).model(WireReader(file));
}

} // namespace qscope::engine
