// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/report/codes_layout.h"
#include "engine/report/safetensors_target.h"
#include "engine/tensor/half.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace qscope::engine {

namespace {

constexpr std::string_view kWeight = ".weight";

/// One treated tensor: where it stands in the source and what became of it.
struct Treated {
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

Result<CodeParts> partsOf(const Checkpoint& source, const Treated& treated) {
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

/// Every byte with `offset` added, modulo 256: between signed and unsigned codes.
std::vector<std::uint8_t> shifted(const TensorView& view, int offset) {
    std::vector<std::uint8_t> values(view.bytes.size());
    std::ranges::transform(view.bytes, values.begin(), [offset](std::byte b) {
        return static_cast<std::uint8_t>(static_cast<int>(b) + offset);
    });
    return values;
}

TensorView asSigned(TensorView view) {
    view.dtype = DType::I8;
    return view;
}

TensorView shapeTensor(const Shape& shape) {
    const auto bytes = std::as_bytes(std::span(shape));
    return makeTensor(DType::I64, {static_cast<std::int64_t>(shape.size())}, {bytes.begin(), bytes.end()});
}

/// Adds a tensor that is made from the parts when its turn comes; `make` tells its type and shape beforehand, on parts
/// without contents.
class Entries {
public:
    Entries(const Checkpoint& source, std::vector<TensorToWrite>& tensors) : m_source(source), m_tensors(tensors) {}

    template<class Make>
    void add(const Treated& treated, std::string name, DType type, Shape shape, Make make) {
        m_tensors.push_back({std::move(name), type, std::move(shape), [&source = m_source, treated, make]() -> Result<TensorView> {
                                 QSCOPE_TRY(const auto parts, partsOf(source, treated));
                                 return make(parts);
                             }});
    }

private:
    const Checkpoint& m_source;
    std::vector<TensorToWrite>& m_tensors;
};

/// The entries of one module in the layouts of compressed-tensors.
void addCompressed(Entries& entries, const Treated& treated, const std::string& module, const CompressedScheme& scheme) {
    const auto& [grid, grouping, values, order] = *treated.grid;
    const std::int64_t rows = grouping.rows, columns = grouping.columns, across = grouping.groupsAcross();
    const int middle = 1 << (grid.bits - 1);
    const DType scaleType = grid.scaleType == ScaleType::F16 ? DType::F16 : DType::F32;
    const Shape groups = scheme.strategy == "tensor" ? Shape{1} : Shape{rows, across};
    entries.add(treated, module + ".weight_scale", scaleType, groups, [groups](const CodeParts& parts) {
        TensorView scales = parts.scales;
        scales.shape = groups;
        return scales;
    });
    if (!scheme.packed) {
        const int toSigned = grid.symmetric ? 0 : -middle;
        entries.add(treated, module + ".weight", DType::I8, {rows, columns}, [rows, columns, toSigned](const CodeParts& parts) {
            return asSigned(bytesTensor({rows, columns}, shifted(parts.codes, toSigned)));
        });
        if (!grid.symmetric)
            entries.add(treated, module + ".weight_zero_point", DType::I8, groups, [groups, toSigned](const CodeParts& parts) {
                return asSigned(bytesTensor(groups, shifted(parts.zeros, toSigned)));
            });
        return;
    }
    const int toUnsigned = grid.symmetric ? middle : 0;
    const std::int64_t bits = grid.bits;
    entries.add(treated, module + ".weight_packed", DType::I32, {rows, (columns * bits + 31) / 32},
                [rows, columns, bits = grid.bits, toUnsigned](const CodeParts& parts) {
                    return packedRows(shifted(parts.codes, toUnsigned), rows, columns, bits);
                });
    entries.add(treated, module + ".weight_shape", DType::I64, {2},
                [rows, columns](const CodeParts&) { return shapeTensor({rows, columns}); });
    if (!grid.symmetric)
        entries.add(treated, module + ".weight_zero_point", DType::I32, {(rows * bits + 31) / 32, across},
                    [rows, across, bits = grid.bits](const CodeParts& parts) {
                        return packedColumns(shifted(parts.zeros, 0), rows, across, bits);
                    });
}

/// The entries of one tensor in the plain layout of README.md, and what the file's metadata says about it.
Json addPlain(Entries& entries, const Treated& treated, const std::string& name) {
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
            const auto refuse = [&](std::string_view why) {
                return fail(ErrorCode::Unsupported, "tensor '{}': {}", printable(tensor.name), why);
            };
            if (!replaced[i]) {
                if (!safetensorsHolds(tensor.dtype) && !canDecode(tensor.dtype))
                    return refuse(fmt::format("safetensors has no type for {}", qscope::info(tensor.dtype).name));
                continue;
            }
            const auto* grid = std::get_if<GridCodes>(&replaced[i]->codes);
            if (!grid) return refuse("the result is in a GGUF block type; export it as GGUF");
            const std::int64_t down = grid->grouping.groupsDown();
            if (down != 1 && down != grid->grouping.rows && source.ropeLayout != safetensorsLayout(source) &&
                ropeHeads(source, safetensorsName(source, i)) > 0)
                return refuse("its groups span some rows, and the target orders rows in another way");
        }
        return {};
    }

    Result<ExportOutcome> write(const Checkpoint& source, const MethodResult* result, const std::filesystem::path& target,
                                const RunContext& context) const override {
        QSCOPE_CHECK(accepts(source, result));
        QSCOPE_TRY(const auto replaced, replacements(source, result));
        std::vector<TensorToWrite> tensors;
        std::vector<Treated> treated;
        for (std::size_t i = 0; i < replaced.size(); ++i)
            if (replaced[i]) treated.push_back({i, replaced[i], &std::get<GridCodes>(replaced[i]->codes)});
            else if (source.tensors[i].isWhole()) tensors.push_back(storedTensor(source, i));
        const auto scheme = schemeFor(source, treated);

        Json config = configFor(source, context);
        Json plain = Json::object();
        std::vector<std::string> modules;
        Entries entries(source, tensors);
        for (const Treated& entry : treated) {
            std::string name = safetensorsName(source, entry.index);
            if (scheme) {
                name.resize(name.size() - kWeight.size());
                addCompressed(entries, entry, name, *scheme);
                modules.push_back(std::move(name));
            } else {
                plain.get_ref<Json::object_t&>().emplace_back(name, addPlain(entries, entry, name));
            }
        }
        std::vector<std::pair<std::string, std::string>> metadata{{"format", "pt"}};
        if (scheme) {
            if (config.is_null()) config = Json::object();
            config["quantization_config"] = quantizationConfig(*scheme, modules);
            context.notes.note(fmt::format("{} tensors are stored as compressed-tensors, {}", treated.size(),
                                           scheme->packed ? "pack-quantized" : "int-quantized"));
        } else {
            metadata.emplace_back("quantization", plain.dump());
            context.notes.note(fmt::format("{} tensors are stored as plain codes, scales and zeros, as compressed-tensors "
                                           "has no such grid", treated.size()));
        }
        return writeSafetensorsExport(source, target, metadata, std::move(tensors), config, context);
    }

private:
    static std::optional<CompressedScheme> schemeFor(const Checkpoint& source, const std::vector<Treated>& treated) {
        if (treated.empty()) return std::nullopt;
        std::vector<const GridCodes*> grids;
        for (const Treated& entry : treated) {
            if (entry.quantized->shape.size() != 2 || !safetensorsName(source, entry.index).ends_with(kWeight))
                return std::nullopt;
            grids.push_back(entry.grid);
        }
        return compressedScheme(grids);
    }

    ExporterInfo m_info{"safetensors-codes", "safetensors, integer codes", "safetensors",
                        "Codes, scales and zero points of a uniform grid: as compressed-tensors (4 and 8 bits, loaded by "
                        "vLLM and Transformers) with its config.json, other grids in a plain layout."};
};

} // namespace

std::unique_ptr<Exporter> makeSafetensorsCodesExporter() { return std::make_unique<CodesExporter>(); }

} // namespace qscope::engine
