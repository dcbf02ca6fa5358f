// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/registry.h"

#include "engine/quant/pipeline.h"

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

Result<std::shared_ptr<const QuantMethod>> findMethod(const Registries& registries, std::string_view id) {
    std::vector<const QuantMethod*> steps;
    for (const std::string& step : stepsOf(id)) {
        steps.push_back(registries.methods.find(step));
        if (steps.back()) continue;
        std::vector<std::string> known;
        for (const auto& method : registries.methods.items()) known.push_back(method->info().id);
        return fail(ErrorCode::OutOfRange, "method '{}' is unknown, there are {}", step, fmt::join(known, ", "));
    }
    if (steps.size() == 1) return std::shared_ptr<const QuantMethod>(std::shared_ptr<void>(), steps.front());
    QSCOPE_TRY(auto chain, Pipeline::of(std::move(steps)));
    return chain;
}

} // namespace qscope::engine
