// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/report/compare_report.h"

#include <filesystem>
#include <optional>
#include <string_view>

namespace qscope::engine {

/// What an exporter tells about itself.
struct ExporterInfo {
    std::string id;        ///< "gguf", "safetensors", "safetensors-codes"
    std::string name;      ///< "GGUF"
    std::string extension; ///< without the dot
    std::string summary;   ///< what is written
    std::string loadedBy = {}; ///< programs that load it: "llama.cpp, Ollama, LM Studio"
    bool shards = false;       ///< whether it can cut a large checkpoint into several files
};

/// How an export is to be written.
struct ExportOptions {
    std::uint64_t maximumShardBytes = 0; ///< of one file; larger checkpoints are cut into several, where the format does that. 0: one file
};

/// "5GB", "500 MB", "64KiB", "1000" (bytes); nothing for zero and for text of another form.
[[nodiscard]] std::optional<std::uint64_t> parseByteSize(std::string_view text);

/// What an export wrote and how it was checked.
struct ExportOutcome {
    std::uint64_t bytes = 0;
    std::size_t tensors = 0;
    std::size_t verified = 0; ///< tensors read back from the written file and found equal
};

/// Writes a checkpoint, with the tensors of `result` (may be null: none) in place of its own.
class Exporter {
public:
    virtual ~Exporter() = default;
    [[nodiscard]] virtual const ExporterInfo& info() const = 0;
    /// Unsupported, naming the property that does not fit, before any work.
    [[nodiscard]] virtual Result<void> accepts(const Checkpoint& source, const MethodResult* result) const = 0;
    /// Writes beside the target, opens what was written, compares every tensor with what was meant, then renames.
    [[nodiscard]] virtual Result<ExportOutcome> write(const Checkpoint& source, const MethodResult* result,
                                                      const std::filesystem::path& target, const RunContext& context,
                                                      const ExportOptions& options = {}) const = 0;
};

/// Results that no GGUF type holds exactly are refused.
[[nodiscard]] std::unique_ptr<Exporter> makeGgufExporter();
/// The same, with such results as plain values.
[[nodiscard]] std::unique_ptr<Exporter> makeGgufDequantizedExporter();
/// Weights as plain numbers in the source's type, where that holds them exactly, else in F32.
[[nodiscard]] std::unique_ptr<Exporter> makeSafetensorsExporter();
/// Codes, scales and zero points of any uniform grid, in a plain layout of this program's own.
[[nodiscard]] std::unique_ptr<Exporter> makeSafetensorsCodesExporter();
/// Integer weights behind DequantizeLinear nodes (formats.md, section 8.2). Weights of more than `externalAbove` bytes go
/// into a file beside the model: protobuf ends at 2 GiB.
[[nodiscard]] std::unique_ptr<Exporter> makeOnnxExporter(std::uint64_t externalAbove = std::uint64_t{3} << 29);
/// One tensor as a NumPy array, and any number of them as an archive of arrays. Types that NumPy lacks become F32 where it
/// holds them exactly; .npy refuses several tensors.
[[nodiscard]] std::unique_ptr<Exporter> makeNpyExporter();
[[nodiscard]] std::unique_ptr<Exporter> makeNpzExporter();
// Quantized matrices as other programs store them, each with its config.json (formats.md, sections 4 to 7). What is
// already coded moves over code by code.
[[nodiscard]] std::unique_ptr<Exporter> makeCompressedTensorsExporter();
[[nodiscard]] std::unique_ptr<Exporter> makeGptqExporter();
[[nodiscard]] std::unique_ptr<Exporter> makeGptq2Exporter();
[[nodiscard]] std::unique_ptr<Exporter> makeAwqExporter();
[[nodiscard]] std::unique_ptr<Exporter> makeBitsandbytesExporter();

} // namespace qscope::engine
