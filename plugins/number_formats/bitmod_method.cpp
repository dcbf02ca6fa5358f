// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/forms.h"
#include "plugins/number_formats/grid_rounding.h"
#include "plugins/number_formats/methods.h"

namespace qscope::engine {

namespace {

/// The four tables of a width, up to scale: the float's levels and one value in place of -0.
std::vector<Grid> tablesOf(int bits) {
    const std::vector<float> base = bits == 3
                                        ? std::vector<float>{0, 1, 2, 4, 0, -1, -2, -4}
                                        : std::vector<float>{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
    const float inside = bits == 3 ? 3 : 10, beyond = bits == 3 ? 6 : 16;
    std::vector<Grid> tables;
    for (const float special : {inside, -inside, beyond, -beyond}) {
        auto levels = base;
        levels[levels.size() / 2] = special;
        tables.emplace_back(fmt::format("FP{} with {}", bits, special), std::move(levels), Grid::Ties::LowerLevel);
    }
    return tables;
}

MethodInfo describeBitMod() {
    MethodInfo info{"bitmod",
                    "BitMoD",
                    "Number formats",
                    "Chen, AbouElhamayed, Dai, Wang, Andronic, Constantinides, Abdelfattah, BitMoD: bit-serial "
                    "mixture-of-datatype LLM acceleration, 2025",
                    "Floats of 3 or 4 bits whose code of -0 holds one more value, inside the range or beyond it, "
                    "chosen per group among four. Scales stay in 16 bits.",
                    {{"bits", "Bits", ParamType::Integer, std::int64_t{4}, 3, 4, {}, "Width of one code.", "bit"},
                     {"group",
                      "Group size",
                      ParamType::Integer,
                      std::int64_t{128},
                      1,
                      1 << 20,
                      {},
                      "Weights along a row that share a scale and a table.",
                      "weights"},
                     {"sign-aware",
                      "Scale by sign",
                      ParamType::Flag,
                      false,
                      0,
                      0,
                      {},
                      "A table that reaches farther on one side is scaled so that both sides fit, instead of by the "
                      "largest magnitude. Not in the paper.",
                      ""}}};
    info.help = {
        "Per group the squared error sum (w - s v)^2, over four tables v.",
        {"Tables: {0, ±1, ±2, ±4} with 3, -3, 6 or -6; {0, ±1, ±2, ±3, ±4, ±6, ±8, ±12} with 10, -10, 16 or -16.",
         "For each table s = max|w| / max|v|, within 1e-5 and 1e4, and every weight to its nearest value.",
         "The table of least error; the first of several in the order above."},
        "A sort per group and four passes over the levels; bits + (16 + 2) / group bits per weight.",
        "The paper's second-level integer scales are not here, as they are not in the authors' code. 5 and 6 bits, "
        "which are plain floats there, are `minifloat`."};
    return info;
}

class BitModMethod final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        const MatrixShape matrix = asMatrix(subject.shape);
        TableCodes codes;
        codes.bits = static_cast<int>(valueOf<std::int64_t>(parameters, "bits"));
        codes.name = fmt::format("BitMoD FP{}", codes.bits);
        codes.grouping = {matrix.rows, matrix.columns, 1,
                          std::min(matrix.columns, valueOf<std::int64_t>(parameters, "group"))};
        codes.bitsPerGroup = 16 + 2;
        return tensorOf(subject.shape, std::move(codes));
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_TRY(const auto outlined, outline(input.subject, parameters));
        QSCOPE_TRY(const auto matrix, finiteValues(input, context));
        TableCodes codes = *formOf<TableCodes>(outlined);
        const auto tables = tablesOf(codes.bits);
        for (const Grid& table : tables) {
            const auto levels = table.table();
            codes.tables.insert(codes.tables.end(), levels.begin(), levels.end());
        }
        const auto groups = static_cast<std::size_t>(codes.grouping.count());
        codes.codes.resize(matrix.size());
        codes.tableOf.resize(groups);
        codes.scales.resize(groups);
        const bool signAware = valueOf<bool>(parameters, "sign-aware");
        QSCOPE_CHECK(eachGroup(matrix, {}, codes.grouping, context, [&](std::int64_t g, const GroupValues& group) {
            const GroupError error(group.values);
            const auto [least, most] = std::ranges::minmax(group.values);
            double best = std::numeric_limits<double>::infinity();
            std::size_t chosen = 0;
            float scale = 1;
            for (std::size_t t = 0; t < tables.size(); ++t) {
                const auto levels = tables[t].ascending();
                const float whole =
                    signAware ? std::max(std::max(most, 0.0F) / levels.back(), std::min(least, 0.0F) / levels.front())
                              : error.largest() / tables[t].largest();
                const float stored = storedScale(std::clamp(whole, 1e-5F, 1e4F), ScaleType::F16);
                const double its = error.of(tables[t], stored);
                if (its < best) best = its, chosen = t, scale = stored;
            }
            codes.tableOf[static_cast<std::size_t>(g)] = static_cast<std::int32_t>(chosen);
            codes.scales[static_cast<std::size_t>(g)] = scale;
            for (std::size_t i = 0; i < group.values.size(); ++i)
                codes.codes[static_cast<std::size_t>(group.elements[i])] =
                    tables[chosen].nearest(group.values[i] / scale);
        }));
        return tensorOf(input.subject.shape, std::move(codes));
    }

private:
    MethodInfo m_info = describeBitMod();
};

} // namespace

std::unique_ptr<QuantMethod> makeBitMod() { return std::make_unique<BitModMethod>(); }

} // namespace qscope::engine
