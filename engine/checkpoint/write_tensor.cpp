// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/write_tensor.h"

#include "engine/checkpoint/catalogue.h"

#include <algorithm>
#include <unordered_set>

namespace qscope::engine {

namespace {
constexpr std::size_t kPieceBytes = 8 << 20; // about 10 ms on an ordinary disk
}

Result<std::uint64_t> bytesToWrite(const TensorToWrite& tensor) {
    const auto elements = checkedElements(tensor.shape, {});
    const auto bytes = elements ? qscope::storedBytes(tensor.dtype, static_cast<std::uint64_t>(*elements)) : std::nullopt;
    const auto length = info(tensor.dtype).blockLength;
    if (!bytes || (length > 1 && (tensor.shape.empty() || tensor.shape.back() % length != 0)))
        return fail(ErrorCode::OutOfRange, "tensor '{}': rows are no whole number of {} blocks or bytes",
                    printable(tensor.name), info(tensor.dtype).name);
    return *bytes;
}

Result<void> checkNames(const std::vector<TensorToWrite>& tensors) {
    std::unordered_set<std::string_view> names;
    for (const TensorToWrite& tensor : tensors) {
        if (tensor.name.empty() || !isUtf8(tensor.name))
            return fail(ErrorCode::OutOfRange, "a tensor name is empty or not UTF-8");
        if (!names.insert(tensor.name).second)
            return fail(ErrorCode::OutOfRange, "tensor '{}' would be written twice", printable(tensor.name));
    }
    return {};
}

Result<void> writeTensor(AtomicFile& file, const TensorToWrite& tensor, const RunContext& context) {
    if (context.cancelled()) return cancelled();
    auto view = tensor.bytes();
    if (!view) return during(std::move(view).error(), "tensor '" + printable(tensor.name) + "'");
    QSCOPE_TRY(const auto expected, bytesToWrite(tensor));
    if (view->dtype != tensor.dtype || view->bytes.size() != expected)
        return fail(ErrorCode::OutOfRange, "tensor '{}': {} bytes of {} came where {} of {} were announced",
                    printable(tensor.name), view->bytes.size(), info(view->dtype).name, expected, info(tensor.dtype).name);
    for (std::span<const std::byte> rest = view->bytes; !rest.empty();) {
        if (context.cancelled()) return cancelled();
        const auto piece = rest.first(std::min(rest.size(), kPieceBytes));
        QSCOPE_CHECK(file.write(piece));
        context.progress.done += static_cast<std::int64_t>(piece.size());
        rest = rest.subspan(piece.size());
    }
    return {};
}

Result<void> checkFinished(AtomicFile& file, const CheckWritten& check, const RunContext& context) {
    QSCOPE_TRY(const auto written, file.flushed());
    if (check) QSCOPE_CHECK(check(written));
    if (context.cancelled()) return cancelled();
    return {};
}

Result<void> checkAndCommit(AtomicFile& file, const CheckWritten& check, const RunContext& context) {
    QSCOPE_CHECK(checkFinished(file, check, context));
    return file.commit();
}

} // namespace qscope::engine
