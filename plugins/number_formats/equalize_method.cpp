// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/activation_parameters.h"
#include "engine/quant/level_fit.h"
#include "engine/quant/model_access.h"
#include "plugins/number_formats/methods.h"
#include "plugins/number_formats/min_max.h"

#include <numeric>

namespace qscope::engine {

namespace {

struct Pair {
    std::size_t first;  ///< weight whose rows
    std::size_t second; ///< the columns of this one read
    std::vector<std::int64_t> rowOf;
};

/// v and o by head, up and down: between them nothing but sums and products that are linear in the row.
std::vector<Pair> pairsOf(std::span<const ModelWeight> weights) {
    std::vector<Pair> pairs;
    const auto find = [&](const std::string& name) {
        std::size_t i = 0;
        while (i < weights.size() && weights[i].name != name) ++i;
        return i;
    };
    for (std::size_t i = 0; i < weights.size(); ++i)
        for (const auto& [from, to] : {std::pair<std::string, std::string>{"v_proj.weight", "o_proj.weight"},
                                       {"up_proj.weight", "down_proj.weight"}}) {
            if (!weights[i].name.ends_with(from)) continue;
            const std::size_t other = find(weights[i].name.substr(0, weights[i].name.size() - from.size()) + to);
            if (other == weights.size()) continue;
            const std::int64_t rows = asMatrix(weights[i].subject.shape).rows,
                               columns = asMatrix(weights[other].subject.shape).columns;
            const ModelFacts& model = weights[i].subject.model;
            const bool heads = from[0] == 'v' && model.kvHeads > 0 && model.heads % model.kvHeads == 0 &&
                               rows % model.kvHeads == 0 && columns % rows == 0;
            if (!heads && (from[0] == 'v' || rows != columns)) continue;
            Pair pair{i, other, std::vector<std::int64_t>(static_cast<std::size_t>(columns))};
            std::iota(pair.rowOf.begin(), pair.rowOf.end(), std::int64_t{0});
            const std::int64_t size = heads ? rows / model.kvHeads : 1,
                               readers = heads ? model.heads / model.kvHeads : 1;
            for (std::int64_t c = 0; heads && c < columns; ++c)
                pair.rowOf[static_cast<std::size_t>(c)] = c / size / readers * size + c % size;
            pairs.push_back(std::move(pair));
        }
    return pairs;
}

class EqualizeMethod final : public QuantMethod {
public:
    EqualizeMethod() {
        m_info = {"cle",
                  "Cross-layer equalization",
                  "Number formats",
                  "Nagel, van Baalen, Blankevoort, Welling, Data-free quantization through weight equalization and "
                  "bias correction, 2019",
                  "Moves range between layers of which one feeds the other linearly (v to o, up to down) until both "
                  "have the same, then rounds to min-max integers. Biases are neither absorbed nor corrected.",
                  minMaxParameters()};
        m_info.needsCalibration = m_info.wholeModel = m_info.quantizesActivations = true;
        m_info.help = {
            "Equal ranges of row i of the first layer and column i of the second, whose product stays.",
            {"r1 = max|W1[i]|, r2 = max|W2[:, i]| (of all columns that read the row: heads that share values), s = "
             "sqrt(r1 / r2); 1 where one is 0.",
             "W1[i] / s and W2[:, i] s are rounded, min-max, per layer or channel; other weights as they are."},
            "One pass over the weights.",
            "The paper equalizes convolutions through ReLU and repeats over chains; of the transformer's layers only "
            "these pairs have nothing but products and sums between them, and a weight is in one pair at most, so "
            "that once is enough. Needs a network that runs, and so a calibration text, of which it uses nothing. With "
            "a scale per channel, W1 rounds as without."};
    }
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        return QuantizedTensor{subject.shape, minMaxOutline(subject.shape, parameters)};
    }
    [[nodiscard]] std::optional<ActivationQuantization> activations(const ParamValues& parameters,
                                                                    const Calibration* calibration) const override {
        return activationsFrom(parameters, calibration);
    }
    [[nodiscard]] Result<void> quantizeModel(ModelAccess& model, const ParamValues& parameters, std::uint64_t,
                                             const RunContext& context) const override {
        const auto weights = model.weights();
        Progress unseen;
        const RunContext quiet{context.stop, unseen, context.notes, context.backend};
        std::vector<std::vector<float>> rows(weights.size()), columns(weights.size());
        for (const Pair& pair : pairsOf(weights)) {
            QSCOPE_TRY(const auto first,
                       finiteValues({weights[pair.first].subject, weights[pair.first].weight}, quiet));
            QSCOPE_TRY(const auto second,
                       finiteValues({weights[pair.second].subject, weights[pair.second].weight}, quiet));
            rows[pair.first] = equalizingFactors(first, asMatrix(weights[pair.first].subject.shape).rows, second,
                                                 static_cast<std::int64_t>(pair.rowOf.size()), pair.rowOf);
            for (const std::int64_t row : pair.rowOf)
                columns[pair.second].push_back(rows[pair.first][static_cast<std::size_t>(row)]);
        }
        for (std::size_t i = 0; i < weights.size(); ++i) {
            if (context.cancelled()) return cancelled();
            const Shape& shape = weights[i].subject.shape;
            QSCOPE_TRY(auto values, finiteValues({weights[i].subject, weights[i].weight}, quiet));
            const auto wide = static_cast<std::size_t>(asMatrix(shape).columns);
            for (std::size_t e = 0; e < values.size(); ++e) {
                if (!rows[i].empty()) values[e] /= rows[i][e / wide];
                if (!columns[i].empty()) values[e] *= columns[i][e % wide];
            }
            QSCOPE_TRY(auto codes, minMaxIntegers(values, shape, parameters, quiet));
            QuantizedTensor made{shape, std::move(codes)};
            if (!columns[i].empty()) {
                ColumnTransformed form;
                for (const float factor : columns[i]) form.factors.push_back(1 / factor);
                form.base = std::make_shared<const QuantizedTensor>(std::move(made));
                made = tensorOf(shape, std::move(form));
            }
            if (!rows[i].empty()) {
                RowsScaled form;
                form.factors = rows[i];
                form.base = std::make_shared<const QuantizedTensor>(std::move(made));
                made = tensorOf(shape, std::move(form));
            }
            model.install(i, std::make_shared<const QuantizedTensor>(std::move(made)));
            context.progress.done.fetch_add(static_cast<std::int64_t>(values.size()), std::memory_order_relaxed);
        }
        return {};
    }

private:
    MethodInfo m_info;
};

} // namespace

std::unique_ptr<QuantMethod> makeEqualize() { return std::make_unique<EqualizeMethod>(); }

} // namespace qscope::engine
