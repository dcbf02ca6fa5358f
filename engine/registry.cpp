// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/registry.h"

namespace qscope::engine {

std::string recognised(const Checkpoint& checkpoint, const Registries& registries) {
    const CheckpointReader* reader = registries.readers.find(checkpoint.format);
    return (reader ? reader->info().name : checkpoint.format) + ", " + summary(checkpoint);
}

Result<std::shared_ptr<const Checkpoint>> openCheckpoint(const std::filesystem::path& path, const Registries& registries,
                                                         Diagnostics& notes, const ReadLimits& limits) {
    std::error_code problem;
    const auto status = std::filesystem::status(path, problem);
    if (!std::filesystem::exists(status))
        return fail(ErrorCode::Io, "cannot open: {}", problem ? problem.message() : "no such file or folder");
    if (!std::filesystem::is_directory(status) && !std::filesystem::is_regular_file(status))
        return fail(ErrorCode::Io, "not a regular file");
    std::string known;
    for (const auto& reader : registries.readers.items()) {
        if (reader->recognises(path)) return reader->open(path, limits, notes);
        known += (known.empty() ? "" : ", ") + reader->info().name;
    }
    return fail(ErrorCode::Unsupported, "no known checkpoint format (known: {})", known.empty() ? "none" : known);
}

} // namespace qscope::engine
