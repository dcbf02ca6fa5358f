// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/json_printer.h"
#include "app/cli/selection.h"
#include "app/cli/table.h"
#include "engine/analysis/statistics.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace qscope::cli {

namespace {

struct StatsOptions {
    std::string path;
    std::vector<std::string> globs;
    int bins = 64;
};

/// What the table shows of one tensor.
struct Row {
    std::size_t tensor;
    std::int64_t count, outliers;
    double min, max, mean, std, kurtosis, maxToMean;
};

/// Text that is kept on disk until all of it is there: a histogram takes more room than many a tensor.
class Spool {
public:
    static Result<Spool> make() {
        Spool spool;
        if (!spool.m_file) return fail(ErrorCode::Io, "cannot make a temporary file: {}", std::strerror(errno));
        return spool;
    }
    [[nodiscard]] std::FILE* file() const { return m_file.get(); }
    [[nodiscard]] Result<void> print() const {
        std::rewind(file());
        std::array<char, 1 << 16> piece;
        for (std::size_t read = 0; (read = std::fread(piece.data(), 1, piece.size(), file())) > 0;) std::fwrite(piece.data(), 1, read, stdout);
        if (std::ferror(file()) != 0) return fail(ErrorCode::Io, "cannot use a temporary file");
        return {};
    }

private:
    struct Close {
        void operator()(std::FILE* open) const { std::fclose(open); }
    };
    std::unique_ptr<std::FILE, Close> m_file{std::tmpfile()};
};

Json documentOf(const std::string& name, const engine::TensorStatistics& s) {
    return {{"name", name}, {"count", s.count}, {"min", s.min}, {"max", s.max}, {"mean", s.mean},
            {"std", s.std}, {"absmax", s.absmax}, {"kurtosis", s.kurtosis}, {"max_to_mean", s.maxToMean},
            {"zeros", s.zeros}, {"nan", s.nan}, {"inf", s.inf}, {"outliers", s.outliers},
            {"histogram", {{"edges", s.histogram.edges}, {"counts", s.histogram.counts}}}};
}

Result<void> run(Environment& environment, const StatsOptions& options) {
    QSCOPE_TRY(const auto checkpoint, environment.openCheckpoint(options.path));
    QSCOPE_TRY(const auto selected, matchingTensors(*checkpoint, options.globs));
    QSCOPE_TRY(const auto context, environment.context());
    std::int64_t total = 0;
    for (const auto index : selected) total += engine::elementCount(checkpoint->tensors[index].shape);
    context.progress.total = total;
    environment.showProgress("Measuring");
    QSCOPE_TRY(const Spool spool, Spool::make());
    JsonPrinter json(spool.file());
    json.open('{');
    json.key("tensors"), json.open('[');
    std::vector<Row> rows;
    for (const auto index : selected) {
        const auto& tensor = checkpoint->tensors[index];
        if (!engine::canDecode(tensor.dtype)) {
            environment.notes().warn(fmt::format("left out: {} values cannot be read yet", engine::typeName(tensor)), tensor.name);
            continue;
        }
        auto computed = engine::computeStatistics(checkpoint->view(index), {.bins = options.bins, .extremes = 0, .quantiles = 0, .lines = false}, context);
        if (!computed) return during(std::move(computed).error(), "tensor '" + tensor.name + "'");
        const auto& s = **computed;
        if (environment.options().json) json.value(documentOf(tensor.name, s));
        else rows.push_back({index, s.count, s.outliers, s.min, s.max, s.mean, s.std, s.kurtosis, s.maxToMean});
    }
    json.close();
    json.close();
    if (environment.options().json) return spool.print();
    printTable({"tensor", "count", "min", "max", "mean", "std", "kurtosis", "max/mean", "outliers"}, rows.size(),
               [&](std::size_t i) -> std::vector<std::string> {
                   const Row& row = rows[i];
                   return {shown(checkpoint->tensors[row.tensor].name), std::to_string(row.count), number(row.min), number(row.max), number(row.mean),
                           number(row.std), number(row.kurtosis), number(row.maxToMean), std::to_string(row.outliers)};
               });
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
