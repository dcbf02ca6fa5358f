// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/pickle.h"
#include "engine/core/dtype.h"

#include <string>
#include <unordered_map>

namespace qscope::engine {

/// A storage as the pickle names it: ("storage", type, key, location, elements[, (view key, first, elements)]).
struct StorageName {
    DType dtype = DType::F32;
    std::string key;
    std::int64_t elements = 0;
    std::int64_t viewFirst = 0;    ///< of the part that is meant
    std::int64_t viewElements = 0;
};

/// Nothing when the value is no tuple of a storage's kind; Malformed when it is one with impossible numbers.
[[nodiscard]] Result<std::optional<StorageName>> storageName(const Pickle& pickle, const PickleValue& value);

/// Bytes of the file.
struct FileRange {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
};

/// A storage of the tar form, where the pickle gives only a key.
struct KeyedStorage {
    DType dtype = DType::F32;
    FileRange range;
};

/// A tensor of the tar form, likewise.
struct KeyedTensor {
    std::string storage;
    std::vector<std::int64_t> shape;
    std::vector<std::int64_t> strides;
    std::int64_t offset = 0; ///< elements
};

/// The parts of a PyTorch checkpoint, whichever of the three forms it has: the saved object, and where its storages lie.
struct TorchFile {
    Pickle object;
    std::unordered_map<std::string, FileRange> storages;
    std::unordered_map<std::string, KeyedStorage> keyedStorages;
    std::unordered_map<std::string, KeyedTensor> keyedTensors;
    std::vector<std::byte> unpacked; ///< the pickle, when it was deflated
};

/// Whether the first bytes (512 suffice) are those of the legacy or the tar form.
[[nodiscard]] bool looksLikeLegacyTorch(std::span<const std::byte> start);
[[nodiscard]] bool looksLikeTarTorch(std::span<const std::byte> start);

/// `object` and `storages` point into `file`. See formats.md, section 10.
[[nodiscard]] Result<TorchFile> readTorchFile(std::span<const std::byte> file, MemoryBudget& budget, const ReadLimits& limits);

} // namespace qscope::engine
