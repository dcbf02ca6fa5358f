// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/gguf_metadata.h"
#include "engine/checkpoint/gguf_types.h"
#include "engine/checkpoint/write_tensor.h"
#include "engine/core/checked_math.h"

#include <algorithm>

namespace qscope::engine {

namespace {

std::uint64_t padding(std::uint64_t size) { return (kGgufAlignment - size % kGgufAlignment) % kGgufAlignment; }

Result<void> checkTensor(const TensorToWrite& tensor) {
    if (!ggufHolds(tensor.dtype))
        return fail(ErrorCode::Unsupported, "tensor '{}': GGUF has no type for {}", printable(tensor.name),
                    info(tensor.dtype).name);
    if (tensor.name.size() > kGgufNameBytes)
        return fail(ErrorCode::Unsupported, "tensor '{}': GGUF names have at most {} bytes", printable(tensor.name),
                    kGgufNameBytes);
    if (tensor.shape.size() > kGgufRank)
        return fail(ErrorCode::Unsupported, "tensor '{}': GGUF tensors have at most {} axes", printable(tensor.name),
                    kGgufRank);
    return {};
}

Result<std::string> headerFor(const Metadata& metadata, const std::vector<TensorToWrite>& tensors) {
    std::string header = "GGUF";
    appendValue(header, std::uint32_t{3});
    appendValue(header, static_cast<std::uint64_t>(tensors.size()));
    // The alignment is this writer's own, which is what files without the key have.
    const auto written = [](const auto& pair) { return pair.first != "general.alignment"; };
    appendValue(header, static_cast<std::uint64_t>(std::ranges::count_if(metadata, written)));
    for (const auto& pair : metadata) {
        if (!written(pair)) continue;
        appendGgufText(header, pair.first);
        if (auto done = appendMetadataValue(header, pair.second); !done)
            return during(std::move(done).error(), "metadata '" + printable(pair.first) + "'");
    }
    std::uint64_t offset = 0;
    for (const TensorToWrite& tensor : tensors) {
        QSCOPE_CHECK(checkTensor(tensor));
        QSCOPE_TRY(const auto bytes, bytesToWrite(tensor));
        const Shape shape = tensor.shape.empty() ? Shape{1} : tensor.shape;
        appendGgufText(header, tensor.name);
        appendValue(header, static_cast<std::uint32_t>(shape.size()));
        for (auto size = shape.rbegin(); size != shape.rend(); ++size) appendValue(header, static_cast<std::uint64_t>(*size));
        appendValue(header, *ggufId(tensor.dtype));
        appendValue(header, offset);
        const auto next = checkedAdd(offset, bytes + padding(bytes));
        if (!next) return fail(ErrorCode::OutOfRange, "the tensors are larger than any file");
        offset = *next;
    }
    header.append(padding(header.size()), '\0');
    return header;
}

} // namespace

Result<void> writeGguf(const std::filesystem::path& path, const Metadata& metadata, std::vector<TensorToWrite> tensors,
                       const RunContext& context, const CheckWritten& check) {
    QSCOPE_CHECK(checkNames(tensors));
    QSCOPE_TRY(const auto header, headerFor(metadata, tensors));
    QSCOPE_TRY(auto file, AtomicFile::create(path));
    QSCOPE_CHECK(file.write(header));
    for (const TensorToWrite& tensor : tensors) {
        QSCOPE_CHECK(writeTensor(file, tensor, context));
        QSCOPE_CHECK(file.write(std::string(padding(file.position()), '\0')));
    }
    return checkAndCommit(file, check, context);
}

} // namespace qscope::engine
