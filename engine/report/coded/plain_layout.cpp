// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/coded/coded_layout.h"

namespace qscope::engine {

namespace {

const GridCodes& gridOf(const QuantizedTensor& tensor) { return std::get<GridCodes>(tensor.codes); }

/// The plain layout of README.md, of this program's own.
class PlainLayout final : public CodedLayout {
public:
    const ExporterInfo& info() const override { return m_info; }

    std::string misfit(const QuantizedTensor& outline, std::string_view) const override {
        const auto* codes = std::get_if<GridCodes>(&outline.codes);
        if (!codes) return describe(outline) + " is no uniform grid";
        if (!codes->columnGroup.empty()) return "act-order does not fit plain codes, whose groups are runs of columns";
        return {};
    }

    void addTensors(const Treated& treated, std::vector<TensorToWrite>& tensors) const override {
        const auto& [grid, grouping, values, order] = gridOf(*treated.outline);
        const Shape groups{grouping.groupsDown(), grouping.groupsAcross()};
        addTensor(tensors, treated, treated.name + ".codes", grid.symmetric ? DType::I8 : DType::U8, treated.outline->shape, CodedValues::All,
                  [](const QuantizedTensor& tensor) { return bytesOf(gridOf(tensor).values.codes); });
        addTensor(tensors, treated, treated.name + ".scales", dtypeOf(grid.scaleType), groups, CodedValues::Groups,
                  [](const QuantizedTensor& tensor) { return scalesOf(gridOf(tensor), false); });
        if (!grid.symmetric)
            addTensor(tensors, treated, treated.name + ".zeros", DType::U8, groups, CodedValues::Groups,
                      [](const QuantizedTensor& tensor) { return bytesOf(gridOf(tensor).values.zeros); });
    }

    Json config(std::span<const Treated>, const std::vector<std::string>&) const override { return {}; }

    Json inFile(std::span<const Treated> treated) const override {
        Json said = Json::object();
        for (const Treated& entry : treated) {
            const auto& [grid, grouping, values, order] = gridOf(*entry.outline);
            // One by one: names are known to be unique.
            said.get_ref<Json::object_t&>().emplace_back(
                entry.name, Json{{"bits", grid.bits}, {"symmetric", grid.symmetric}, {"group", {grouping.groupRows, grouping.groupColumns}}});
        }
        return said;
    }

private:
    ExporterInfo m_info{"safetensors-codes", "safetensors, plain codes", "safetensors",
                        "Codes, scales and zero points of any uniform grid, as tensors of their own in a plain layout that a few "
                        "lines of NumPy read. For grids that no other format holds.",
                        "this program and programs of your own: no serving program knows the layout", true};
};

} // namespace

std::unique_ptr<CodedLayout> makePlainLayout() { return std::make_unique<PlainLayout>(); }

} // namespace qscope::engine
