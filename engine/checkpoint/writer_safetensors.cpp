// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/write_tensor.h"
#include "engine/core/checked_math.h"
#include "engine/core/json.h"

#include <algorithm>
#include <tuple>

namespace qscope::engine {

namespace {

/// Built as text: one document for 100,000 tensors would cost more than the header itself.
Result<std::string> headerFor(const std::vector<std::pair<std::string, std::string>>& metadata,
                              const std::vector<TensorToWrite>& tensors) {
    std::string header = "{";
    if (!metadata.empty()) {
        Json map = Json::object();
        for (const auto& [key, value] : metadata) {
            if (!isUtf8(key) || !isUtf8(value)) return fail(ErrorCode::OutOfRange, "metadata is not UTF-8");
            map[key] = value;
        }
        header += "\"__metadata__\":" + map.dump();
    }
    std::uint64_t offset = 0;
    for (const TensorToWrite& tensor : tensors) {
        if (!safetensorsHolds(tensor.dtype))
            return fail(ErrorCode::Unsupported, "tensor '{}': safetensors has no type for {}", printable(tensor.name),
                        info(tensor.dtype).name);
        if (tensor.name == "__metadata__") return fail(ErrorCode::Unsupported, "a tensor may not be named __metadata__");
        QSCOPE_TRY(const auto bytes, bytesToWrite(tensor));
        const auto end = checkedAdd(offset, bytes);
        if (!end) return fail(ErrorCode::OutOfRange, "the tensors are larger than any file");
        header += fmt::format(R"({}{}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", header.size() > 1 ? "," : "",
                              Json(tensor.name).dump(), info(tensor.dtype).name, fmt::join(tensor.shape, ","), offset, *end);
        offset = *end;
    }
    header += "}";
    header.append((8 - header.size() % 8) % 8, ' ');
    return header;
}

} // namespace

bool safetensorsHolds(DType type) {
    const DTypeKind kind = info(type).kind;
    return kind != DTypeKind::Block && kind != DTypeKind::Coded;
}

Result<AtomicFile> prepareSafetensors(const std::filesystem::path& path,
                                      const std::vector<std::pair<std::string, std::string>>& metadata,
                                      std::vector<TensorToWrite> tensors, const RunContext& context, const CheckWritten& check) {
    std::ranges::sort(tensors, [](const TensorToWrite& a, const TensorToWrite& b) {
        return std::tuple(-info(a.dtype).blockBits, std::string_view(a.name)) <
               std::tuple(-info(b.dtype).blockBits, std::string_view(b.name));
    });
    QSCOPE_CHECK(checkNames(tensors));
    QSCOPE_TRY(const auto header, headerFor(metadata, tensors));
    const std::uint64_t length = header.size();
    QSCOPE_TRY(auto file, AtomicFile::create(path));
    QSCOPE_CHECK(file.write(std::as_bytes(std::span(&length, 1))));
    QSCOPE_CHECK(file.write(header));
    for (const TensorToWrite& tensor : tensors) QSCOPE_CHECK(writeTensor(file, tensor, context));
    QSCOPE_CHECK(checkFinished(file, check, context));
    return file;
}

Result<void> writeSafetensors(const std::filesystem::path& path,
                              const std::vector<std::pair<std::string, std::string>>& metadata,
                              std::vector<TensorToWrite> tensors, const RunContext& context, const CheckWritten& check) {
    QSCOPE_TRY(auto file, prepareSafetensors(path, metadata, std::move(tensors), context, check));
    return file.commit();
}

} // namespace qscope::engine
