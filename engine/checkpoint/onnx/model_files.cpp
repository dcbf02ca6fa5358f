// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/onnx/model_files.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/core/checked_math.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace qscope::engine {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kModelFile = 0;
constexpr std::size_t kMemoryFile = 1;
constexpr std::size_t kMostExternalFiles = 4096; ///< each is one memory map
constexpr std::uint64_t kAlignment = 64;         ///< of unpacked values in memory

Result<std::uint64_t> number(std::string_view key, std::string_view text) {
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
        return fail(ErrorCode::Malformed, "the {} '{}' of its external data is no number", key, printable(text));
    return value;
}

bool isInside(const fs::path& path, const fs::path& folder) {
    return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

} // namespace

OnnxModelFiles::OnnxModelFiles(std::shared_ptr<const MappedFile> model, MemoryBudget& budget, const ReadLimits& limits)
    : m_budget(budget), m_limits(limits), m_files{std::move(model), nullptr} {}

Result<OnnxPlace> OnnxModelFiles::add(const OnnxTensor& tensor) {
    QSCOPE_TRY(const auto bytes, valueBytes(tensor, m_limits));
    if (tensor.isExternal) return external(tensor, bytes);
    QSCOPE_TRY(const auto found, valuesInPlace(tensor, bytes));
    if (found) {
        const auto offset = static_cast<std::uint64_t>(found->data() - m_files[kModelFile]->bytes().data());
        return OnnxPlace{kModelFile, offset, bytes};
    }
    const OnnxTypeInfo& type = *info(tensor.type);
    // Each number takes at least a byte on the wire.
    if (bytes / static_cast<std::uint64_t>(std::max(type.bits / 8, 1)) > tensor.message.size())
        return fail(ErrorCode::Malformed, "its values are missing or too few");
    return unpackLater({&tensor, {}, 0, bytes});
}

Result<OnnxPlace> OnnxModelFiles::add(std::span<const std::byte> numbers) {
    return unpackLater({nullptr, numbers, 0, numbers.size()});
}

Result<OnnxPlace> OnnxModelFiles::unpackLater(Unpacked values) {
    values.offset = m_unpackedBytes;
    QSCOPE_CHECK(m_budget.spend(values.bytes + kAlignment + 3 * sizeof values));
    m_unpackedBytes += ceilDiv(values.bytes, kAlignment) * kAlignment;
    m_unpacked.push_back(values);
    return OnnxPlace{kMemoryFile, values.offset, values.bytes};
}

Result<void> OnnxModelFiles::finish() {
    std::vector<std::byte> memory(m_unpackedBytes);
    for (const Unpacked& values : m_unpacked) {
        const auto out = std::span(memory).subspan(values.offset, values.bytes);
        if (!values.tensor) {
            std::ranges::copy(values.numbers, out.begin());
        } else if (auto written = writeTypedValues(*values.tensor, out); !written) {
            return during(std::move(written).error(), "tensor '" + printable(values.tensor->name) + "'");
        }
    }
    m_unpacked.clear();
    m_files[kMemoryFile] = MappedFile::holding(m_files[kModelFile]->path(), std::move(memory));
    return {};
}

TensorView OnnxModelFiles::view(const OnnxPlace& place, DType dtype, Shape shape) const {
    const auto& file = m_files[place.file];
    return {dtype, std::move(shape), file->bytes().subspan(place.offset, place.bytes), file};
}

Result<OnnxPlace> OnnxModelFiles::external(const OnnxTensor& tensor, std::uint64_t bytes) {
    std::string_view location;
    std::uint64_t offset = 0, length = bytes;
    for (const auto& [key, text] : tensor.external)
        if (key == "location") location = text;
        else if (key == "offset") {
            QSCOPE_TRY(offset, number(key, text));
        } else if (key == "length") {
            QSCOPE_TRY(length, number(key, text));
        }
    if (length != bytes)
        return fail(ErrorCode::Malformed, "its external data has {} bytes instead of {}", length, bytes);
    const auto known = m_locations.find(location);
    std::size_t index = known == m_locations.end() ? 0 : known->second;
    if (known == m_locations.end()) {
        QSCOPE_TRY(index, externalFile(location));
        m_locations.emplace(location, index);
    }
    const std::uint64_t size = m_files[index]->bytes().size();
    if (offset > size || bytes > size - offset)
        return fail(ErrorCode::Malformed, "bytes {}+{} exceed the {} bytes of '{}'", offset, bytes, size, printable(location));
    return OnnxPlace{index, offset, bytes};
}

Result<std::size_t> OnnxModelFiles::externalFile(std::string_view location) {
    const auto refuse = [&](const char* why) {
        return fail(ErrorCode::Malformed, "its external data is in '{}', which {}", printable(location), why);
    };
    if (location.empty()) return fail(ErrorCode::Malformed, "it names no file for its external data");
    if (location.find('\0') != location.npos || location.size() > m_limits.nameBytes) return refuse("is no file name");
    const fs::path relative(location);
    if (relative.is_absolute() || std::ranges::find(relative, fs::path("..")) != relative.end())
        return refuse("leads out of the model's folder");
    std::error_code problem;
    const fs::path& model = m_files[kModelFile]->path();
    const fs::path folder = fs::canonical(model.has_parent_path() ? model.parent_path() : fs::path("."), problem);
    if (problem) return refuse("cannot be looked up");
    const fs::path file = fs::canonical(folder / relative, problem);
    if (problem) return refuse("is not there");
    if (!isInside(file, folder)) return refuse("leads out of the model's folder");
    if (!fs::is_regular_file(file, problem)) return refuse("is no ordinary file");
    if (const auto known = m_external.find(file); known != m_external.end()) return known->second;
    if (m_locations.size() >= kMostExternalFiles) return fail(ErrorCode::Malformed, "too many files of external data");
    QSCOPE_TRY(auto mapped, MappedFile::open(file));
    m_files.push_back(std::move(mapped));
    m_external.emplace(file, m_files.size() - 1);
    return m_files.size() - 1;
}

Result<std::vector<OnnxPlace>> placeWeights(OnnxModelFiles& files, std::span<const OnnxWeight> weights) {
    std::vector<OnnxPlace> places;
    for (const OnnxWeight& weight : weights) {
        auto at = weight.tensor ? files.add(*weight.tensor) : files.add(weight.numbers);
        if (!at) return during(std::move(at).error(), "tensor '" + printable(weight.name) + "'");
        places.push_back(*at);
    }
    QSCOPE_CHECK(files.finish());
    return places;
}

} // namespace qscope::engine
