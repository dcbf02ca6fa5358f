// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/report/coded/coded_layout.h"
#include "engine/report/safetensors_target.h"
namespace qscope::engine {

namespace {

/// One treated tensor: where it stands in the source and what became of it.
struct PlainTreated {
    std::size_t index = 0;
    const QuantizedTensor* quantized = nullptr;
    const GridCodes* grid = nullptr;
};

/// Codes, scales and zero points of one tensor as arrays, rows in the target's rotary order.
struct CodeParts {
    TensorView codes; ///< U8, the tensor's shape; two's complement when the grid is symmetric
    TensorView scales; ///< [groups down, groups across], F32 or F16
    TensorView zeros; ///< U8, as the scales; empty when the grid is symmetric
};

TensorView bytesTensor(Shape shape, const std::vector<std::uint8_t>& values) {
    const auto bytes = std::as_bytes(std::span(values));
    return makeTensor(DType::U8, std::move(shape), {bytes.begin(), bytes.end()});
}

Result<CodeParts> partsOf(const Checkpoint& source, const PlainTreated& treated) {
    const auto& [grid, grouping, values, order] = *treated.grid;
    const Shape groups{grouping.groupsDown(), grouping.groupsAcross()};
    CodeParts parts{bytesTensor(treated.quantized->shape, values.codes), makeTensor(groups, values.scales), {}};
    if (grid.scaleType == ScaleType::F16) parts.scales = narrowed(parts.scales, DType::F16);
    if (!grid.symmetric) parts.zeros = bytesTensor(groups, values.zeros);
    const RopeLayout layout = safetensorsLayout(source);
    QSCOPE_TRY(parts.codes, inRopeOrder(source, treated.index, parts.codes, layout));
    if (grouping.groupRows > 1) return parts; // one scale for all rows, whatever their order
    QSCOPE_TRY(parts.scales, inRopeOrder(source, treated.index, parts.scales, layout));
    QSCOPE_TRY(parts.zeros, inRopeOrder(source, treated.index, parts.zeros, layout)); // none stays none
    return parts;
}

TensorView asSigned(TensorView view) {
    view.dtype = DType::I8;
    return view;
}

/// Adds a tensor that is made from the parts when its turn comes; `make` tells its type and shape beforehand, on parts
/// without contents.
class Entries {
public:
    Entries(const Checkpoint& source, std::vector<TensorToWrite>& tensors) : m_source(source), m_tensors(tensors) {}

    template<class Make>
    void add(const PlainTreated& treated, std::string name, DType type, Shape shape, Make make) {
        m_tensors.push_back({std::move(name), type, std::move(shape), [&source = m_source, treated, make]() -> Result<TensorView> {
                                 QSCOPE_TRY(const auto parts, partsOf(source, treated));
                                 return make(parts);
                             }});
    }

private:
    const Checkpoint& m_source;
    std::vector<TensorToWrite>& m_tensors;
};

/// The entries of one tensor in the plain layout of README.md, and what the file's metadata says about it.
Json addPlain(Entries& entries, const PlainTreated& treated, const std::string& name) {
    const auto& [grid, grouping, values, order] = *treated.grid;
    const Shape groups{grouping.groupsDown(), grouping.groupsAcross()};
    const bool isSigned = grid.symmetric;
    entries.add(treated, name + ".codes", isSigned ? DType::I8 : DType::U8, treated.quantized->shape,
                [isSigned](const CodeParts& parts) { return isSigned ? asSigned(parts.codes) : parts.codes; });
    entries.add(treated, name + ".scales", grid.scaleType == ScaleType::F16 ? DType::F16 : DType::F32, groups,
                [](const CodeParts& parts) { return parts.scales; });
    if (!isSigned)
        entries.add(treated, name + ".zeros", DType::U8, groups, [](const CodeParts& parts) { return parts.zeros; });
    return {{"bits", grid.bits}, {"symmetric", isSigned}, {"group", {grouping.groupRows, grouping.groupColumns}}};
}

class CodesExporter final : public Exporter {
public:
    const ExporterInfo& info() const override { return m_info; }

    Result<void> accepts(const Checkpoint& source, const MethodResult* result) const override {
        if (!result) return fail(ErrorCode::Unsupported, "codes are those of a method's result, and none is chosen");
        QSCOPE_TRY(const auto replaced, replacements(source, result));
        QSCOPE_CHECK(safetensorsTranslation(source).check(replaced));
        for (std::size_t i = 0; i < replaced.size(); ++i) {
            const TensorInfo& tensor = source.tensors[i];
            if (!tensor.isWhole()) continue;
            const auto refuse = [&](std::string_view why) {
                return fail(ErrorCode::Unsupported, "tensor '{}': {}", printable(tensor.name), why);
            };
            if (!replaced[i]) {
                if (!safetensorsHolds(tensor.dtype) && !canDecode(tensor.dtype))
                    return refuse(fmt::format("safetensors has no type for {}", qscope::info(tensor.dtype).name));
                continue;
            }
            const auto* grid = std::get_if<GridCodes>(&replaced[i]->codes);
            if (!grid) return refuse(describe(*replaced[i]) + " is no uniform grid; " + whoHolds(*replaced[i], safetensorsName(source, i)));
            if (!grid->columnGroup.empty()) return refuse("act-order does not fit plain codes; " + whoHolds(*replaced[i], safetensorsName(source, i)));
            const std::int64_t down = grid->grouping.groupsDown();
            if (down != 1 && down != grid->grouping.rows && source.ropeLayout != safetensorsLayout(source) &&
                ropeHeads(source, safetensorsName(source, i)) > 0)
                return refuse("its groups span some rows, and the target orders rows in another way");
        }
        return {};
    }

    Result<ExportOutcome> write(const Checkpoint& source, const MethodResult* result, const std::filesystem::path& target,
                                const RunContext& context, const ExportOptions& options) const override {
        QSCOPE_CHECK(accepts(source, result));
        QSCOPE_TRY(const auto replaced, replacements(source, result));
        std::vector<TensorToWrite> tensors;
        Json plain = Json::object();
        Entries entries(source, tensors);
        for (std::size_t i = 0; i < replaced.size(); ++i) {
            if (!source.tensors[i].isWhole()) continue;
            if (!replaced[i]) {
                tensors.push_back(storedTensor(source, i));
                continue;
            }
            const std::string name = safetensorsName(source, i);
            const PlainTreated treated{i, replaced[i], &std::get<GridCodes>(replaced[i]->codes)};
            plain.get_ref<Json::object_t&>().emplace_back(name, addPlain(entries, treated, name));
        }
        return writeSafetensorsExport(source, target, {{{"format", "pt"}, {"quantization", plain.dump()}}, configFor(source, context), {}},
                                      std::move(tensors), context, options);
    }

private:
    ExporterInfo m_info{"safetensors-codes", "safetensors, plain codes", "safetensors",
                        "Codes, scales and zero points of any uniform grid, as tensors of their own in a plain layout that a few "
                        "lines of NumPy read. For grids that no other format holds.",
                        "programs of your own: no serving program knows the layout"};
};

} // namespace

std::unique_ptr<Exporter> makeSafetensorsCodesExporter() { return std::make_unique<CodesExporter>(); }

} // namespace qscope::engine
