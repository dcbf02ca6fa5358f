// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/selection.h"
#include "app/cli/table.h"
#include "engine/analysis/statistics.h"

namespace qscope::cli {

namespace {

struct StatsOptions {
    std::string path;
    std::vector<std::string> globs;
    int bins = 64;
};

Result<void> run(Environment& environment, const StatsOptions& options) {
    QSCOPE_TRY(const auto checkpoint, environment.openCheckpoint(options.path));
    QSCOPE_TRY(const auto selected, matchingTensors(*checkpoint, options.globs));
    QSCOPE_TRY(const auto context, environment.context());
    std::int64_t total = 0;
    for (const auto index : selected) total += engine::elementCount(checkpoint->tensors[index].shape);
    context.progress.total = total;
    environment.showProgress("Measuring");
    Json rows = Json::array();
    Table table({"tensor", "count", "min", "max", "mean", "std", "kurtosis", "max/mean", "outliers"});
    for (const auto index : selected) {
        const auto& tensor = checkpoint->tensors[index];
        if (!engine::canDecode(tensor.dtype)) {
            environment.notes().warn(fmt::format("left out: {} values cannot be read yet", engine::typeName(tensor)), tensor.name);
            continue;
        }
        auto computed = engine::computeStatistics(checkpoint->view(index), {.bins = options.bins}, context);
        if (!computed) return during(std::move(computed).error(), "tensor '" + tensor.name + "'");
        const auto& s = **computed;
        rows.push_back({{"name", tensor.name}, {"count", s.count}, {"min", s.min}, {"max", s.max}, {"mean", s.mean},
                        {"std", s.std}, {"absmax", s.absmax}, {"kurtosis", s.kurtosis}, {"max_to_mean", s.maxToMean},
                        {"zeros", s.zeros}, {"nan", s.nan}, {"inf", s.inf}, {"outliers", s.outliers},
                        {"histogram", {{"edges", s.histogram.edges}, {"counts", s.histogram.counts}}}});
        table.add({tensor.name, std::to_string(s.count), number(s.min), number(s.max), number(s.mean), number(s.std),
                   number(s.kurtosis), number(s.maxToMean), std::to_string(s.outliers)});
    }
    environment.print({{"tensors", std::move(rows)}}, table.text());
    return {};
}

} // namespace

void addStats(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("stats", "Statistics and histogram of every tensor");
    command->footer("Example:\n  qscope stats model.safetensors --tensor '*down_proj*' --bins 100");
    const auto options = std::make_shared<StatsOptions>();
    command->add_option("FILE", options->path, "Checkpoint file or folder")->required();
    command->add_option("--tensor", options->globs, "Only tensors whose name matches (* and ?); may be repeated");
    command->add_option("--bins", options->bins, "Bins of the histogram")->check(CLI::Range(1, 100'000))->capture_default_str();
    command->callback([options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

} // namespace qscope::cli
