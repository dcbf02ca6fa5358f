// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_calibration/coverage_map.h"

#include "plugins/sdk/format.h"

#include <QObject>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

namespace qscope {

using engine::CoveredWeight;

namespace {

constexpr int kOutside = std::numeric_limits<int>::max(); // the row of weights outside the blocks comes last

/// Parts of modules' names in the order in which values pass through a block.
constexpr std::array<std::string_view, 21> kFlow{"c_attn",
                                                 "qkv",
                                                 "q_proj",
                                                 "query",
                                                 "k_proj",
                                                 "key",
                                                 "v_proj",
                                                 "value",
                                                 "receptance",
                                                 "attn.c_proj",
                                                 "o_proj",
                                                 "self_attn.out_proj",
                                                 "attention.output",
                                                 "in_proj",
                                                 "x_proj",
                                                 "dt_proj",
                                                 "gate",
                                                 "up_proj",
                                                 "fc1",
                                                 "c_fc",
                                                 "intermediate"};

std::ptrdiff_t placeInFlow(const std::string& module) {
    const auto isIn = [&](std::string_view part) { return module.find(part) != module.npos; };
    return std::ranges::find_if(kFlow, isIn) - kFlow.begin();
}

/// Whether the inputs of the module are the outputs of the heads, one after the other.
bool readsHeads(std::string_view module) {
    for (const std::string_view end :
         {"attn.o_proj", "attn.out_proj", "attn.c_proj", "attention.output.dense", "attention.dense"})
        if (module.ends_with(end)) return true;
    return false;
}

/// "mlp.up_proj" is "up", unless another module ends the same.
std::vector<QString> shortNames(const std::vector<std::string>& modules) {
    const auto lastOf = [](const std::string& module) {
        QString last = QString::fromStdString(module).section(QLatin1Char('.'), -1);
        if (last.endsWith(QLatin1String("_proj"))) last.chop(5);
        return last;
    };
    std::map<QString, int> uses;
    for (const std::string& module : modules) ++uses[lastOf(module)];
    std::vector<QString> names;
    for (const std::string& module : modules) {
        const QString last = lastOf(module);
        names.push_back(uses[last] == 1 ? last : QString::fromStdString(module).section(QLatin1Char('.'), -2));
    }
    return names;
}

void merge(CoverageCell& cell, const CoveredWeight& weight, std::int64_t first, std::int64_t count) {
    const std::int64_t tokens = weight.seen ? weight.seen->tokens : 0;
    if (!cell.weight || tokens < cell.tokens) {
        cell.weight = &weight;
        cell.tokens = tokens;
    }
    ++cell.weights;
    cell.firstChannel = first;
    if (!weight.seen) {
        ++cell.unreached;
        return;
    }
    const auto begin = weight.seen->channelMax.begin() + first;
    cell.channels += count;
    cell.silent += std::count(begin, begin + count, 0.0F);
}

/// Whether a weight has a place in this split, and across how many columns it lies.
std::int64_t columnsOf(const CoveredWeight& weight, CoverageSplit split, std::int64_t heads) {
    switch (split) {
    case CoverageSplit::Modules: return 1;
    case CoverageSplit::Experts: return weight.expert ? 1 : 0;
    case CoverageSplit::Heads: break;
    }
    const bool known = heads > 1 && readsHeads(weight.module);
    return known && (!weight.seen || weight.seen->channels % heads == 0) ? heads : 0;
}

} // namespace

CoverageMap coverageMap(const std::vector<CoveredWeight>& weights, CoverageSplit split, std::int64_t heads) {
    CoverageMap map{split, {}, {}, {}};
    std::set<int> layers, numbers;
    std::map<std::string, bool> outside; // by module
    for (const CoveredWeight& weight : weights) {
        layers.insert(weight.layer.value_or(kOutside)); // of all, so that the maps have the same rows
        outside[weight.module] = !weight.layer;
        const std::int64_t across = columnsOf(weight, split, heads);
        for (int i = 0; i < across; ++i) numbers.insert(split == CoverageSplit::Experts ? *weight.expert : i);
    }
    if (numbers.empty()) return map;
    std::vector<std::string> modules;
    for (const auto& [module, is] : outside) modules.push_back(module);
    std::ranges::sort(modules, {}, [&](const std::string& module) {
        return std::tuple(outside[module], placeInFlow(module), module);
    });
    if (split == CoverageSplit::Modules)
        map.columns = shortNames(modules);
    else
        for (const int number : numbers) map.columns.push_back(QString::number(number));
    for (const int layer : layers)
        map.rows.push_back(layer == kOutside ? QObject::tr("other") : QString::number(layer));
    map.cells.resize(map.rows.size() * map.columns.size());

    for (const CoveredWeight& weight : weights) {
        const std::int64_t across = columnsOf(weight, split, heads);
        if (across == 0) continue;
        const auto row = std::distance(layers.begin(), layers.find(weight.layer.value_or(kOutside)));
        const std::int64_t part = weight.seen ? weight.seen->channels / across : 0;
        for (std::int64_t i = 0; i < across; ++i) {
            auto column = static_cast<std::ptrdiff_t>(i);
            if (split == CoverageSplit::Modules) column = std::ranges::find(modules, weight.module) - modules.begin();
            if (split == CoverageSplit::Experts) column = std::distance(numbers.begin(), numbers.find(*weight.expert));
            merge(map.cells[static_cast<std::size_t>(row) * map.columns.size() + static_cast<std::size_t>(column)],
                  weight, i * part, part);
        }
    }
    return map;
}

std::vector<float> valuesOf(const CoverageMap& map, CoverageQuantity quantity) {
    std::vector<float> values;
    for (const CoverageCell& cell : map.cells) {
        const double value = !cell.weight                     ? -1.0
                             : cell.unreached == cell.weights ? std::nan("")
                             : quantity == CoverageQuantity::Tokens
                                 ? static_cast<double>(cell.tokens)
                                 : 100.0 * static_cast<double>(cell.silent) / static_cast<double>(cell.channels);
        values.push_back(static_cast<float>(value));
    }
    return values;
}

HeatmapInfo describeMap(const CoverageMap& map, CoverageQuantity quantity) {
    HeatmapInfo info;
    info.rows = static_cast<std::int64_t>(map.rows.size());
    info.columns = static_cast<std::int64_t>(map.columns.size());
    info.rowNames = map.rows;
    info.columnNames = map.columns;
    info.rowTitle = QObject::tr("Layer");
    info.columnTitle = map.split == CoverageSplit::Modules ? QObject::tr("Module")
                       : map.split == CoverageSplit::Heads ? QObject::tr("Attention head")
                                                           : QObject::tr("Expert");
    info.isSigned = false;
    info.limit = 0;
    for (const float value : valuesOf(map, quantity))
        if (std::isfinite(value)) info.limit = std::max(info.limit, static_cast<double>(value));
    std::int64_t silent = 0, unreached = 0;
    for (const CoverageCell& cell : map.cells) {
        silent += cell.silent;
        unreached += cell.unreached;
    }
    QStringList notes;
    if (quantity == CoverageQuantity::Silent)
        notes << (silent == 0 ? QObject::tr("None is silent") : QObject::tr("%1 silent").arg(formatInteger(silent)));
    if (unreached > 0) notes << QObject::tr("%1 saw no token").arg(formatInteger(unreached));
    info.note = notes.join(QStringLiteral(", "));
    info.valueTitle = quantity == CoverageQuantity::Tokens ? QObject::tr("Tokens") : QObject::tr("Silent (%)");
    if (info.limit <= 0) info.limit = 1;
    return info;
}

QString readoutOf(const CoverageMap& map, std::int64_t row, std::int64_t column) {
    const CoverageCell& cell = map.at(row, column);
    if (!cell.weight) return {};
    QStringList lines;
    const QString module = QString::fromStdString(cell.weight->module);
    lines << (cell.weight->layer ? QObject::tr("Layer %1, %2").arg(QString::number(*cell.weight->layer), module)
                                 : module);
    if (map.split != CoverageSplit::Modules)
        lines.back() += map.split == CoverageSplit::Heads
                            ? QObject::tr(", head %1").arg(map.columns[static_cast<std::size_t>(column)])
                            : QObject::tr(", expert %1").arg(map.columns[static_cast<std::size_t>(column)]);
    if (cell.unreached > 0)
        lines << (cell.weights == 1
                      ? QObject::tr("No token reached it")
                      : QObject::tr("%1 of %2 weights saw no token").arg(cell.unreached).arg(cell.weights));
    if (cell.unreached == cell.weights) return lines.join(QLatin1Char('\n'));
    lines << (cell.weights == 1 ? QObject::tr("%1 tokens") : QObject::tr("%1 tokens at least"))
                 .arg(formatInteger(cell.tokens));
    lines << QObject::tr("%1 of %2 channels silent (%3 %)")
                 .arg(formatInteger(cell.silent), formatInteger(cell.channels),
                      QString::number(100.0 * static_cast<double>(cell.silent) / static_cast<double>(cell.channels),
                                      'f', 1));
    if (cell.weight->seen && cell.weight->seen->tokens < cell.weight->seen->channels)
        lines << QObject::tr("Fewer tokens than its %1 inputs").arg(formatInteger(cell.weight->seen->channels));
    return lines.join(QLatin1Char('\n'));
}

} // namespace qscope
