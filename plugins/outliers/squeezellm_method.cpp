// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"
#include "engine/quant/scalar_clusters.h"
#include "engine/quant/trace_points.h"
#include "plugins/outliers/outlier_methods.h"
#include "plugins/outliers/single_values.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

const MethodInfo& describeSqueezeLlm() {
    static const MethodInfo info = [] {
        MethodInfo made{"squeezellm",
                        "SqueezeLLM",
                        "Outliers",
                        "Kim et al., SqueezeLLM: dense-and-sparse quantization, 2023",
                        "A codebook for every row, by clustering in which a weight counts as much as the loss is "
                        "sensitive to it; the most sensitive and the largest weights are kept in 16 bits. Clusters are "
                        "found exactly, where the authors' code iterates.",
                        {
                            {"bits",
                             "Bits",
                             ParamType::Integer,
                             std::int64_t{4},
                             2,
                             8,
                             {},
                             "Width of one code; a row has 2^bits levels.",
                             "bit"},
                            {"sensitive",
                             "Sensitive weights kept",
                             ParamType::Real,
                             0.05,
                             0,
                             100,
                             {},
                             "Share of the matrix with the largest Fisher information, kept in 16 bits.",
                             "%"},
                            {"outliers",
                             "Large weights kept",
                             ParamType::Real,
                             0.4,
                             0,
                             100,
                             {},
                             "Share of the matrix with the largest magnitudes among the others, kept in 16 bits.",
                             "%"},
                            {"weights",
                             "Clusters by",
                             ParamType::Choice,
                             std::string("fisher"),
                             0,
                             0,
                             {"fisher", "none"},
                             "fisher: squared distances count as much as the loss is sensitive; none: all alike.",
                             ""},
                        }};
        made.needsCalibration = true;
        made.needsGradients = true;
        made.help = {
            "Per row, 2^bits centres c and an assignment a that make the sum over j of F_j (w_j - c_a(j))^2 the least; "
            "F_j is the mean over sequences of (dL/dw_j)^2.",
            {"Send each calibration sequence through the model and its loss back; average the squared gradients.",
             "Set aside the weights of the largest F, then the largest of the rest.",
             "Cluster what remains of each row, weighted with F; where F is zero all over, with equal weights.",
             "Store 16-bit tables per row, codes, and the weights set aside in compressed rows."},
            "One pass back through the network per sequence; O(columns log columns 2^bits) per row.",
            "Clusters are the exact optimum on a line, found by dynamic programming, where the authors iterate from a "
            "random start. The threshold of large weights is set per matrix to give the share asked for, in place of "
            "one multiple of the quartiles' distance for the whole model. Tables and single values have 16 bits "
            "(authors' kernels: 32)."};
        return made;
    }();
    return info;
}

/// Rows of codes and tables while they are made.
struct Rows {
    std::span<const float> values;
    std::span<const float> weights; ///< 0: not part of the clusters
    std::size_t columns;
    TableCodes& codes;

    [[nodiscard]] Result<void> make(std::size_t row, const RunContext& context) const {
        const auto line = values.subspan(row * columns, columns), say = weights.subspan(row * columns, columns);
        const std::size_t size = std::size_t{1} << codes.bits;
        const auto table = std::span(codes.tables).subspan(row * size, size);
        QSCOPE_TRY(const auto centres, bestCentres(line, say, static_cast<int>(size), context));
        for (std::size_t k = 0; k < size; ++k) // fewer values than centres: the last one again
            table[k] = centres.empty()
                           ? 0
                           : roundedTo(ScaleType::F16, static_cast<float>(centres[std::min(k, centres.size() - 1)]));
        for (std::size_t c = 0; c < columns; ++c)
            codes.codes[row * columns + c] = static_cast<std::uint8_t>(nearestCentre(table, line[c]));
        return {};
    }
};

class SqueezeLlm final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return describeSqueezeLlm(); }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        const std::int64_t count = elementCount(subject.shape);
        if (count == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        QuantizedTensor dense = tensorOf(subject.shape, codesFor(subject.shape, parameters));
        const std::int64_t kept = std::min(count, sensitive(count, parameters) + large(count, parameters));
        return kept > 0 ? outlineWithSingleValues(std::move(dense), kept) : dense;
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_CHECK(outline(input.subject, parameters));
        QSCOPE_TRY(auto values, finiteValues(input.weight, context));
        if (input.fisher.size() != values.size())
            return fail(ErrorCode::Unsupported, "the loss has no gradient with respect to it");
        if (input.traces)
            input.traces->push_back(heldByLargest("Sensitivity held by the most sensitive weights",
                                                  "share of the weights (%)", "share of the sum of F (%)",
                                                  input.fisher));
        const std::vector<float> given = values;
        const std::vector<std::int64_t> apart = setApart(values, input.fisher, parameters);

        const bool alike = valueOf<std::string>(parameters, "weights") == "none";
        const auto columns = static_cast<std::size_t>(asMatrix(input.weight.shape).columns);
        std::vector<float> weights(input.fisher.begin(), input.fisher.end());
        if (alike) std::ranges::fill(weights, 1.0F);
        for (std::size_t row = 0; row < weights.size(); row += columns)
            if (std::all_of(weights.begin() + static_cast<std::ptrdiff_t>(row),
                            weights.begin() + static_cast<std::ptrdiff_t>(row + columns),
                            [](float w) { return !(w > 0); }))
                std::fill_n(weights.begin() + static_cast<std::ptrdiff_t>(row), columns, 1.0F);
        for (const std::int64_t element : apart) {
            weights[static_cast<std::size_t>(element)] = 0;
            values[static_cast<std::size_t>(element)] = 0;
        }

        TableCodes codes = codesFor(input.weight.shape, parameters);
        codes.codes.resize(values.size());
        codes.tables.resize(static_cast<std::size_t>(codes.grouping.rows) << codes.bits);
        const Rows rows{values, weights, columns, codes};
        Progress unseen;
        const RunContext quiet{context.stop, unseen, context.notes, context.backend};
        QSCOPE_CHECK(parallelChunks(codes.grouping.rows, std::max<std::int64_t>(1, 4096 / codes.grouping.columns),
                                    quiet, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                                        for (std::int64_t row = begin; row < end; ++row)
                                            QSCOPE_CHECK(rows.make(static_cast<std::size_t>(row), quiet));
                                        context.progress.done.fetch_add((end - begin) * codes.grouping.columns,
                                                                        std::memory_order_relaxed);
                                        return {};
                                    }));
        QuantizedTensor dense = tensorOf(input.weight.shape, std::move(codes));
        return apart.empty() ? std::move(dense) : withSingleValues(std::move(dense), apart, given);
    }

private:
    static std::int64_t sensitive(std::int64_t count, const ParamValues& parameters) {
        return shareOf(count, valueOf<double>(parameters, "sensitive"));
    }
    static std::int64_t large(std::int64_t count, const ParamValues& parameters) {
        return shareOf(count, valueOf<double>(parameters, "outliers"));
    }

    /// The most sensitive weights, and the largest of the others.
    static std::vector<std::int64_t> setApart(std::span<const float> values, std::span<const float> fisher,
                                              const ParamValues& parameters) {
        const auto count = static_cast<std::int64_t>(values.size());
        std::vector<std::int64_t> apart = largestOf(fisher, sensitive(count, parameters));
        std::vector<float> magnitudes(values.begin(), values.end());
        for (float& x : magnitudes) x = std::abs(x);
        for (const std::int64_t element : apart) magnitudes[static_cast<std::size_t>(element)] = -1;
        const std::int64_t others = std::min(large(count, parameters), count - static_cast<std::int64_t>(apart.size()));
        const auto largest = largestOf(magnitudes, others);
        apart.insert(apart.end(), largest.begin(), largest.end());
        std::ranges::sort(apart);
        return apart;
    }

    static TableCodes codesFor(const Shape& shape, const ParamValues& parameters) {
        const MatrixShape matrix = asMatrix(shape);
        TableCodes codes;
        codes.name = "codebooks of rows";
        codes.bits = static_cast<int>(valueOf<std::int64_t>(parameters, "bits"));
        codes.grouping = {matrix.rows, matrix.columns, 1, matrix.columns};
        codes.bitsPerTable = std::uint64_t{16} << codes.bits;
        codes.tableCount = static_cast<std::uint64_t>(matrix.rows);
        return codes;
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeSqueezeLlm() { return std::make_unique<SqueezeLlm>(); }

} // namespace qscope::engine
