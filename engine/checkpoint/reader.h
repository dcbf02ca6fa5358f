// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/core/diagnostics.h"
#include "engine/core/read_limits.h"

#include <memory>
#include <string>
#include <vector>

namespace qscope::engine {

/// What a reader tells about itself.
struct ReaderInfo {
    std::string id;                      ///< "gguf"
    std::string name;                    ///< "GGUF"
    std::vector<std::string> extensions; ///< without the dot, for file dialogues: {"gguf"}
};

/// Opens one checkpoint format, header first: no weight is read.
class CheckpointReader {
public:
    virtual ~CheckpointReader() = default;
    [[nodiscard]] virtual const ReaderInfo& info() const = 0;
    /// Looks at the name and the first bytes only (a folder: at its file names).
    [[nodiscard]] virtual bool recognises(const std::filesystem::path& path) const = 0;
    /// Malformed or Unsupported for a bad file, with one line that says what and where.
    [[nodiscard]] virtual Result<std::shared_ptr<const Checkpoint>>
    open(const std::filesystem::path& path, const ReadLimits& limits, Diagnostics& notes) const = 0;
};

[[nodiscard]] std::unique_ptr<CheckpointReader> makeSafetensorsReader();
/// The same file format, with quantized weights left as the tensors they are stored in: to check what was written.
[[nodiscard]] std::unique_ptr<CheckpointReader> makeStoredSafetensorsReader();
[[nodiscard]] std::unique_ptr<CheckpointReader> makeGgufReader();
[[nodiscard]] std::unique_ptr<CheckpointReader> makeStoredGgufReader(); ///< likewise: NVFP4's scales stay beside their blocks
[[nodiscard]] std::unique_ptr<CheckpointReader> makeLlama2cReader();
[[nodiscard]] std::unique_ptr<CheckpointReader> makeGgmfReader();
[[nodiscard]] std::unique_ptr<CheckpointReader> makeNpyReader();
[[nodiscard]] std::unique_ptr<CheckpointReader> makePytorchReader();
[[nodiscard]] std::unique_ptr<CheckpointReader> makeOnnxReader();
/// Tokenizer files by themselves: tokenizer.json, SentencePiece models, llama2.c vocabularies.
[[nodiscard]] std::unique_ptr<CheckpointReader> makeTokenizerReader();

} // namespace qscope::engine
