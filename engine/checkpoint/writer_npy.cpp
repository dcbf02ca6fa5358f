// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/npy_header.h"
#include "engine/checkpoint/write_tensor.h"
#include "engine/checkpoint/zip_directory.h"
#include "engine/checkpoint/zip_writer.h"

#include <algorithm>

namespace qscope::engine {

namespace {

constexpr std::size_t kPieceBytes = 8 << 20;
constexpr std::string_view kSuffix = ".npy";

Result<std::string> headerOf(const TensorToWrite& tensor) {
    const auto type = npyType(tensor.dtype);
    if (!type)
        return fail(ErrorCode::Unsupported, "tensor '{}': NumPy has no type for {}", printable(tensor.name), info(tensor.dtype).name);
    return npyHeader(*type, tensor.shape);
}

/// Of the member, in pieces so that a cancelled export stops soon.
Result<std::uint32_t> checksumOf(std::string_view header, std::span<const std::byte> bytes, const RunContext& context) {
    std::uint32_t sum = zipChecksum(0, std::as_bytes(std::span(header)));
    while (!bytes.empty()) {
        if (context.cancelled()) return cancelled();
        const auto piece = bytes.first(std::min(bytes.size(), kPieceBytes));
        sum = zipChecksum(sum, piece);
        bytes = bytes.subspan(piece.size());
    }
    return sum;
}

} // namespace

bool numpyHolds(DType type) { return npyType(type).has_value(); }

Result<void> writeNpy(const std::filesystem::path& path, const TensorToWrite& tensor, const RunContext& context, const CheckWritten& check) {
    QSCOPE_TRY(const auto header, headerOf(tensor));
    QSCOPE_CHECK(bytesToWrite(tensor));
    QSCOPE_TRY(auto file, AtomicFile::create(path));
    QSCOPE_CHECK(file.write(header));
    QSCOPE_CHECK(writeTensor(file, tensor, context));
    return checkAndCommit(file, check, context);
}

Result<void> writeNpz(const std::filesystem::path& path, const std::vector<TensorToWrite>& tensors, const RunContext& context,
                      const CheckWritten& check) {
    QSCOPE_CHECK(checkNames(tensors));
    for (const TensorToWrite& tensor : tensors)
        if (!isZipName(tensor.name) || tensor.name.size() + kSuffix.size() > 0xFFFF)
            return fail(ErrorCode::OutOfRange, "'{}' is no name inside an archive", printable(tensor.name));
    QSCOPE_TRY(auto file, AtomicFile::create(path));
    ZipWriter archive(file);
    for (const TensorToWrite& tensor : tensors) {
        if (context.cancelled()) return cancelled();
        QSCOPE_TRY(const auto header, headerOf(tensor));
        QSCOPE_TRY(const auto bytes, bytesToWrite(tensor));
        auto view = tensor.bytes();
        if (!view) return during(std::move(view).error(), "tensor '" + printable(tensor.name) + "'");
        QSCOPE_TRY(const auto checksum, checksumOf(header, view->bytes, context));
        QSCOPE_CHECK(archive.begin(tensor.name + std::string(kSuffix), header.size() + bytes, checksum));
        QSCOPE_CHECK(file.write(header));
        const TensorToWrite made{tensor.name, tensor.dtype, tensor.shape, [&view] { return view; }};
        QSCOPE_CHECK(writeTensor(file, made, context)); // checks that the bytes are as many as announced
    }
    QSCOPE_CHECK(archive.finish());
    return checkAndCommit(file, check, context);
}

} // namespace qscope::engine
