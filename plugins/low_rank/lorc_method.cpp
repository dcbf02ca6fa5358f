// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"
#include "engine/quant/trace_points.h"
#include "engine/quant/truncated_svd.h"
#include "plugins/low_rank/low_rank_methods.h"

#include <algorithm>

namespace qscope::engine {

namespace {

const MethodInfo& describeLorc() {
    static const MethodInfo info = [] {
        MethodInfo made{
            "lorc",
            "LoRC",
            "Low rank",
            "Yao et al., ZeroQuant-V2: exploring post-training quantization in LLMs from comprehensive study to low "
            "rank compensation, 2023",
            "Adds to any method's codes the product of two narrow matrices that is nearest to what rounding changed: "
            "gptq:bits=3+lorc.",
            {{"rank", "Rank", ParamType::Integer, std::int64_t{8}, 1, 4096, {}, "Width of the two matrices.", ""}}};
        made.stage = Stage::Repair;
        made.help = {"min |W - Ŵ - U V|² in the sum of squares over all U [rows, rank] and V [rank, columns].",
                     {"Take the error E = W - Ŵ of the codes.",
                      "Find its largest singular values and their vectors: E ≈ P S Qᵀ.",
                      "Store U = P S^½ and V = S^½ Qᵀ in 16 bits each."},
                     "O(rows columns (rank + 10)) per matrix; no data.",
                     "Factors have 16 bits; the paper also stores them in 8."};
        return made;
    }();
    return info;
}

class Lorc final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return describeLorc(); }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject&, const ParamValues&) const override {
        return fail(ErrorCode::Unsupported,
                    "LoRC repairs what another method left: write it behind one, as in 'rtn+lorc'");
    }

    [[nodiscard]] Result<QuantizedTensor> outlineRepair(QuantizedTensor result, const Subject& subject,
                                                        const ParamValues& parameters) const override {
        return around(std::move(result), subject.shape, parameters);
    }

    [[nodiscard]] Result<QuantizedTensor> repair(QuantizedTensor result, const QuantInput& input,
                                                 const ParamValues& parameters, std::uint64_t,
                                                 const RunContext& context) const override {
        QSCOPE_TRY(auto error, finiteValues(input.weight, context));
        std::vector<float> rounded(error.size());
        QSCOPE_CHECK(dequantizeParallel(result, rounded, context));
        for (std::size_t i = 0; i < error.size(); ++i) error[i] -= rounded[i];
        QSCOPE_TRY(auto factors,
                   truncatedSvd(error, asMatrix(result.shape), valueOf<std::int64_t>(parameters, "rank"), context));
        if (input.traces) leaveTraces(*input.traces, error, factors.values);
        QSCOPE_CHECK(roundToHalves(factors));
        const Shape shape = result.shape;
        return around(std::move(result), shape, parameters, std::move(factors));
    }

private:
    /// The singular values that are kept, and how much of the squared error they hold.
    static void leaveTraces(std::vector<Trace>& traces, std::span<const float> error, std::span<const double> values) {
        double all = 0, sum = 0;
        for (const float e : error) all += static_cast<double>(e) * static_cast<double>(e);
        std::vector<double> held;
        for (const double value : values) held.push_back(all > 0 ? 100 * (sum += value * value) / all : 0);
        traces.push_back(courseOf("Singular values of the error that are kept", "rank", "singular value", values));
        traces.push_back(
            courseOf("Error that the low-rank part takes up", "rank", "share of the squared error (%)", held));
    }

    static QuantizedTensor around(QuantizedTensor base, const Shape& shape, const ParamValues& parameters,
                                  LowRankFactors factors = {}) {
        const MatrixShape matrix = asMatrix(shape);
        LowRankSum form;
        form.base = std::make_shared<const QuantizedTensor>(std::move(base));
        form.rank = std::min({valueOf<std::int64_t>(parameters, "rank"), matrix.rows, matrix.columns});
        form.left = std::move(factors.left);
        form.right = std::move(factors.right);
        return tensorOf(shape, std::move(form));
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeLorc() { return std::make_unique<Lorc>(); }

} // namespace qscope::engine
