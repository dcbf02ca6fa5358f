// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/export_common.h"

#include "engine/checkpoint/architecture.h"
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/model_config.h"
#include "engine/core/checked_math.h"
#include "engine/tensor/half.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace qscope::engine {

namespace {
constexpr std::size_t kCompareBytes = 8 << 20;

std::span<const float> singles(const TensorView& view) {
    return {reinterpret_cast<const float*>(view.bytes.data()), view.bytes.size() / sizeof(float)};
}

std::uint16_t narrow(DType type, float value) { return type == DType::F16 ? floatToHalf(value) : floatToBfloat16(value); }
float widen(DType type, std::uint16_t value) { return type == DType::F16 ? halfToFloat(value) : bfloat16ToFloat(value); }

/// Equal bytes, compared in pieces so that a cancelled export stops soon.
Result<bool> sameBytes(std::span<const std::byte> a, std::span<const std::byte> b, const RunContext& context) {
    if (a.size() != b.size()) return false;
    for (std::size_t at = 0; at < a.size(); at += kCompareBytes) {
        if (context.cancelled()) return cancelled();
        const std::size_t piece = std::min(kCompareBytes, a.size() - at);
        if (std::memcmp(a.data() + at, b.data() + at, piece) != 0) return false;
        context.progress.done += static_cast<std::int64_t>(piece);
    }
    return true;
}
} // namespace

std::optional<std::uint64_t> parseByteSize(std::string_view text) {
    constexpr std::pair<std::string_view, std::uint64_t> kUnits[] = {
        {"", 1},          {"B", 1},           {"KB", 1'000},     {"MB", 1'000'000},
        {"GB", 1'000'000'000}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    if (unit.starts_with(' ')) unit.remove_prefix(1);
    const auto found = std::ranges::find(kUnits, unit, &std::pair<std::string_view, std::uint64_t>::first);
    const auto bytes = found == std::end(kUnits) ? std::nullopt : checkedMul(number, found->second);
    if (problem != std::errc{} || !bytes || *bytes == 0) return std::nullopt;
    return bytes;
}

Result<std::vector<const QuantizedTensor*>> replacements(const Checkpoint& source, const MethodResult* result) {
    std::vector<const QuantizedTensor*> found(source.tensors.size(), nullptr);
    if (!result) return found;
    for (const TensorResult& entry : result->tensors) {
        if (entry.tensor >= found.size() || !entry.quantized)
            return fail(ErrorCode::OutOfRange, "the result '{}' does not belong to this checkpoint", printable(entry.name));
        if (entry.quantized->shape != source.tensors[entry.tensor].shape)
            return fail(ErrorCode::OutOfRange, "tensor '{}': the result has another shape", printable(entry.name));
        found[entry.tensor] = entry.quantized.get();
    }
    return found;
}

bool isTranslatable(const Checkpoint& source) {
    return source.config && architectureOf(source);
}

Result<void> checkRopeOrder(const Checkpoint& source, RopeLayout target) {
    if (!isTranslatable(source) || source.ropeLayout == target || !architectureOf(source)->pairsRotary) return {};
    if (source.config->heads > 0 && source.config->kvHeads > 0) return {};
    return fail(ErrorCode::Unsupported, "the checkpoint does not state its head counts, which the target's row order needs");
}

Result<TensorView> decoded(const TensorView& tensor) {
    std::vector<float> values(static_cast<std::size_t>(elementCount(tensor.shape)));
    QSCOPE_CHECK(decode(tensor, 0, std::span<float>(values)));
    return makeTensor(tensor.shape, std::move(values));
}

Result<TensorView> dequantized(const QuantizedTensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(elementCount(tensor.shape)));
    QSCOPE_CHECK(dequantize(tensor, 0, values));
    return makeTensor(tensor.shape, std::move(values));
}

TensorView narrowed(const TensorView& single, DType type) {
    const auto values = singles(single);
    std::vector<std::byte> bytes(values.size() * sizeof(std::uint16_t));
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::uint16_t stored = narrow(type, values[i]);
        std::memcpy(bytes.data() + i * sizeof stored, &stored, sizeof stored);
    }
    return makeTensor(type, single.shape, std::move(bytes));
}

bool holdsExactly(DType type, const TensorView& single) {
    if (type != DType::F16 && type != DType::BF16) return false;
    return std::ranges::all_of(singles(single), [type](float value) { return widen(type, narrow(type, value)) == value; });
}

Result<TensorView> inRopeOrder(const Checkpoint& source, std::size_t index, const TensorView& view, RopeLayout target) {
    const std::string canonical = canonicalName(source, source.tensors[index].name);
    return withRopeLayout(view, ropeHeads(source, canonical), source.ropeLayout, target);
}

void startProgress(const std::vector<TensorToWrite>& tensors, const RunContext& context) {
    std::uint64_t bytes = 0;
    for (const TensorToWrite& tensor : tensors)
        bytes += qscope::storedBytes(tensor.dtype, static_cast<std::uint64_t>(elementCount(tensor.shape))).value_or(0);
    context.progress.done = 0;
    context.progress.total = static_cast<std::int64_t>(2 * bytes);
}

Result<void> verifyWritten(const std::filesystem::path& written, const CheckpointReader& reader,
                           const std::vector<TensorToWrite>& meant, ExportOutcome& outcome, const RunContext& context) {
    Diagnostics unused;
    auto opened = reader.open(written, {}, unused);
    if (!opened) return during(std::move(opened).error(), "reading the written file back");
    const Checkpoint& read = **opened;
    if (read.tensors.size() != meant.size())
        return fail(ErrorCode::Io, "the written file holds {} tensors instead of {}", read.tensors.size(), meant.size());
    outcome = {std::filesystem::file_size(written), meant.size(), 0};
    for (const TensorToWrite& tensor : meant) {
        const auto place = read.find(tensor.name);
        if (!place) return fail(ErrorCode::Io, "the written file lacks tensor '{}'", printable(tensor.name));
        const TensorView has = read.view(*place);
        QSCOPE_TRY(const auto wanted, tensor.bytes());
        const bool scalar = tensor.shape.empty() && has.shape == Shape{1}; // GGUF has no tensors without axes
        QSCOPE_TRY(const bool same, sameBytes(has.bytes, wanted.bytes, context));
        if (has.dtype != tensor.dtype || !(scalar || has.shape == tensor.shape) || !same)
            return fail(ErrorCode::Io, "tensor '{}' reads back differently", printable(tensor.name));
        ++outcome.verified;
    }
    return {};
}

std::filesystem::path pathBeside(const std::filesystem::path& target, const char* name) {
    if (target.filename() == "model.safetensors") return target.parent_path() / name;
    return target.parent_path() / (target.stem().string() + "." + name);
}

Json configFor(const Checkpoint& source, const RunContext& context) {
    Json config;
    if (source.format == "safetensors")
        if (const auto place = configBeside(source.path)) {
            auto read = readJsonFile(*place);
            if (read && read->is_object()) config = *std::move(read);
            else context.notes.warn("the source's config.json cannot be read and is left out");
        }
    if (config.is_null() && isTranslatable(source)) config = toJson(*source.config, *architectureOf(source));
    if (config.is_object()) config.erase("quantization_config");
    return config;
}

} // namespace qscope::engine
