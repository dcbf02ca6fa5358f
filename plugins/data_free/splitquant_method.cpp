// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quant/forms.h"
#include "engine/quant/level_fit.h"
#include "engine/quant/scalar_clusters.h"
#include "engine/quant/weights_alone.h"
#include "plugins/data_free/methods.h"
#include "plugins/data_free/parts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>

namespace qscope::engine {

namespace {

constexpr std::size_t kParts = 3;
constexpr std::int64_t kChunk = std::int64_t{1} << 18;

MethodInfo describeSplitQuant() {
    MethodInfo info{
        "splitquant",
        "SplitQuant",
        "Data-free",
        "Song, Lin, SplitQuant: layer splitting for low-bit neural network quantization, 2025",
        "Splits a layer into three whose sum it is, by clusters of its weights, and gives each a grid over its own "
        "narrower range. Needs no data. "
        "Stored as one code and the number of a part for each weight, where the paper has three layers with zeros.",
        {bitsRow(4, 2, 6),
         choiceRow(
             "range", "Range of a part", {"cluster", "zero"},
             "cluster: of its own weights alone; zero: with 0, which a layer filled up with zeros has to hold.")}};
    info.help.objective = "Least sum of squared distances from three centres decides who is in which part; each part's "
                          "range, and with it its step, is a fraction of the whole.";
    info.help.steps = {"Three clusters of all weights of the tensor.",
                       "For each a grid of 2^bits levels over its range.",
                       "Round each weight on the grid of its part."};
    info.help.cost =
        "One sort and three passes over the sorted weights; bits + 2 bits per weight and three scales and offsets.";
    info.help.differences = "Clusters are the exact optimum on a line, where k-means iterates from a random start. The "
                            "paper's three layers take three codes per weight; one code and two bits "
                            "hold the same. Whether the paper's ranges hold zero is not known to us: both are offered. "
                            "Biases and activations are not split.";
    return info;
}

class SplitQuant final : public QuantMethod, public WeightsAlone {
public:
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        QSCOPE_CHECK(requireElements(subject.shape));
        return tensorOf(subject.shape, emptyCodes(subject.shape, parameters));
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_CHECK(requireElements(input.subject.shape));
        QSCOPE_TRY(const auto matrix, finiteValues(input, context));
        TableCodes codes = emptyCodes(input.subject.shape, parameters);
        const int bits = bitsOf(parameters);
        const bool withZero = valueOf<std::string>(parameters, "range") == "zero";

        std::vector<float> centres;
        QSCOPE_TRY(const auto found, bestCentres(matrix, {}, static_cast<int>(kParts), context));
        for (const double centre : found) centres.push_back(static_cast<float>(centre));
        const auto count = static_cast<std::int64_t>(matrix.size());
        Progress unseen;
        const RunContext quiet{context.stop, unseen, context.notes, context.backend};
        std::vector<float> low(kParts, std::numeric_limits<float>::infinity()),
            high(kParts, -std::numeric_limits<float>::infinity());
        std::mutex mutex;
        codes.codes.resize(matrix.size()); // first the part of each
        QSCOPE_CHECK(parallelChunks(count, kChunk, quiet, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            auto least = low, most = high;
            for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
                const std::size_t part = nearestCentre(centres, matrix[i]);
                codes.codes[i] = static_cast<std::uint8_t>(part);
                least[part] = std::min(least[part], matrix[i]);
                most[part] = std::max(most[part], matrix[i]);
            }
            const std::lock_guard lock(mutex); // smallest and largest do not depend on the order
            for (std::size_t part = 0; part < kParts; ++part) {
                low[part] = std::min(low[part], least[part]);
                high[part] = std::max(high[part], most[part]);
            }
            return {};
        }));

        const auto top = static_cast<float>((1 << bits) - 1);
        std::vector<float> scales(kParts, 0), offsets(kParts, 0);
        codes.tables.assign(std::size_t{1} << codes.bits, 0);
        for (std::size_t part = 0; part < centres.size(); ++part) {
            if (withZero) low[part] = std::min(low[part], 0.0F), high[part] = std::max(high[part], 0.0F);
            const float range = high[part] - low[part];
            scales[part] = range > 0 ? storedScale(range / top, ScaleType::F16) : 1;
            offsets[part] = withZero ? -std::clamp(std::rint(-low[part] / scales[part]), 0.0F, top) * scales[part]
                                     : roundedTo(ScaleType::F16, std::clamp(low[part], -65504.0F, 65504.0F));
            for (std::size_t code = 0; code < std::size_t{1} << bits; ++code)
                codes.tables[part << bits | code] = static_cast<float>(code) * scales[part] + offsets[part];
        }
        codes.tableOf = {0};
        QSCOPE_CHECK(parallelChunks(count, kChunk, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
                const std::size_t part = codes.codes[i];
                const auto code = static_cast<std::size_t>(
                    std::clamp(std::rint((matrix[i] - offsets[part]) / scales[part]), 0.0F, top));
                codes.codes[i] = static_cast<std::uint8_t>(part << bits | code);
            }
            return {};
        }));
        return tensorOf(input.subject.shape, std::move(codes));
    }

private:
    static TableCodes emptyCodes(const Shape& shape, const ParamValues& parameters) {
        const MatrixShape matrix = asMatrix(shape);
        const int bits = bitsOf(parameters);
        TableCodes codes;
        codes.name = "three parts with a grid each";
        codes.bits = bits + 2; // the part's number
        codes.grouping = {matrix.rows, matrix.columns, matrix.rows, matrix.columns};
        const auto offsetBits =
            static_cast<std::uint64_t>(valueOf<std::string>(parameters, "range") == "zero" ? bits : 16);
        codes.bitsPerTable = kParts * (16 + offsetBits);
        codes.tableCount = 1;
        return codes;
    }

    MethodInfo m_info = describeSplitQuant();
};

} // namespace

std::unique_ptr<QuantMethod> makeSplitQuant() { return std::make_unique<SplitQuant>(); }

} // namespace qscope::engine
