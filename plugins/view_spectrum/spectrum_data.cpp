// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_spectrum/spectrum_data.h"

#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"
#include "engine/quant/truncated_svd.h"

namespace qscope {

Result<std::optional<std::vector<float>>> lowRankPart(const engine::QuantizedTensor& result,
                                                      const RunContext& context) {
    const engine::MatrixShape shape = engine::asMatrix(result.shape);
    if (const auto* outliers = engine::formOf<engine::WithOutliers>(result))
        return lowRankPart(*outliers->base, context);
    if (const auto* low = engine::formOf<engine::LowRankSum>(result)) {
        std::vector<float> part(static_cast<std::size_t>(shape.rows * shape.columns));
        QSCOPE_CHECK(engine::addProduct(part, shape, {low->rank, low->left, low->right, {}}, 1, context));
        return part;
    }
    const auto* columns = engine::formOf<engine::ColumnTransformed>(result);
    if (!columns) return std::nullopt;
    QSCOPE_TRY(auto inner, lowRankPart(*columns->base, context));
    if (!inner) return std::nullopt;
    std::vector<float> part(inner->size());
    const auto width = static_cast<std::size_t>(shape.columns);
    for (std::size_t i = 0; i < part.size(); ++i) {
        const std::size_t column = i % width;
        const std::size_t from = columns->order.empty() ? column : static_cast<std::size_t>(columns->order[column]);
        part[i] = (*inner)[i - column + from] * (columns->factors.empty() ? 1.0F : columns->factors[column]);
    }
    return part;
}

Result<std::vector<Spectrum>> spectraOf(const engine::TensorView& weights, const engine::QuantizedTensor* result,
                                        const RunContext& context) {
    const engine::MatrixShape shape = engine::asMatrix(weights.shape);
    std::vector<Spectrum> spectra;
    context.progress.total = result ? 3 : 1;
    const auto add = [&](SpectrumOf of, const std::vector<float>& matrix, bool cut) -> Result<void> {
        Spectrum spectrum{of, {}, {}};
        QSCOPE_TRY(spectrum.values, singularValues(matrix, shape, context));
        if (cut && spectrum.values.sumOfSquares > 0) {
            QSCOPE_TRY(spectrum.entropies, cutEntropies(matrix, shape, context));
        }
        spectra.push_back(std::move(spectrum));
        context.progress.done.fetch_add(1, std::memory_order_relaxed);
        return {};
    };
    std::vector<float> values(static_cast<std::size_t>(shape.rows * shape.columns));
    QSCOPE_CHECK(engine::decodeParallel(weights, 0, values, context));
    QSCOPE_CHECK(add(SpectrumOf::Weights, values, true));
    if (!result) return spectra;
    std::vector<float> rounded(values.size());
    QSCOPE_CHECK(engine::dequantizeParallel(*result, rounded, context));
    QSCOPE_CHECK(add(SpectrumOf::Result, rounded, true));
    // In place, so that no more than two matrices are held at a time.
    for (std::size_t i = 0; i < rounded.size(); ++i) rounded[i] -= values[i];
    values = {};
    QSCOPE_CHECK(add(SpectrumOf::Error, rounded, false));
    QSCOPE_TRY(const auto low, lowRankPart(*result, context));
    if (!low) return spectra;
    context.progress.total = 5;
    for (std::size_t i = 0; i < rounded.size(); ++i) rounded[i] = (*low)[i] - rounded[i];
    QSCOPE_CHECK(add(SpectrumOf::Unhelped, rounded, false));
    QSCOPE_CHECK(add(SpectrumOf::LowRank, *low, false));
    return spectra;
}

} // namespace qscope
