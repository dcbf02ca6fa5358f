// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/random.h"
#include "engine/quant/block_scale.h"
#include "engine/quant/forms.h"
#include "engine/quant/named_grids.h"
#include "plugins/number_formats/grid_rounding.h"
#include "plugins/number_formats/methods.h"

#include <algorithm>

namespace qscope::engine {

namespace {

MethodInfo describeBlocks() {
    MethodInfo info{
        "blocks",
        "Blocks of small floats",
        "Number formats",
        "Open Compute Project, OCP microscaling formats (MX) specification 1.0, 2023; Hu, Luschi, Balanca, Elucidating "
        "the design space of FP4 training, 2025",
        "Small floats or 8-bit integers in blocks with scales of 8 bits: MXFP4, MXFP6, MXFP8, MXINT8, NVFP4 and what "
        "lies between. The rounding of weights alone: gradients and Hadamard transforms of FP4 training are not part "
        "of it.",
        {{"element",
          "Element",
          ParamType::Choice,
          std::string("e2m1"),
          0,
          0,
          {"e2m1", "e2m3", "e3m2", "e4m3", "e5m2", "int8"},
          "What a weight becomes.",
          ""},
         {"scale",
          "Scale",
          ParamType::Choice,
          std::string("e8m0"),
          0,
          0,
          {"e8m0", "e8m0-rounded", "e8m0-up", "e4m3", "ue5m3"},
          "A power of two (of the largest magnitude, down; from 1.75 on up; up until nothing clips) or a small float.",
          ""},
         {"block",
          "Block size",
          ParamType::Integer,
          std::int64_t{32},
          2,
          1 << 20,
          {},
          "Weights along a row that share a scale.",
          "weights"},
         {"tensor-scale",
          "Scale of the tensor",
          ParamType::Flag,
          false,
          0,
          0,
          {},
          "Divides the tensor so that the largest scale is the largest of its type (NVFP4); for e4m3 and ue5m3.",
          ""},
         {"rounding",
          "Rounding",
          ParamType::Choice,
          std::string("nearest"),
          0,
          0,
          {"nearest", "stochastic"},
          "Stochastic: to a neighbour by chance, so that the mean is right below the largest level.",
          ""}}};
    info.help = {"Nothing is searched: w^ = s v, v the nearest element to w / s.",
                 {"Tensor scale: max|W| / (largest element x largest scale).",
                  "Block: s = 2^(floor(log2 max|w|) - floor(log2 largest element)) and its variants, or max|w| / "
                  "largest element, "
                  "rounded to the scale's type (to nearest: what then is above the largest element becomes that).",
                  "Each weight to the nearest element, ties to even, or stochastically."},
                 "One pass. element bits + 8 / block bits per weight, and 32 for the tensor.",
                 "UE5M3's bias is taken to be 15 and every code a number; the paper's text was not read on this."};
    return info;
}

class BlocksMethod final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        const MatrixShape matrix = asMatrix(subject.shape);
        const BlockScale rule = ruleFrom(parameters);
        const bool whole = valueOf<bool>(parameters, "tensor-scale"),
                   small = rule == BlockScale::E4M3 || rule == BlockScale::UE5M3;
        if (whole && !small)
            return fail(ErrorCode::OutOfRange,
                        "powers of two need no scale of the tensor: tensor-scale is for e4m3 and ue5m3");
        const Grid grid = elementFrom(parameters);
        const Grouping grouping{matrix.rows, matrix.columns, 1,
                                std::min(matrix.columns, valueOf<std::int64_t>(parameters, "block"))};
        if (rule != BlockScale::UE5M3) {
            LevelCodes codes = outlineOn(grid, grouping, ScaleType::F32);
            codes.scaleType = rule == BlockScale::E4M3 ? DType::F8_E4M3 : DType::F8_E8M0;
            codes.hasTensorScale = whole;
            return QuantizedTensor{subject.shape, std::move(codes)};
        }
        TableCodes codes; // no element type of this studio is UE5M3
        codes.name = fmt::format("{} with UE5M3 scales", grid.name());
        codes.bits = grid.bits();
        codes.grouping = grouping;
        codes.bitsPerGroup = 8;
        codes.tableCount = whole ? 1 : 0; // its place holds the scale of the tensor
        codes.bitsPerTable = whole ? 32 : 0;
        return tensorOf(subject.shape, std::move(codes));
    }
    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t seed, const RunContext& context) const override {
        QSCOPE_TRY(auto made, outline(input.subject, parameters));
        QSCOPE_TRY(const auto matrix, finiteValues(input, context));
        const BlockScale rule = ruleFrom(parameters);
        const Grid grid = elementFrom(parameters);
        const auto* table = formOf<TableCodes>(made);
        const Grouping grouping = table ? table->grouping : std::get<LevelCodes>(made.codes).grouping;
        float largest = 0;
        for (const float x : matrix) largest = std::max(largest, std::abs(x));
        const float whole = valueOf<bool>(parameters, "tensor-scale") ? tensorScale(rule, largest, grid) : 1.0F;
        const bool stochastic = valueOf<std::string>(parameters, "rounding") == "stochastic";
        std::vector<std::uint8_t> codes(matrix.size());
        std::vector<float> scales(static_cast<std::size_t>(grouping.count()));
        QSCOPE_CHECK(eachGroup(matrix, {}, grouping, context, [&](std::int64_t g, const GroupValues& group) {
            float most = 0;
            for (const float x : group.values) most = std::max(most, std::abs(x));
            const float stored = blockScale(rule, most / whole, grid), scale = stored * whole;
            scales[static_cast<std::size_t>(g)] = stored;
            for (std::size_t i = 0; i < group.values.size(); ++i) {
                const auto element = static_cast<std::size_t>(group.elements[i]);
                const float x = scale > 0 ? group.values[i] / scale : 0.0F;
                codes[element] = stochastic ? grid.stochastic(x, uniform(seed, 0, element)) : grid.nearest(x);
            }
        }));
        if (!table) {
            auto& levels = std::get<LevelCodes>(made.codes);
            levels.tensorScale = whole;
            levels.scales = std::move(scales);
            levels.codes = std::move(codes);
            return made;
        }
        TableCodes filled = *table;
        filled.tables = grid.table();
        for (float& level : filled.tables) level *= whole;
        filled.tableOf.assign(scales.size(), 0);
        filled.scales = std::move(scales);
        filled.codes = std::move(codes);
        return tensorOf(input.subject.shape, std::move(filled));
    }

private:
    [[nodiscard]] static BlockScale ruleFrom(const ParamValues& parameters) {
        const auto& name = valueOf<std::string>(parameters, "scale");
        if (name == "e4m3") return BlockScale::E4M3;
        if (name == "ue5m3") return BlockScale::UE5M3;
        if (name == "e8m0-rounded") return BlockScale::RoundedPower;
        return name == "e8m0-up" ? BlockScale::CeilPower : BlockScale::FloorPower;
    }
    [[nodiscard]] static Grid elementFrom(const ParamValues& parameters) {
        const auto& name = valueOf<std::string>(parameters, "element");
        if (name == "int8") return integerGrid(8, IntegerRange::Symmetric);
        if (name == "e4m3") return e4m3Grid();
        if (name == "e5m2") return minifloatGrid({5, 2, 15, SmallFloat::Special::Ieee});
        return name == "e2m1" ? minifloatGrid(2, 1) : name == "e2m3" ? minifloatGrid(2, 3) : minifloatGrid(3, 2);
    }
    MethodInfo m_info = describeBlocks();
};

} // namespace

std::unique_ptr<QuantMethod> makeBlocks() { return std::make_unique<BlocksMethod>(); }

} // namespace qscope::engine
