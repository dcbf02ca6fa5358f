// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/number_formats/level_method.h"

#include "engine/core/checked_math.h"
#include "engine/core/parallel.h"
#include "engine/quant/block_scale.h"
#include "engine/quant/element_stream.h"
#include "engine/quant/named_grids.h"
#include "engine/tensor/level_tables.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qscope::engine {

namespace {

constexpr float kLargestE4M3 = 448, kLargestE2M1 = 6;
constexpr std::int64_t kNestedBlock = 256;

/// How a group's scale follows from its largest magnitude.
enum class ScaleRule : std::uint8_t {
    Largest,    ///< over the largest level, in single precision
    TwoLevels,  ///< rounded to E4M3, after one scale that brings the tensor's largest to E4M3's largest (NVFP4)
    PowerOfTwo  ///< a power of two (OCP microscaling)
};

struct Format {
    MethodInfo info;
    Grid grid;
    ScaleRule rule = ScaleRule::Largest;
    std::int64_t group = 0; ///< columns per group; 0: by parameters
    bool flat = false;      ///< blocks over the flattened tensor, of the size that the parameter "block" gives
};

Grouping groupingOf(const Format& format, const Shape& shape, const ParamValues& parameters) {
    const MatrixShape matrix = asMatrix(shape);
    if (format.flat) return {1, elementCount(shape), 1, std::stoll(valueOf<std::string>(parameters, "block"))};
    if (format.group > 0) return {matrix.rows, matrix.columns, 1, format.group};
    const auto& granularity = valueOf<std::string>(parameters, "granularity");
    if (granularity == "tensor") return {matrix.rows, matrix.columns, matrix.rows, matrix.columns};
    if (granularity == "output-channel") return {matrix.rows, matrix.columns, 1, matrix.columns};
    return {matrix.rows, matrix.columns, std::min(matrix.rows, valueOf<std::int64_t>(parameters, "high")),
            std::min(matrix.columns, valueOf<std::int64_t>(parameters, "wide"))};
}

/// Calls use(first run, runs, values) for steps of whole runs: the parts of rows that lie in one group, one after another.
template<class Use>
Result<void> eachStep(const TensorView& tensor, const Grouping& grouping, const RunContext& context, Use use) {
    const std::int64_t across = grouping.groupsAcross(), runs = grouping.rows * across;
    const auto begin = [&](std::int64_t run) { return run / across * grouping.columns + std::min(run % across * grouping.groupColumns, grouping.columns); };
    const std::int64_t perStep = std::max<std::int64_t>(1, kStreamElements / grouping.groupColumns);
    ElementStream stream(tensor);
    for (std::int64_t first = 0; first < runs; first += perStep) {
        const std::int64_t taken = std::min(perStep, runs - first), start = begin(first), count = begin(first + taken) - start;
        QSCOPE_TRY(const auto values, stream.read(start, count, context));
        QSCOPE_CHECK(parallelChunks(taken, std::max<std::int64_t>(1, (1 << 16) / grouping.groupColumns), context,
                                    [&](std::int64_t from, std::int64_t to) -> Result<void> {
            for (std::int64_t run = first + from; run < first + to; ++run)
                use(run, begin(run), values.subspan(static_cast<std::size_t>(begin(run) - start), static_cast<std::size_t>(begin(run + 1) - begin(run))));
            return {};
        }));
    }
    return {};
}

/// The largest magnitude of every group. Not a number in, error out.
Result<std::vector<float>> largestOf(const TensorView& tensor, const Grouping& grouping, const RunContext& context) {
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    const std::int64_t across = grouping.groupsAcross();
    std::vector<float> ofRuns(static_cast<std::size_t>(grouping.rows * across));
    QSCOPE_CHECK(eachStep(tensor, grouping, quiet, [&](std::int64_t run, std::int64_t, std::span<const float> values) {
        float largest = 0, nothing = 0;
        for (const float value : values) {
            largest = std::max(largest, std::abs(value));
            nothing += 0 * value; // not a number as soon as one value is not finite
        }
        ofRuns[static_cast<std::size_t>(run)] = largest + nothing;
    }));
    std::vector<float> largest(static_cast<std::size_t>(grouping.count()), 0);
    for (std::size_t run = 0; run < ofRuns.size(); ++run) {
        const auto index = static_cast<std::int64_t>(run);
        if (!std::isfinite(ofRuns[run])) return fail(ErrorCode::OutOfRange, "it holds values that are infinite or not a number");
        float& group = largest[static_cast<std::size_t>(index / across / grouping.groupRows * across + index % across)];
        group = std::max(group, ofRuns[run]);
    }
    return largest;
}

/// Scales for groups of these largest magnitudes; what multiplies a level is `scales` with the tensor's scale taken up.
void setScales(const Format& format, const std::vector<float>& largest, LevelCodes& codes) {
    const float top = format.grid.largest();
    codes.scales.reserve(largest.size());
    if (format.rule == ScaleRule::Largest) {
        for (const float value : largest) codes.scales.push_back(value > 0 ? value / top : 1);
    } else if (format.rule == ScaleRule::PowerOfTwo) {
        for (const float value : largest) codes.scales.push_back(blockScale(BlockScale::RoundedPower, value, format.grid));
    } else {
        const float whole = *std::ranges::max_element(largest);
        const float tensorScale = kLargestE4M3 * kLargestE2M1 / whole;
        codes.tensorScale = whole > 0 && std::isfinite(tensorScale) ? tensorScale : 1;
        const Grid scales = e4m3Grid();
        for (const float value : largest) codes.scales.push_back(scales.value(scales.nearest(codes.tensorScale * (value / kLargestE2M1))));
    }
}

/// Quantizes the scales themselves: their distances from their mean, in blocks of 256.
std::shared_ptr<const NestedScales> nest(std::vector<float>& scales) {
    NestedScales nested;
    nested.block = kNestedBlock;
    const Grid grid = dynamicGrid(true);
    nested.levels = grid.table();
    nested.mean = static_cast<float>(std::accumulate(scales.begin(), scales.end(), 0.0) / static_cast<double>(scales.size()));
    for (std::size_t begin = 0; begin < scales.size(); begin += kNestedBlock) {
        const auto block = std::span(scales).subspan(begin, std::min<std::size_t>(kNestedBlock, scales.size() - begin));
        float peak = 0;
        for (const float scale : block) peak = std::max(peak, std::abs(scale - nested.mean));
        nested.peaks.push_back(peak);
        for (float& scale : block) {
            const std::uint8_t code = grid.nearest(peak > 0 ? (scale - nested.mean) / peak : 0);
            nested.codes.push_back(code);
            scale = nested.levels[code] * peak + nested.mean;
        }
    }
    return std::make_shared<const NestedScales>(std::move(nested));
}

class LevelMethod final : public QuantMethod {
public:
    explicit LevelMethod(Format format) : m_format(std::move(format)) {}

    [[nodiscard]] const MethodInfo& info() const override { return m_format.info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject, const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        const std::int64_t columns = asMatrix(subject.shape).columns;
        if (m_format.group > 0 && columns % m_format.group != 0)
            return fail(ErrorCode::Unsupported, "{} takes rows of a multiple of {} weights, this tensor's have {}", m_format.info.name,
                        m_format.group, columns);
        LevelCodes codes;
        codes.levelSet = m_format.grid.name();
        codes.bits = m_format.grid.bits();
        codes.levels = m_format.grid.table();
        codes.grouping = groupingOf(m_format, subject.shape, parameters);
        codes.scaleType = m_format.rule == ScaleRule::Largest     ? DType::F32
                          : m_format.rule == ScaleRule::TwoLevels ? DType::F8_E4M3
                                                                  : DType::F8_E8M0;
        codes.hasTensorScale = codes.tensorScaleDivides = m_format.rule == ScaleRule::TwoLevels;
        if (m_format.flat && valueOf<bool>(parameters, "double")) codes.nested = std::make_shared<const NestedScales>();
        return QuantizedTensor{subject.shape, std::move(codes)};
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters, std::uint64_t,
                                                   const RunContext& context) const override {
        QSCOPE_TRY(auto quantized, outline(input.subject, parameters));
        auto& codes = std::get<LevelCodes>(quantized.codes);
        QSCOPE_TRY(const auto largest, largestOf(input.weight, codes.grouping, context));
        setScales(m_format, largest, codes);
        codes.codes.resize(static_cast<std::size_t>(elementCount(input.weight.shape)));
        const std::int64_t across = codes.grouping.groupsAcross();
        Progress unseen;
        const RunContext quiet{context.stop, unseen, context.notes, context.backend};
        QSCOPE_CHECK(eachStep(input.weight, codes.grouping, quiet, [&](std::int64_t run, std::int64_t begin, std::span<const float> values) {
            const auto group = static_cast<std::size_t>(run / across / codes.grouping.groupRows * across + run % across);
            const float scale = codes.hasTensorScale ? codes.scales[group] / codes.tensorScale : codes.scales[group];
            std::uint8_t* const out = codes.codes.data() + begin;
            for (std::size_t i = 0; i < values.size(); ++i) out[i] = m_format.grid.nearest(scale > 0 ? values[i] / scale : 0);
            context.progress.done.fetch_add(static_cast<std::int64_t>(values.size()), std::memory_order_relaxed);
        }));
        if (codes.nested) codes.nested = nest(codes.scales); // after the codes, which bitsandbytes takes from the exact scales
        return quantized;
    }

private:
    Format m_format;
};

Format bitsandbytes(std::string id, Grid grid, std::string paper, std::string what, std::string block = "64") {
    std::vector<ParamSpec> parameters{
        {"block", "Block size", ParamType::Choice, std::move(block), 0, 0, {"64", "128", "256", "512", "1024", "2048", "4096"},
         "Weights that share a scale, counted over the flattened tensor.", "weights"},
        {"double", "Double quantization", ParamType::Flag, false, 0, 0, {},
         "Stores the scales themselves in 8 bits, 256 of them with a scale of their own.", ""}};
    const std::string name = grid.bits() == 4 ? grid.name() : "Block-wise dynamic 8-bit";
    return {{std::move(id), name, "Number formats", std::move(paper), std::move(what), std::move(parameters)}, std::move(grid), ScaleRule::Largest, 0, true};
}

} // namespace

std::vector<std::unique_ptr<QuantMethod>> makeLevelMethods() {
    const std::string microscaling = "Open Compute Project, OCP microscaling formats (MX) specification 1.0, 2023";
    std::vector<Format> formats;
    formats.push_back({{"fp8", "FP8 (E4M3)", "Number formats", "Micikevicius et al., FP8 formats for deep learning, 2022",
                        "8-bit floats with four bits of exponent and three of fraction, scaled so that the largest weight falls on 448. "
                        "Weights only.",
                        {{"granularity", "One scale per", ParamType::Choice, std::string("tensor"), 0, 0, {"tensor", "output-channel", "block"},
                          "Which weights share a scale: all, one row, one block of the matrix.", ""},
                         {"high", "Block height", ParamType::Integer, std::int64_t{128}, 1, 1 << 20, {}, "Rows of a block, for granularity block.", "rows"},
                         {"wide", "Block width", ParamType::Integer, std::int64_t{128}, 1, 1 << 20, {}, "Columns of a block, for granularity block.", "columns"}}},
                       e4m3Grid()});
    formats.push_back({{"nvfp4_ct", "NVFP4", "Number formats", "NVIDIA, Pretraining large language models with NVFP4, 2025",
                        "4-bit floats (E2M1) in groups of 16 with E4M3 scales and one scale for the tensor, chosen as compressed-tensors does. "
                        "Weights only: the paper's training recipe is not part of it.", {}},
                       minifloatGrid(2, 1), ScaleRule::TwoLevels, 16});
    formats.push_back({{"mxfp4_ct", "MXFP4, rounded scales", "Number formats", microscaling,
                        "4-bit floats (E2M1) in groups of 32 that share a power of two; a group whose largest weight is from 1.75 times a power "
                        "of two on takes the next one, as compressed-tensors does.", {}},
                       minifloatGrid(2, 1), ScaleRule::PowerOfTwo, 32});
    formats.push_back({{"mxfp8_ct", "MXFP8, rounded scales", "Number formats", microscaling,
                        "8-bit floats (E4M3) in groups of 32 that share a power of two, chosen as compressed-tensors does.", {}},
                       e4m3Grid(), ScaleRule::PowerOfTwo, 32});
    formats.push_back(bitsandbytes("nf4", Grid("NF4", {kNf4.begin(), kNf4.end()}, Grid::Ties::LowerLevel), "Dettmers, Pagnoni, Holtzman, Zettlemoyer, QLoRA: efficient finetuning of quantized LLMs, 2023",
                                   "Sixteen quantiles of a normal distribution, scaled to the largest magnitude of a block. The paper's data type; "
                                   "its adapters are not part of it."));
    formats.push_back(bitsandbytes("fp4", bitsandbytesGrid(), "Dettmers, bitsandbytes, 2023",
                                   "The 4-bit float of bitsandbytes: sign, three bits of exponent and fraction, scaled to the largest magnitude of a block."));
    formats.push_back(bitsandbytes("dynamic8", dynamicGrid(true), "Dettmers, Lewis, Shleifer, Zettlemoyer, 8-bit optimizers via block-wise quantization, 2021",
                                   "The signed dynamic map, seven decades of which each has twice the levels of the one below, scaled to the largest "
                                   "magnitude of a block. The paper's map for optimizer states, here for weights: on bell-shaped ones linear steps are better.", "2048"));
    formats.back().info.help = {
        "The relative error of small values beside large ones: the level nearest to w / max|block|.",
        {"Blocks of the flattened tensor, each with its largest magnitude in 32 bits.", "Levels: for i = 0 to 6, the middles of 2^i equal parts of [0.1, 1] "
         "times 10^(i - 6), with both signs; 0 and 1.", "Each weight to the nearest level of its block."},
        "One pass over the weights, a search among 256 levels each; 8 + 32 / block bits per weight.",
        "There is +1 and no -1 in the map: a block whose largest magnitude is negative has an error of 0.7 % there, as in the authors' library. The unsigned map "
        "(second moments of an optimizer) has no use for weights."};
    std::vector<std::unique_ptr<QuantMethod>> methods;
    for (Format& format : formats) methods.push_back(std::make_unique<LevelMethod>(std::move(format)));
    return methods;
}

} // namespace qscope::engine
