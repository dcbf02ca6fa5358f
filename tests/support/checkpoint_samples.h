// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/reader.h"

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace qscope::test {

/// Bytes of a file under construction, written field by field as the formats' descriptions have them and without the
/// product's writers.
struct Bytes {
    std::string data;

    template<class T>
    Bytes& put(T value) {
        data.append(reinterpret_cast<const char*>(&value), sizeof(T));
        return *this;
    }
    /// GGUF's string: length, then bytes.
    Bytes& text(std::string_view value) {
        put(static_cast<std::uint64_t>(value.size()));
        data += value;
        return *this;
    }
    Bytes& zeros(std::size_t count) {
        data.append(count, '\0');
        return *this;
    }
    Bytes& alignTo(std::size_t alignment) { return zeros((alignment - data.size() % alignment) % alignment); }
};

/// A safetensors file with this header text and `dataBytes` counted bytes.
[[nodiscard]] std::string safetensorsFile(std::string_view header, std::size_t dataBytes);
/// A GGUF file's first fields.
[[nodiscard]] Bytes ggufStart(std::uint64_t tensors, std::uint64_t pairs, std::uint32_t version = 3);
Bytes& putGgufTensor(Bytes& bytes, std::string_view name, const std::vector<std::uint64_t>& sizes, std::uint32_t type,
                     std::uint64_t offset);

// One small valid file of each format, with every kind of field that its header may have.
[[nodiscard]] std::string sampleSafetensors();
[[nodiscard]] std::string sampleGguf();
[[nodiscard]] std::string sampleLlama2c();
/// Importance of two weights, one of them a stack of two matrices of which the second was never used, in both forms.
[[nodiscard]] std::string sampleImportanceGguf();
[[nodiscard]] std::string sampleImportanceDat();
/// llama2.c with the given sizes (a negative vocabulary: the output matrix is stored apart); weights count up from 0 in
/// steps of 1/64. In version 2 the matrices are `llama2cCode` by their place, in groups of 4 that are scaled by
/// `llama2cScale` of their first place.
[[nodiscard]] std::string llama2cFile(const std::vector<std::int32_t>& header, int version = 0);
[[nodiscard]] inline float llama2cCode(std::int64_t place) { return static_cast<float>(place % 251 - 125); }
[[nodiscard]] inline float llama2cScale(std::int64_t place) { return static_cast<float>(place + 1) / 128; }

/// A file in memory that has a path.
class MemoryFile {
public:
    explicit MemoryFile(std::string_view bytes);
    ~MemoryFile();
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    [[nodiscard]] std::filesystem::path path() const;
    void overwrite(std::size_t offset, std::string_view bytes);
    void truncate(std::size_t size);

private:
    int m_descriptor;
};

[[nodiscard]] Result<std::shared_ptr<const engine::Checkpoint>> openBytes(const engine::CheckpointReader& reader,
                                                                          std::string_view bytes);

/// What is wrong with an opened checkpoint, or an empty text: every view lies in its file and has the size that its type
/// and shape give, every name is found.
[[nodiscard]] std::string inconsistency(const engine::Checkpoint& checkpoint);

} // namespace qscope::test
