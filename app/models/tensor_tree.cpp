// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/models/tensor_tree.h"

#include <string_view>
#include <unordered_map>

namespace qscope {

namespace {

struct KeyHash {
    std::size_t operator()(const std::pair<int, std::string_view>& key) const {
        return std::hash<std::string_view>()(key.second) * 31 + static_cast<std::size_t>(key.first);
    }
};

/// Grows the tree name by name; finds a module again by (parent, part of the name).
class Builder {
public:
    explicit Builder(TensorTree& tree) : m_tree(tree) { m_tree.nodes.emplace_back(); }

    void addPath(std::string_view name, std::int64_t tensor) {
        int at = 0; // the root
        while (true) {
            const auto dot = name.find('.');
            if (dot == std::string_view::npos) break;
            at = module(at, name.substr(0, dot));
            name.remove_prefix(dot + 1);
        }
        addLeaf(at, name, tensor);
    }
    void addLeaf(int parent, std::string_view label, std::int64_t tensor) {
        const int node = append(parent, label);
        m_tree.nodes[static_cast<std::size_t>(node)].tensor = tensor;
        m_nodes.emplace(tensor, node);
    }
    /// A part below its weight, which comes before it in the file's order.
    void addPart(std::string_view name, std::int64_t tensor, std::int64_t weight) {
        const auto& whole = m_tree.checkpoint->tensors[static_cast<std::size_t>(weight)].name;
        const auto found = m_nodes.find(weight);
        if (name.starts_with(whole)) name.remove_prefix(std::min(name.size(), whole.size() + 1));
        addLeaf(found == m_nodes.end() ? 0 : found->second, name, tensor);
    }

private:
    int module(int parent, std::string_view label) {
        // The views point into the checkpoint's names, which the tree keeps alive.
        const auto [found, fresh] = m_modules.try_emplace({parent, label}, 0);
        if (fresh) found->second = append(parent, label);
        return found->second;
    }
    int append(int parent, std::string_view label) {
        const int node = static_cast<int>(m_tree.nodes.size());
        m_tree.nodes.push_back({std::string(label), parent, {}, -1, 0, 0, 0});
        m_tree.nodes[static_cast<std::size_t>(parent)].children.push_back(node);
        return node;
    }

    TensorTree& m_tree;
    std::unordered_map<std::int64_t, int> m_nodes; ///< of tensors
    std::unordered_map<std::pair<int, std::string_view>, int, KeyHash> m_modules;
};

/// Replaces modules with a single child by that child, their labels joined. A module's only "weight" needs no saying: the
/// panel is narrow, and the part that tells rows apart comes first.
void joinSingleChildren(TensorTree& tree) {
    for (std::size_t i = 0; i < tree.nodes.size(); ++i)
        for (int& child : tree.nodes[i].children)
            while (tree.nodes[static_cast<std::size_t>(child)].children.size() == 1 &&
                   tree.nodes[static_cast<std::size_t>(child)].tensor < 0) {
                auto& outer = tree.nodes[static_cast<std::size_t>(child)];
                const int inner = outer.children.front();
                outer.children.clear(); // no longer part of the tree
                auto& kept = tree.nodes[static_cast<std::size_t>(inner)];
                kept.label = kept.label == "weight" ? outer.label : outer.label + "." + kept.label;
                kept.parent = static_cast<int>(i);
                child = inner;
            }
}

void addUp(TensorTree& tree) {
    for (std::size_t leaf = 1; leaf < tree.nodes.size(); ++leaf) {
        const auto tensor = tree.nodes[leaf].tensor;
        if (tensor < 0) continue;
        const auto& info = tree.checkpoint->tensors[static_cast<std::size_t>(tensor)];
        if (!info.isWhole()) { // its weight counts
            tree.nodes[leaf].parameters = engine::elementCount(info.shape);
            tree.nodes[leaf].bytes = info.bytes;
            continue;
        }
        const auto parameters = engine::elementCount(info.shape);
        for (int at = static_cast<int>(leaf); at >= 0; at = tree.nodes[static_cast<std::size_t>(at)].parent) {
            auto& node = tree.nodes[static_cast<std::size_t>(at)];
            ++node.tensors;
            node.parameters += parameters;
            node.bytes += info.bytes;
        }
    }
}

} // namespace

std::shared_ptr<const TensorTree> buildTensorTree(std::shared_ptr<const engine::Checkpoint> checkpoint, bool grouped) {
    auto tree = std::make_shared<TensorTree>();
    tree->checkpoint = std::move(checkpoint);
    Builder builder(*tree);
    if (!tree->checkpoint) return tree;
    const auto& tensors = tree->checkpoint->tensors;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        if (tensors[i].partOf) builder.addPart(tensors[i].name, static_cast<std::int64_t>(i), *tensors[i].partOf);
        else if (grouped) builder.addPath(tensors[i].name, static_cast<std::int64_t>(i));
        else builder.addLeaf(0, tensors[i].name, static_cast<std::int64_t>(i));
    }
    if (grouped) joinSingleChildren(*tree);
    addUp(*tree);
    return tree;
}

} // namespace qscope
