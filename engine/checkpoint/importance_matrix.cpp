// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/importance_matrix.h"

#include "engine/checkpoint/canonical.h"
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/gguf_metadata.h"
#include "engine/checkpoint/gguf_part.h"
#include "engine/checkpoint/model_config.h"
#include "engine/checkpoint/reader.h"
#include "engine/checkpoint/writer.h"
#include "engine/core/atomic_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace qscope::engine {

namespace {

constexpr std::string_view kSums = ".in_sum2", kCounts = ".counts";
constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();

/// What an entry takes, the list's growth included.
std::uint64_t memoryOf(std::size_t nameBytes, std::uint64_t values, std::uint64_t counts) {
    return 2 * sizeof(ImportanceEntry) + textHeapBytes(nameBytes) + (values + counts) * sizeof(float) + 64;
}

bool isSum(float value) { return std::isfinite(value) && value >= 0; }
bool isCount(float value) { return std::isfinite(value) && (value == 0 || value >= 1); }

Result<void> checkEntries(ImportanceMatrix& matrix) {
    std::ranges::sort(matrix.entries, {}, &ImportanceEntry::name);
    if (const auto twice = std::ranges::adjacent_find(matrix.entries, {}, &ImportanceEntry::name); twice != matrix.entries.end())
        return fail(ErrorCode::Malformed, "the importance of '{}' appears twice", printable(twice->name));
    for (const ImportanceEntry& entry : matrix.entries)
        if (!std::ranges::all_of(entry.sums, isSum) || !std::ranges::all_of(entry.counts, isCount))
            return fail(ErrorCode::Malformed, "the importance of '{}' has a sum or count that is none", printable(entry.name));
    return {};
}

std::uint32_t smallNumber(const Metadata& metadata, std::string_view key) {
    const MetadataValue* value = find(metadata, key);
    const auto* number = value ? std::get_if<std::uint64_t>(&value->value) : nullptr;
    return number && *number <= static_cast<std::uint64_t>(kMost) ? static_cast<std::uint32_t>(*number) : 0;
}

bool saysImportance(const Metadata& metadata) {
    const MetadataValue* value = find(metadata, "general.type");
    const auto* text = value ? std::get_if<std::string>(&value->value) : nullptr;
    return text && *text == "imatrix";
}

Result<std::vector<float>> singles(const Checkpoint& file, std::size_t tensor) {
    const TensorInfo& entry = file.tensors[tensor];
    if (entry.dtype != DType::F32)
        return fail(ErrorCode::Malformed, "tensor '{}' is of type {}, not F32", printable(entry.name), info(entry.dtype).name);
    std::vector<float> values(static_cast<std::size_t>(elementCount(entry.shape)));
    QSCOPE_CHECK(decode(file.view(tensor), 0, std::span<float>(values)));
    return values;
}

Result<ImportanceMatrix> fromGguf(const Checkpoint& file, MemoryBudget budget) {
    if (!saysImportance(file.metadata)) return fail(ErrorCode::Unsupported, "the GGUF file is no importance matrix");
    for (const TensorInfo& tensor : file.tensors) QSCOPE_CHECK(budget.spend(engine::memoryOf(tensor))); // they are there too
    ImportanceMatrix matrix;
    if (const MetadataValue* value = find(file.metadata, "imatrix.datasets"))
        if (const auto* names = std::get_if<std::vector<std::string>>(&value->value)) matrix.datasets = *names;
    matrix.chunks = smallNumber(file.metadata, "imatrix.chunk_count");
    matrix.chunkTokens = std::max(smallNumber(file.metadata, "imatrix.chunk_size"), 1u);
    for (std::size_t i = 0; i < file.tensors.size(); ++i) {
        const TensorInfo& tensor = file.tensors[i];
        if (!tensor.name.ends_with(kSums)) continue;
        ImportanceEntry entry;
        entry.name = tensor.name.substr(0, tensor.name.size() - kSums.size());
        const auto counts = file.find(entry.name + std::string(kCounts));
        if (!counts) return fail(ErrorCode::Malformed, "tensor '{}' has no counts", printable(tensor.name));
        const auto matrices = static_cast<std::int64_t>(asMatrix(tensor.shape).rows);
        if (elementCount(tensor.shape) == 0 || elementCount(file.tensors[*counts].shape) != matrices)
            return fail(ErrorCode::Malformed, "tensor '{}' has no count for each of its {} matrices", printable(tensor.name), matrices);
        QSCOPE_CHECK(budget.spend(memoryOf(entry.name.size(), static_cast<std::uint64_t>(elementCount(tensor.shape)), static_cast<std::uint64_t>(matrices))));
        QSCOPE_TRY(entry.sums, singles(file, i));
        QSCOPE_TRY(entry.counts, singles(file, *counts));
        matrix.entries.push_back(std::move(entry));
    }
    return matrix;
}

Result<std::string> shortText(ByteReader& reader, const ReadLimits& limits) {
    QSCOPE_TRY(const auto length, reader.i32());
    if (length < 0 || static_cast<std::uint64_t>(length) > limits.nameBytes)
        return fail(ErrorCode::Malformed, "a name of {} bytes", length);
    QSCOPE_TRY(const auto text, reader.text(static_cast<std::uint64_t>(length)));
    if (!isUtf8(text)) return fail(ErrorCode::Malformed, "a name is not UTF-8");
    return std::string(text);
}

Result<ImportanceMatrix> fromLegacy(std::span<const std::byte> file, const ReadLimits& limits) {
    MemoryBudget budget(file.size());
    ByteReader reader(file);
    ImportanceMatrix matrix;
    matrix.form = ImportanceForm::Legacy;
    QSCOPE_TRY(const auto count, reader.i32());
    constexpr std::size_t kSmallestEntry = 4 + 1 + 4 + 4 + 4;
    if (count < 1 || static_cast<std::uint64_t>(count) > reader.remaining() / kSmallestEntry)
        return fail(ErrorCode::Malformed, "{} entries do not fit in the {} bytes left", count, reader.remaining());
    for (std::int32_t i = 0; i < count; ++i) {
        ImportanceEntry entry;
        QSCOPE_TRY(entry.name, shortText(reader, limits));
        QSCOPE_TRY(const auto calls, reader.i32());
        QSCOPE_TRY(const auto values, reader.i32());
        if (entry.name.empty() || calls < 0 || values < 1)
            return fail(ErrorCode::Malformed, "entry {}: a name of {} bytes, {} calls, {} values", i, entry.name.size(), calls, values);
        QSCOPE_TRY(const auto bytes, reader.take(static_cast<std::uint64_t>(values) * sizeof(float)));
        QSCOPE_CHECK(budget.spend(memoryOf(entry.name.size(), static_cast<std::uint64_t>(values), 1)));
        entry.sums.resize(static_cast<std::size_t>(values));
        std::memcpy(entry.sums.data(), bytes.data(), bytes.size());
        entry.counts = {static_cast<float>(std::max(calls, 1))}; // no calls: the values are the means themselves
        matrix.entries.push_back(std::move(entry));
    }
    if (reader.remaining() == 0) return matrix; // the oldest files end here
    QSCOPE_TRY(const auto chunks, reader.i32());
    matrix.chunks = static_cast<std::uint32_t>(std::max(chunks, 0));
    QSCOPE_TRY(auto dataset, shortText(reader, limits));
    if (!dataset.empty()) matrix.datasets.push_back(std::move(dataset));
    if (reader.remaining() != 0) return fail(ErrorCode::Malformed, "{} bytes are left after the last entry", reader.remaining());
    return matrix;
}

bool startsLikeGguf(std::span<const std::byte> bytes) {
    return bytes.size() >= kGgufMagic.size() && std::memcmp(bytes.data(), kGgufMagic.data(), kGgufMagic.size()) == 0;
}

Result<void> writeGgufForm(const std::filesystem::path& path, const ImportanceMatrix& matrix, const RunContext& context) {
    Metadata metadata;
    metadata.emplace_back("general.type", metadataText("imatrix"));
    metadata.emplace_back("imatrix.datasets", MetadataValue{MetadataType::Array, MetadataType::String, matrix.datasets});
    metadata.emplace_back("imatrix.chunk_count", metadataU32(matrix.chunks));
    metadata.emplace_back("imatrix.chunk_size", metadataU32(matrix.chunkTokens));
    std::vector<TensorToWrite> tensors;
    const auto add = [&](std::string name, const std::vector<float>& values, std::int64_t columns) {
        const Shape shape{static_cast<std::int64_t>(values.size()) / columns, columns};
        tensors.push_back({std::move(name), DType::F32, shape, [&values, shape]() -> Result<TensorView> { return makeTensor(shape, values); }});
    };
    for (const ImportanceEntry& entry : matrix.entries) {
        add(entry.name + std::string(kSums), entry.sums, static_cast<std::int64_t>(entry.sums.size() / entry.counts.size()));
        add(entry.name + std::string(kCounts), entry.counts, 1);
    }
    return writeGguf(path, metadata, std::move(tensors), context);
}

void appendShortText(std::string& bytes, std::string_view text) {
    appendValue(bytes, static_cast<std::int32_t>(text.size()));
    bytes += text;
}

Result<void> writeLegacyForm(const std::filesystem::path& path, const ImportanceMatrix& matrix, const RunContext& context) {
    std::string body;
    std::int32_t written = 0;
    for (const ImportanceEntry& entry : matrix.entries) {
        const float most = std::ranges::max(entry.counts);
        const float calls = std::ceil(most / static_cast<float>(matrix.chunkTokens)); // none of those used becomes none
        if (most == 0) {
            context.notes.warn("left out: it was never used, and the legacy form cannot say so", entry.name);
            continue;
        }
        if (calls >= 0x1p31f || std::ranges::max(entry.sums) > 1e30f || entry.sums.size() > static_cast<std::size_t>(kMost))
            return fail(ErrorCode::OutOfRange, "'{}' has calls or values beyond what the legacy form can hold", entry.name);
        appendShortText(body, entry.name);
        appendValue(body, static_cast<std::int32_t>(calls));
        appendValue(body, static_cast<std::int32_t>(entry.sums.size()));
        for (const float mean : meanSquares(entry)) appendValue(body, mean * calls);
        ++written;
    }
    if (written == 0) return fail(ErrorCode::OutOfRange, "the importance matrix has no entry to write");
    appendValue(body, static_cast<std::int32_t>(std::min(matrix.chunks, static_cast<std::uint32_t>(kMost))));
    appendShortText(body, matrix.datasets.empty() ? std::string_view() : matrix.datasets.back());
    if (matrix.datasets.size() > 1)
        context.notes.note("the legacy form names one data set, the last; the others are left out");
    std::string bytes;
    appendValue(bytes, written);
    return writeFileAtomically(path, bytes + body);
}

} // namespace

bool isImportanceFile(const std::filesystem::path& path) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) return false;
    const auto file = MappedFile::open(path);
    if (!file) return false;
    if (startsLikeGguf((*file)->bytes())) {
        MetadataBudget budget{ReadLimits{}};
        const auto part = readGgufPart(path, {}, budget);
        return part && saysImportance(part->metadata);
    }
    const auto extension = path.extension();
    return (extension == ".dat" || extension == ".imatrix") && fromLegacy((*file)->bytes(), {});
}

Result<ImportanceMatrix> readImportance(const std::filesystem::path& path, const ReadLimits& limits) {
    QSCOPE_TRY(const auto file, MappedFile::open(path));
    Result<ImportanceMatrix> matrix;
    if (startsLikeGguf(file->bytes())) {
        Diagnostics unused;
        QSCOPE_TRY(const auto opened, makeGgufReader()->open(path, limits, unused));
        matrix = fromGguf(*opened, MemoryBudget(file->bytes().size()));
    } else {
        matrix = fromLegacy(file->bytes(), limits);
    }
    if (!matrix) return matrix;
    QSCOPE_CHECK(checkEntries(*matrix));
    matrix->path = path;
    return matrix;
}

Result<void> writeImportance(const std::filesystem::path& path, const ImportanceMatrix& matrix, ImportanceForm form,
                             const RunContext& context) {
    return form == ImportanceForm::Gguf ? writeGgufForm(path, matrix, context) : writeLegacyForm(path, matrix, context);
}

std::vector<float> meanSquares(const ImportanceEntry& entry) {
    std::vector<float> means(entry.sums.size());
    const std::size_t columns = means.size() / entry.counts.size();
    for (std::size_t i = 0; i < means.size(); ++i) {
        const float count = entry.counts[i / columns];
        means[i] = count > 0 ? entry.sums[i] / count : 1;
    }
    return means;
}

const ImportanceEntry* find(const ImportanceMatrix& matrix, std::string_view weight) {
    const auto found = std::ranges::lower_bound(matrix.entries, weight, {}, &ImportanceEntry::name);
    return found != matrix.entries.end() && found->name == weight ? &*found : nullptr;
}

const ImportanceEntry* importanceOf(const ImportanceMatrix& matrix, const Checkpoint& checkpoint, std::size_t tensor) {
    const std::string& name = checkpoint.tensors[tensor].name;
    if (const auto* own = find(matrix, name)) return own;
    return find(matrix, ggufName(canonicalName(checkpoint, name), checkpoint.architecture));
}

Result<void> checkImportance(const ImportanceEntry& entry, const Shape& shape) {
    const std::int64_t columns = shape.empty() ? 1 : shape.back();
    const std::int64_t matrices = shape.size() > 2 ? asMatrix(shape).rows / std::max<std::int64_t>(shape[shape.size() - 2], 1) : 1;
    const auto values = static_cast<std::int64_t>(entry.sums.size());
    if (values == columns || values == columns * matrices) return {};
    return fail(ErrorCode::OutOfRange, "the importance matrix has {} values for '{}', the tensor {} columns{}", values,
                printable(entry.name), columns, matrices > 1 ? fmt::format(" in {} matrices", matrices) : std::string());
}

} // namespace qscope::engine
