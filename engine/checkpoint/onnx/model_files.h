// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/onnx/tensor_data.h"
#include "engine/checkpoint/onnx/weights.h"
#include "engine/core/mapped_file.h"

#include <filesystem>
#include <map>
#include <memory>

namespace qscope::engine {

/// Where values lie, in the layout of raw_data: bytes [offset, offset + bytes) of a file.
struct OnnxPlace {
    std::size_t file = 0;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
};

/// The files that hold a model's weights: the model, the external files that it names, and, once `finish` was called,
/// the values that were stored as typed fields, unpacked into memory.
class OnnxModelFiles {
public:
    OnnxModelFiles(std::shared_ptr<const MappedFile> model, MemoryBudget& budget, const ReadLimits& limits);

    /// Finds the tensor's values and checks that they are all there. An external file is mapped when it is first named;
    /// it must lie in the model's folder or below, links followed. The tensor must live until `finish`.
    [[nodiscard]] Result<OnnxPlace> add(const OnnxTensor& tensor);
    /// A place for a copy of numbers that an attribute holds; they must live until `finish`.
    [[nodiscard]] Result<OnnxPlace> add(std::span<const std::byte> numbers);
    /// Unpacks what was added as typed fields. Places are good from here on.
    [[nodiscard]] Result<void> finish();

    [[nodiscard]] const std::vector<std::shared_ptr<const MappedFile>>& files() const { return m_files; }
    [[nodiscard]] TensorView view(const OnnxPlace& place, DType dtype, Shape shape) const;

private:
    struct Unpacked {
        const OnnxTensor* tensor; ///< or null: `numbers` are copied
        std::span<const std::byte> numbers;
        std::uint64_t offset, bytes;
    };

    [[nodiscard]] Result<OnnxPlace> external(const OnnxTensor& tensor, std::uint64_t bytes);
    [[nodiscard]] Result<std::size_t> externalFile(std::string_view location);
    [[nodiscard]] Result<OnnxPlace> unpackLater(Unpacked values);

    MemoryBudget& m_budget;
    const ReadLimits& m_limits;
    std::vector<std::shared_ptr<const MappedFile>> m_files; ///< model, memory (null until `finish`), external ones
    std::map<std::filesystem::path, std::size_t> m_external;
    std::map<std::string_view, std::size_t> m_locations; ///< as the model spells them, so that each is resolved once
    std::vector<Unpacked> m_unpacked;
    std::uint64_t m_unpackedBytes = 0;
};

/// Adds the weights in their order and finishes. Errors name the weight.
[[nodiscard]] Result<std::vector<OnnxPlace>> placeWeights(OnnxModelFiles& files, std::span<const OnnxWeight> weights);

} // namespace qscope::engine
