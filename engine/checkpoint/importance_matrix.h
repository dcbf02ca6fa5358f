// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/core/read_limits.h"
#include "engine/core/run_context.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace qscope::engine {

// Importance matrices: how large the inputs of each weight were over a text, measured by llama-imatrix. Two forms of file
// (formats.md, section 1.4): GGUF, and an older one of its own, usually named .dat.

enum class ImportanceForm : std::uint8_t { Gguf, Legacy };

/// The inputs of one weight, or of a stack of matrices (experts), each with a count of its own.
struct ImportanceEntry {
    std::string name;          ///< of the weight, in GGUF's words: "blk.0.ffn_up.weight"
    std::vector<float> sums;   ///< of the squares of each input feature, matrix after matrix; finite, from 0
    std::vector<float> counts; ///< per matrix: tokens (legacy form: calls, and one count for all); finite, from 0
};

struct ImportanceMatrix {
    std::filesystem::path path;
    ImportanceForm form = ImportanceForm::Gguf;
    std::vector<std::string> datasets; ///< files that were read
    std::uint32_t chunks = 0;
    std::uint32_t chunkTokens = 1;     ///< legacy: 1, as its counts are calls
    std::vector<ImportanceEntry> entries; ///< by name, ascending
};

/// Whether the file holds an importance matrix and no model: GGUF that says so, or a legacy file that is well-formed and
/// named .dat or .imatrix.
[[nodiscard]] bool isImportanceFile(const std::filesystem::path& path);

/// Malformed or Unsupported with one line for a bad file.
[[nodiscard]] Result<ImportanceMatrix> readImportance(const std::filesystem::path& path, const ReadLimits& limits = {});

/// Writes atomically. The legacy form leaves out entries without any count, with a note.
[[nodiscard]] Result<void> writeImportance(const std::filesystem::path& path, const ImportanceMatrix& matrix,
                                           ImportanceForm form, const RunContext& context);

/// Mean squares per column, matrix after matrix; 1 throughout a matrix that was never used.
[[nodiscard]] std::vector<float> meanSquares(const ImportanceEntry& entry);

/// The entry of a weight, or null.
[[nodiscard]] const ImportanceEntry* find(const ImportanceMatrix& matrix, std::string_view weight);

/// The entry that belongs to a tensor of the checkpoint, under its own name or its name in GGUF, or null.
[[nodiscard]] const ImportanceEntry* importanceOf(const ImportanceMatrix& matrix, const Checkpoint& checkpoint,
                                                  std::size_t tensor);

/// OutOfRange when an entry has neither one value per column nor one per column of each matrix of the stack.
[[nodiscard]] Result<void> checkImportance(const ImportanceEntry& entry, const Shape& shape);

} // namespace qscope::engine
