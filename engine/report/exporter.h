// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/report/compare_report.h"

#include <filesystem>

namespace qscope::engine {

/// What an exporter tells about itself.
struct ExporterInfo {
    std::string id;        ///< "gguf", "safetensors", "safetensors-codes"
    std::string name;      ///< "GGUF"
    std::string extension; ///< without the dot
    std::string summary;   ///< what is written and who loads it
};

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
                                                      const std::filesystem::path& target,
                                                      const RunContext& context) const = 0;
};

/// Results that no GGUF type holds exactly are refused.
[[nodiscard]] std::unique_ptr<Exporter> makeGgufExporter();
/// The same, with such results as plain values.
[[nodiscard]] std::unique_ptr<Exporter> makeGgufDequantizedExporter();
/// Weights as plain numbers in the source's type, where that holds them exactly, else in F32.
[[nodiscard]] std::unique_ptr<Exporter> makeSafetensorsExporter();
/// Integer codes, scales and zero points (formats.md, section 4, int-quantized and pack-quantized).
[[nodiscard]] std::unique_ptr<Exporter> makeSafetensorsCodesExporter();

} // namespace qscope::engine
