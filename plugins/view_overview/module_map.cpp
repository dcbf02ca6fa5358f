// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_overview/module_map.h"

#include <QObject>
#include <QStringList>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace qscope {

namespace {

// Beyond so many, modules outside the blocks share a column: they are one row, and would squeeze the others.
constexpr std::size_t kMostOutside = 24;
constexpr int kOutside = std::numeric_limits<int>::max();

/// Parts of modules' names in the order in which values pass through a block, in the namings of Hugging Face and GGUF.
constexpr std::array<std::string_view, 33> kFlow{"c_attn",
                                                 "qkv",
                                                 "q_proj",
                                                 "attn_q.",
                                                 "query",
                                                 "k_proj",
                                                 "attn_k.",
                                                 "key",
                                                 "v_proj",
                                                 "attn_v.",
                                                 "value",
                                                 "attn.c_proj",
                                                 "o_proj",
                                                 "attn_output",
                                                 "self_attn.out_proj",
                                                 "attention.output",
                                                 "in_proj",
                                                 "x_proj",
                                                 "dt_proj",
                                                 "router",
                                                 "gate_inp",
                                                 "mlp.gate.",
                                                 "gate",
                                                 "ffn_up",
                                                 "up_proj",
                                                 "fc1",
                                                 "c_fc",
                                                 "intermediate",
                                                 "ffn_down",
                                                 "down_proj",
                                                 "fc2",
                                                 "mlp.c_proj",
                                                 "output.dense"};

/// Where a module stands among the columns: known weights by the flow, norms behind them, then biases.
int placeInFlow(const std::string& module) {
    const std::string dotted = module + ".";
    const bool norm = module.find("norm") != module.npos || module.find("ln_") != module.npos;
    const bool bias = module.ends_with(" bias");
    const auto found =
        std::ranges::find_if(kFlow, [&](std::string_view part) { return dotted.find(part) != dotted.npos; });
    const auto place = static_cast<int>(norm ? kFlow.size() + 1 : static_cast<std::size_t>(found - kFlow.begin()));
    return place + (bias ? 100 : 0);
}

/// A tensor's place by its name.
struct Place {
    std::string stack; ///< what stands before the layer's number: a model may have an encoder and a decoder
    int layer = kOutside;
    std::string module;
};

Place placeOf(const std::string& name) {
    Place place{{}, kOutside, engine::moduleName(name)};
    if (const auto layer = engine::layerIndex(name)) {
        place.layer = *layer;
        const auto at = ("." + name).find("." + std::to_string(*layer) + ".");
        if (at != std::string::npos) place.stack = name.substr(0, at);
    }
    constexpr std::string_view kExperts = "experts.";
    if (const auto at = place.module.find(kExperts); at != std::string::npos) {
        const auto begin = at + kExperts.size();
        const auto end = std::min(place.module.find_first_not_of("0123456789", begin), place.module.size());
        if (end > begin) place.module.replace(begin, end - begin, "*");
    }
    if (name.ends_with(".bias")) place.module += " bias";
    return place;
}

/// "self_attn.q_proj" is "q", "ffn_up" is "up"; as many parts of the name as tell it from the others.
std::vector<QString> shortNames(const std::vector<std::string>& modules) {
    const auto lastParts = [](const std::string& module, int parts) {
        QString name = QString::fromStdString(module).section(QLatin1Char('.'), -parts);
        name.replace(QLatin1String("_proj"), QString()).replace(QLatin1String("layernorm"), QLatin1String("norm"));
        for (const auto* prefix : {"attn_", "ffn_"})
            if (name.startsWith(QLatin1String(prefix)) && !name.endsWith(QLatin1String("norm")))
                name.remove(0, static_cast<qsizetype>(std::string_view(prefix).size()));
        return name == QLatin1String("output") && module.starts_with("attn_") ? QStringLiteral("o") : name;
    };
    constexpr int kMostParts = 4;
    std::vector<QString> names(modules.size());
    for (int parts = 1; parts <= kMostParts; ++parts) {
        std::map<QString, int> uses;
        for (const auto& module : modules) ++uses[lastParts(module, parts)];
        for (std::size_t i = 0; i < modules.size(); ++i) {
            const QString name = lastParts(modules[i], parts);
            if (names[i].isEmpty() && uses[name] == 1) names[i] = name;
        }
    }
    for (std::size_t i = 0; i < modules.size(); ++i)
        if (names[i].isEmpty()) names[i] = QString::fromStdString(modules[i]);
    return names;
}

/// "model.encoder.layers." is "encoder".
QString stackName(const std::string& stack) {
    QStringList parts = QString::fromStdString(stack).split(QLatin1Char('.'), Qt::SkipEmptyParts);
    static const QStringList kGeneric{"layers", "layer", "blocks", "block", "blk", "h"};
    while (parts.size() > 1 && kGeneric.contains(parts.back())) parts.removeLast();
    return parts.isEmpty() ? QString() : parts.back();
}

} // namespace

const MapCell* ModuleMap::at(std::int64_t row, std::int64_t column) const {
    const auto found = std::ranges::lower_bound(cells, std::pair(row, column), {},
                                                [](const MapCell& cell) { return std::pair(cell.row, cell.column); });
    return found != cells.end() && found->row == row && found->column == column ? &*found : nullptr;
}

ModuleMap moduleMap(const engine::Checkpoint& checkpoint) {
    std::vector<std::pair<std::size_t, Place>> places;
    std::unordered_map<std::string, std::size_t> stacks, modules; // in the order of appearance
    std::vector<bool> inBlocks;                                   // by module
    std::size_t outside = 0;
    for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
        if (!checkpoint.tensors[i].isWhole()) continue;
        Place place = placeOf(checkpoint.tensors[i].name);
        const bool inside = place.layer != kOutside;
        if (inside)
            stacks.try_emplace(place.stack, stacks.size());
        else if (!modules.contains(place.module) && ++outside > kMostOutside)
            place.module = "…";
        const auto [module, isNew] = modules.try_emplace(place.module, modules.size());
        if (isNew)
            inBlocks.push_back(inside);
        else if (inside)
            inBlocks[module->second] = true;
        places.emplace_back(i, std::move(place));
    }

    // Columns: those of the blocks by the flow, then those that only the outside has.
    std::vector<std::string> ordered(modules.size());
    for (const auto& [name, index] : modules) ordered[index] = name;
    std::ranges::stable_sort(ordered, {}, [&](const std::string& name) {
        const std::size_t index = modules.at(name);
        return std::tuple(!inBlocks[index], inBlocks[index] ? placeInFlow(name) : 0, index);
    });
    std::unordered_map<std::string, std::int64_t> columnOf;
    for (const auto& name : ordered) columnOf[name] = static_cast<std::int64_t>(columnOf.size());

    std::map<std::tuple<std::size_t, int>, std::int64_t> rowOf; // stack and layer; the outside comes last
    const auto rowKey = [&](const Place& place) {
        return place.layer == kOutside ? std::tuple(stacks.size(), kOutside)
                                       : std::tuple(stacks.at(place.stack), place.layer);
    };
    for (const auto& [tensor, place] : places) rowOf[rowKey(place)] = 0;
    std::vector<QString> stackNames(stacks.size());
    for (const auto& [stack, index] : stacks) stackNames[index] = stackName(stack);

    ModuleMap map;
    map.columns = shortNames(ordered);
    for (auto& [key, row] : rowOf) {
        row = static_cast<std::int64_t>(map.rows.size());
        const auto [stack, layer] = key;
        if (layer == kOutside)
            map.rows.push_back(QObject::tr("outside"));
        else
            map.rows.push_back(stacks.size() > 1 ? QStringLiteral("%1 %2").arg(stackNames[stack]).arg(layer)
                                                 : QString::number(layer));
    }
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::size_t>> fields;
    for (const auto& [tensor, place] : places) fields[{rowOf[rowKey(place)], columnOf[place.module]}].push_back(tensor);
    map.cellOf.assign(checkpoint.tensors.size(), -1);
    for (auto& [at, tensors] : fields) {
        for (const std::size_t tensor : tensors) map.cellOf[tensor] = static_cast<std::int64_t>(map.cells.size());
        map.cells.push_back({at.first, at.second, std::move(tensors)});
    }
    return map;
}

} // namespace qscope
