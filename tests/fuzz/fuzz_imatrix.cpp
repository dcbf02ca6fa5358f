// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/compute_backend.h"
#include "engine/checkpoint/importance_matrix.h"
#include "tests/fuzz/reader_property.h"
#include "tests/support/checkpoint_samples.h"

#include <unistd.h>

#include <cstdlib>

using namespace qscope;
using namespace qscope::engine;

namespace {

void hold(bool property) {
    if (!property) std::abort();
}

} // namespace

/// Any bytes are an importance matrix or are refused in one line; what opens gives the same weights after it was written
/// in GGUF and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const test::MemoryFile file({reinterpret_cast<const char*>(data), size});
    (void)isImportanceFile(file.path());
    const auto matrix = readImportance(file.path());
    if (!matrix) return test::checkError(matrix.error()), 0;
    static const std::string path = "/dev/shm/qscope-fuzz-imatrix-" + std::to_string(::getpid());
    static const auto backend = makeCpuBackend();
    Progress progress;
    Diagnostics notes;
    const RunContext context{{}, progress, notes, *backend};
    const auto written = writeImportance(path, *matrix, ImportanceForm::Gguf, context);
    if (!written) return hold(written.error().code != ErrorCode::Io), 0; // a name too long for GGUF
    const auto again = readImportance(path);
    std::filesystem::remove(path);
    hold(again && again->entries.size() == matrix->entries.size());
    for (std::size_t i = 0; i < matrix->entries.size(); ++i)
        hold(meanSquares(again->entries[i]) == meanSquares(matrix->entries[i]));
    return 0;
}
