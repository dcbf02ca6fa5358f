// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"

#include "engine/core/checked_math.h"

#include <algorithm>
#include <numeric>

namespace qscope::engine {

namespace {

/// Bytes of the UTF-8 character at the front of `text`, 0 when there is none (Unicode 15, table 3-7).
std::size_t characterLength(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
    const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (byte(1) < low || byte(1) > high) return 0;
    for (std::size_t i = 2; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return 0;
    return length;
}

Result<void> checkTensor(const TensorInfo& tensor, const Checkpoint& checkpoint, const ReadLimits& limits) {
    if (tensor.name.empty() || tensor.name.size() > limits.nameBytes || !isUtf8(tensor.name))
        return fail(ErrorCode::Malformed, "a tensor name is empty, too long or not UTF-8");
    const auto malformed = [&](std::string_view what) {
        return fail(ErrorCode::Malformed, "tensor '{}': {}", printable(tensor.name), what);
    };
    if (tensor.shape.size() > static_cast<std::size_t>(limits.rank)) return malformed("too many axes");
    const auto elements = checkedElements(tensor.shape, limits);
    if (!elements) return malformed(elements.error().message);
    if (tensor.partOf && (*tensor.partOf >= checkpoint.tensors.size() || !checkpoint.tensors[*tensor.partOf].isWhole()))
        return malformed("is a part of no tensor");
    if ((tensor.dtype == DType::Coded) != (tensor.source != nullptr)) return malformed("has a source and a type at odds");
    if (tensor.source) return {}; // whoever made the source checked where it lies
    const auto length = info(tensor.dtype).blockLength;
    if (length > 1 && (tensor.shape.empty() || tensor.shape.back() % length != 0))
        return malformed(fmt::format("its rows are no whole number of {} blocks", info(tensor.dtype).name));
    const auto bytes = qscope::storedBytes(tensor.dtype, static_cast<std::uint64_t>(*elements));
    if (!bytes || *bytes != tensor.bytes)
        return malformed(fmt::format("{} bytes do not hold {} elements of {}", tensor.bytes, *elements,
                                     info(tensor.dtype).name));
    if (tensor.file >= checkpoint.files.size()) return malformed("lies in no file");
    const std::uint64_t size = checkpoint.files[tensor.file]->bytes().size();
    if (tensor.offset > size || tensor.bytes > size - tensor.offset)
        return malformed(fmt::format("bytes {}+{} exceed the file's {}", tensor.offset, tensor.bytes, size));
    return {};
}

} // namespace

bool isUtf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = characterLength(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string printable(std::string_view text, std::size_t maximumBytes) {
    std::string shown;
    while (!text.empty()) {
        if (shown.size() >= maximumBytes) return shown + "...";
        const std::size_t length = characterLength(text);
        const auto lead = static_cast<unsigned char>(text[0]);
        if (length == 0 || lead < 0x20 || lead == 0x7F) shown += '?';
        else shown += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return shown;
}

Result<std::int64_t> checkedElements(const Shape& shape, const ReadLimits& limits) {
    std::int64_t product = 1; // of the axes that are not empty
    bool empty = false;
    for (const std::int64_t size : shape) {
        if (size < 0) return fail(ErrorCode::Malformed, "an axis is negative");
        if (size == 0) {
            empty = true;
            continue;
        }
        const auto next = checkedMul(product, size);
        if (!next) return fail(ErrorCode::Malformed, "its shape overflows");
        product = *next;
    }
    // Code over an empty matrix may still allocate per row.
    if (empty && static_cast<std::uint64_t>(product) > limits.arrayItems)
        return fail(ErrorCode::Malformed, "it is empty, yet has huge axes");
    return empty ? 0 : product;
}

std::uint64_t memoryOf(const TensorInfo& tensor) {
    return 2 * sizeof(TensorInfo) + textHeapBytes(tensor.name.size()) + 16 * tensor.shape.size() + 32; // a shape grows too
}

std::uint64_t memoryOfPair(std::string_view key) {
    constexpr std::uint64_t kNode = 64; // of the set or map that finds keys that appear twice
    return 2 * sizeof(Metadata::value_type) + kNode + 2 * textHeapBytes(key.size()) + sizeof(std::string);
}

Naming namingOf(const std::vector<TensorInfo>& tensors) {
    const bool huggingFace = std::ranges::any_of(tensors, [](const TensorInfo& tensor) {
        return tensor.name.starts_with("model.layers.") || tensor.name == "model.embed_tokens.weight" ||
               tensor.name.starts_with("transformer.h.") || tensor.name == "wte.weight";
    });
    return huggingFace ? Naming::HuggingFace : Naming::Other;
}

Result<void> checkTensors(const Checkpoint& checkpoint, const ReadLimits& limits) {
    for (const TensorInfo& tensor : checkpoint.tensors) QSCOPE_CHECK(checkTensor(tensor, checkpoint, limits));
    return {};
}

Result<std::shared_ptr<const Checkpoint>> publish(Checkpoint checkpoint, const ReadLimits& limits) {
    if (checkpoint.tensors.size() > limits.tensors)
        return fail(ErrorCode::Malformed, "{} tensors are too many", checkpoint.tensors.size());
    QSCOPE_CHECK(checkTensors(checkpoint, limits));
    auto& order = checkpoint.byName;
    order.resize(checkpoint.tensors.size());
    std::iota(order.begin(), order.end(), 0u);
    const auto name = [&](std::uint32_t index) -> const std::string& { return checkpoint.tensors[index].name; };
    std::ranges::sort(order, {}, name);
    if (const auto twice = std::ranges::adjacent_find(order, {}, name); twice != order.end())
        return fail(ErrorCode::Malformed, "tensor '{}' appears twice", printable(name(*twice)));
    return std::make_shared<const Checkpoint>(std::move(checkpoint));
}

} // namespace qscope::engine
