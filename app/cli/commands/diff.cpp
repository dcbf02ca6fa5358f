// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/table.h"
#include "engine/analysis/metrics.h"
#include "engine/checkpoint/canonical.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace qscope::cli {

namespace {

/// Elements compared at a time: bounds memory whatever the size of a tensor.
constexpr std::int64_t kChunk = std::int64_t{1} << 22;

/// Tensors by canonical name, so that the same model in two formats lines up.
std::map<std::string, std::size_t> byCanonicalName(const engine::Checkpoint& checkpoint) {
    std::map<std::string, std::size_t> names;
    for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i)
        if (checkpoint.tensors[i].isWhole()) names.emplace(engine::canonicalName(checkpoint, checkpoint.tensors[i].name), i);
    return names;
}

Result<engine::ErrorSums> compareTensors(const engine::Checkpoint& a, std::size_t tensorA, const engine::Checkpoint& b,
                                         std::size_t tensorB, const RunContext& context) {
    QSCOPE_TRY(const auto viewA, engine::viewInLayout(a, tensorA, engine::RopeLayout::HalfSplit));
    QSCOPE_TRY(const auto viewB, engine::viewInLayout(b, tensorB, engine::RopeLayout::HalfSplit));
    const std::int64_t count = engine::elementCount(viewA.shape);
    std::vector<float> bufferA;
    std::vector<float> bufferB;
    engine::ErrorSums sums;
    for (std::int64_t first = 0; first < count; first += kChunk) {
        const auto length = static_cast<std::size_t>(std::min(kChunk, count - first));
        bufferA.resize(length);
        bufferB.resize(length);
        QSCOPE_CHECK(engine::decode(viewA, first, bufferA));
        QSCOPE_CHECK(engine::decode(viewB, first, bufferB));
        QSCOPE_TRY(const auto part, context.backend.errorSums(bufferA, bufferB, context));
        sums += part;
        context.progress.done += static_cast<std::int64_t>(length);
    }
    return sums;
}

Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

struct Difference {
    Json rows = Json::array();
    Json otherShape = Json::array();
    Json onlyInA = Json::array();
    Json onlyInB = Json::array();
    Table table{{"tensor", "relative MSE", "SQNR dB", "max error", "cosine"}};
};

Result<void> run(Environment& environment, const std::string& pathA, const std::string& pathB) {
    QSCOPE_TRY(const auto a, environment.openCheckpoint(pathA));
    QSCOPE_TRY(const auto b, environment.openCheckpoint(pathB));
    QSCOPE_TRY(const auto context, environment.context());
    auto namesB = byCanonicalName(*b);
    context.progress.total = engine::parameterCount(*a);
    environment.showProgress("Comparing");
    Difference difference;
    for (const auto& [name, tensorA] : byCanonicalName(*a)) {
        const auto other = namesB.find(name);
        if (other == namesB.end()) {
            difference.onlyInA.push_back(name);
            continue;
        }
        const std::size_t tensorB = other->second;
        namesB.erase(other);
        if (a->tensors[tensorA].shape != b->tensors[tensorB].shape) {
            difference.otherShape.push_back(name);
            continue;
        }
        auto sums = compareTensors(*a, tensorA, *b, tensorB, context);
        if (!sums) return during(std::move(sums).error(), "tensor '" + name + "'");
        const auto metrics = engine::metricsOf(*sums);
        difference.rows.push_back({{"name", name}, {"relative_mse", finite(metrics.relativeMse)}, {"sqnr_db", finite(metrics.sqnrDb)},
                                   {"max_error", finite(metrics.maxError)}, {"cosine", finite(metrics.cosine)}});
        difference.table.add({name, number(metrics.relativeMse), number(metrics.sqnrDb), number(metrics.maxError),
                              fmt::format("{:.6f}", metrics.cosine)});
    }
    for (const auto& entry : namesB) difference.onlyInB.push_back(entry.first);
    std::string text = difference.table.text();
    for (const auto& [what, names] : {std::pair{"other shape", &difference.otherShape}, std::pair{"only in A", &difference.onlyInA},
                                      std::pair{"only in B", &difference.onlyInB}})
        for (const auto& name : *names) text += fmt::format("{}: {}\n", what, name.get<std::string>());
    environment.print({{"tensors", std::move(difference.rows)}, {"other_shape", std::move(difference.otherShape)},
                       {"only_in_a", std::move(difference.onlyInA)}, {"only_in_b", std::move(difference.onlyInB)}},
                      text);
    return {};
}

} // namespace

void addDiff(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("diff", "How far the tensors of B are from those of A, across formats and names");
    command->footer("Example:\n  qscope diff model.safetensors model-q4_k.gguf");
    const auto a = std::make_shared<std::string>();
    const auto b = std::make_shared<std::string>();
    command->add_option("A", *a, "Reference checkpoint")->required();
    command->add_option("B", *b, "Checkpoint to compare with it")->required();
    command->callback([a, b, &chosen] { chosen = [a, b](Environment& environment) { return run(environment, *a, *b); }; });
}

} // namespace qscope::cli
