// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/coded/coded_layout.h"

#include <algorithm>

namespace qscope::engine {

namespace {

const GridCodes& gridOf(const QuantizedTensor& tensor) { return std::get<GridCodes>(tensor.codes); }

class AwqLayout final : public CodedLayout {
public:
    const ExporterInfo& info() const override { return m_info; }

    std::string misfit(const QuantizedTensor& outline, std::string_view name) const override {
        if (std::string why = matrixMisfit(outline, name, "AWQ"); !why.empty()) return why;
        const auto* codes = std::get_if<GridCodes>(&outline.codes);
        if (!codes) return fmt::format("{} does not fit AWQ, which has integer codes", describe(outline));
        const auto& [grid, grouping, values, order] = *codes;
        if (grid.bits != 4) return fmt::format("a {}-bit grid does not fit AWQ, which has 4 bits", grid.bits);
        if (!order.empty()) return "act-order does not fit AWQ, whose groups are runs of columns";
        if (grid.scaleType != ScaleType::F16) return "scales that are not in half precision do not fit AWQ";
        if (grouping.groupRows != 1) return "scales for several outputs do not fit AWQ, which has one per output";
        if (grouping.columns % grouping.groupColumns != 0)
            return fmt::format("groups of {} do not fit AWQ, as {} columns are no whole number of them", grouping.groupColumns, grouping.columns);
        if (grouping.rows % 8 != 0) return fmt::format("{} outputs do not fit AWQ, which packs eight to a word", grouping.rows);
        return {};
    }

    std::string misfitTogether(std::span<const Treated> treated) const override {
        const auto size = [](const Treated& entry) { return gridOf(*entry.outline).grouping.groupColumns; };
        const bool whole = std::ranges::all_of(treated, [](const Treated& entry) { return wholeRows(gridOf(*entry.outline).grouping); });
        if (whole || std::ranges::all_of(treated, [&](const Treated& entry) { return size(entry) == size(treated.front()); })) return {};
        return "groups of several sizes do not fit AWQ, which has one size for all matrices; gptq, compressed-tensors hold them";
    }

    void addTensors(const Treated& treated, std::vector<TensorToWrite>& tensors) const override {
        const Grouping& grouping = gridOf(*treated.outline).grouping;
        const std::int64_t rows = grouping.rows, columns = grouping.columns, groups = grouping.groupsAcross();
        const std::string module = treated.module();
        addTensor(tensors, treated, module + ".qweight", DType::I32, {columns, rows / 8}, CodedValues::All, [=](const QuantizedTensor& tensor) {
            return wordsOf(awqCodes(rows, columns), gridOf(tensor).values.codes, fromZero(gridOf(tensor)));
        });
        addTensor(tensors, treated, module + ".qzeros", DType::I32, {groups, rows / 8}, CodedValues::Groups, [=](const QuantizedTensor& tensor) {
            return wordsOf(awqCodes(rows, groups), zerosFromZero(gridOf(tensor)), 0);
        });
        addTensor(tensors, treated, module + ".scales", DType::F16, {groups, rows}, CodedValues::Groups,
                  [](const QuantizedTensor& tensor) { return scalesOf(gridOf(tensor), true); });
    }

    Json config(std::span<const Treated> treated, const std::vector<std::string>& untreated) const override {
        const bool whole = std::ranges::all_of(treated, [](const Treated& entry) { return wholeRows(gridOf(*entry.outline).grouping); });
        return {{"quant_method", "awq"}, {"bits", 4},
                {"group_size", whole ? -1 : gridOf(*treated.front().outline).grouping.groupColumns},
                {"zero_point", true},    {"version", "gemm"},
                {"modules_to_not_convert", untreated.empty() ? Json() : Json(untreated)}};
    }

private:
    ExporterInfo m_info{"awq", "AWQ", "safetensors",
                        "4-bit codes in the \"gemm\" layout of AutoAWQ, with config.json.", "vLLM, Transformers, SGLang", true};
};

} // namespace

std::unique_ptr<CodedLayout> makeAwqLayout() { return std::make_unique<AwqLayout>(); }

} // namespace qscope::engine
