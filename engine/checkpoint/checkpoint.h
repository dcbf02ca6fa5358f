// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/metadata.h"
#include "engine/core/mapped_file.h"
#include "engine/core/model_sizes.h"
#include "engine/tensor/tensor.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace qscope::engine {

/// One tensor, and where it lies: bytes [offset, offset + bytes) of `Checkpoint::files[file]`. A Coded one lies where
/// its source says; a weight in several parts is listed whole, with the bytes of all its parts, and then part by part.
struct TensorInfo {
    std::string name;
    DType dtype = DType::F32;
    Shape shape;
    std::size_t file = 0;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::shared_ptr<const TensorSource> source = nullptr; ///< of a Coded tensor
    std::string form = {};                                ///< how a Coded tensor is stored, for people: "GPTQ, 4 bit, groups of 128"
    std::optional<std::uint32_t> partOf = std::nullopt;   ///< index of the weight whose codes, scales or zero points this is

    /// Whether the tensor counts as itself: not a view of a part of another.
    [[nodiscard]] bool isWhole() const { return !partOf; }
};

/// The type as people read it: "BF16", "Q4_K", or a Coded tensor's form.
[[nodiscard]] std::string_view typeName(const TensorInfo& tensor);

/// How a format orders the rows of the query and key matrices for rotary embedding (formats.md, 1.1).
enum class RopeLayout : std::uint8_t { HalfSplit, Interleaved };

/// The names a checkpoint uses for the parts of a language model.
enum class Naming : std::uint8_t { Other, HuggingFace, Gguf };

/// An opened checkpoint: a catalogue over mapped files; weights stay in the files. Immutable once built.
struct Checkpoint {
    std::filesystem::path path;
    std::string format;       ///< id of the reader: "safetensors", "gguf", "llama2c"
    std::string architecture; ///< "llama", or empty when the file does not say
    Naming naming = Naming::Other;
    RopeLayout ropeLayout = RopeLayout::HalfSplit;
    std::optional<ModelConfig> config;
    Metadata metadata;
    std::vector<std::shared_ptr<const MappedFile>> files;
    std::vector<TensorInfo> tensors;
    std::vector<std::uint32_t> byName; ///< indices of `tensors`, ascending by name; readers fill it, `find` is linear without it

    [[nodiscard]] TensorView view(std::size_t tensor) const;
    [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
};

/// What was recognised, in one line: "llama, 5768448 parameters in 56 tensors: 43 BF16, 13 F32".
[[nodiscard]] std::string summary(const Checkpoint& checkpoint);

/// Elements of all whole tensors together.
[[nodiscard]] std::int64_t parameterCount(const Checkpoint& checkpoint);
/// Stored bytes of all whole tensors together.
[[nodiscard]] std::uint64_t storedBytes(const Checkpoint& checkpoint);

/// The block a tensor belongs to ("model.layers.3.mlp..." and "blk.3...." are 3), or nothing outside the blocks.
[[nodiscard]] std::optional<int> layerIndex(std::string_view tensorName);
/// The name without its layer: "model.layers.3.mlp.up_proj.weight" gives "mlp.up_proj".
[[nodiscard]] std::string moduleName(std::string_view tensorName);

/// `*` any run of characters, `?` one, `|` alternatives: "*.q_proj.*|*.k_proj.*".
[[nodiscard]] bool matchesGlob(std::string_view name, std::string_view pattern);

} // namespace qscope::engine
