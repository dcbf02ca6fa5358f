// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/awq_method.h"

#include "engine/core/parallel.h"
#include "engine/quant/forms.h"
#include "engine/quant/trace_points.h"
#include "plugins/search_and_learning/grid_choice.h"

#include <Eigen/Core>

#include <cmath>
#include <limits>

namespace qscope::engine {

namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr float kLeastFactor = 1e-4F; // llm-awq, auto_scale.py

const MethodInfo& describeAwq() {
    static const MethodInfo info = [] {
        MethodInfo made{
            "awq",
            "AWQ scale",
            "Search and learning",
            "Lin et al., AWQ: activation-aware weight quantization for on-device LLM compression and acceleration, "
            "2024",
            "Multiplies the columns of a weight by a power of how large their inputs are, so that important columns "
            "round "
            "finer, and divides the inputs by the same; the power is searched. Judges by the error of the layers that "
            "read "
            "the same inputs rather than of attention or MLP as a whole. Chain it: awq+rtn, awq+awq_clip, awq+gptq.",
            joined({gridParameters(),
                    {{"ratios",
                      "Powers tried",
                      ParamType::Integer,
                      std::int64_t{20},
                      1,
                      1000,
                      {},
                      "How many powers from 0 up to, but not including, 1.",
                      ""}}})};
        made.needsCalibration = true;
        made.stage = Stage::Transform;
        made.help.objective =
            "min over r of the sum over layers that read x of E |(Q(W diag(s)) diag(s)^-1 - W) x|^2, s_j = m_j^r / "
            "sqrt(max s min s), m_j = E |x_j|; Q is round to nearest with the bits and groups given here.";
        made.help.steps = {"m from the tokens that calibration kept.",
                           "For r = 0, 1/n, ... (n-1)/n: scale the columns, round, scale back, and weigh the error by "
                           "the inputs' second moments.",
                           "Keep the r with the least error; r = 0 scales nothing, so that the choice never does worse "
                           "on the calibration text.",
                           "The rounding that follows sees scaled weights and inputs. Factors fold into the norm or "
                           "linear layer before; where that "
                           "is not possible they are stored, 16 bits a channel."};
        made.help.cost = "One product of rows x columns x columns per power and layer that shares the inputs; twice "
                         "the weights in memory.";
        made.help.differences =
            "The paper compares the output of attention or of the MLP; a transform sees the layers that share its "
            "inputs, so the "
            "sum of their errors takes its place. Second moments over the whole text stand for a forward pass over a "
            "batch. In a chain with a method that walks the network, inputs come from the quantized layers before. As "
            "in the paper, the output projection is left alone when heads share keys and values.";
        return made;
    }();
    return info;
}

/// The mean magnitude of every input channel.
Eigen::VectorXf magnitudesOf(const InputStatistics& inputs) {
    if (inputs.sampleRows > 0)
        return Eigen::Map<const Matrix>(inputs.samples.data(), inputs.sampleRows, inputs.channels)
            .cwiseAbs()
            .colwise()
            .mean()
            .transpose();
    return Eigen::Map<const Eigen::VectorXf>(inputs.meanSquares.data(), inputs.channels).cwiseSqrt();
}

class Search {
public:
    Search(const UniformGrid& grid, const Matrix& moments, const RunContext& context)
        : m_grid(grid)
        , m_moments(moments)
        , m_context(context) {}

    /// Sum over the weight's rows of e H eᵀ, e the row's error when it is rounded with its columns multiplied.
    Result<double> error(const std::vector<float>& weight, std::int64_t group,
                         const Eigen::RowVectorXf& factors) const {
        const std::int64_t columns = factors.size(), rows = static_cast<std::int64_t>(weight.size()) / columns;
        constexpr std::int64_t kRows = 64;
        std::vector<double> parts(static_cast<std::size_t>((rows + kRows - 1) / kRows));
        QSCOPE_CHECK(parallelChunks(rows, kRows, m_context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            const Eigen::Map<const Matrix> original(weight.data() + begin * columns, end - begin, columns);
            Matrix scaled = original.array().rowwise() * factors.array();
            for (std::int64_t row = 0; row < scaled.rows(); ++row)
                for (std::int64_t first = 0; first < columns; first += group) {
                    const std::span values(scaled.data() + row * columns + first,
                                           static_cast<std::size_t>(std::min(group, columns - first)));
                    const UniformStep step = fitStep(values, {}, m_grid);
                    for (float& value : values) value = step.rounded(value);
                }
            const Matrix errors = (scaled.array().rowwise() / factors.array()).matrix() - original;
            parts[static_cast<std::size_t>(begin / kRows)] =
                static_cast<double>((errors * m_moments).cwiseProduct(errors).sum());
            return {};
        }));
        double sum = 0;
        for (const double part : parts) sum += part;
        return sum;
    }

private:
    UniformGrid m_grid;
    const Matrix& m_moments;
    const RunContext& m_context;
};

class AwqScale final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return describeAwq(); }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        return outlineOnGrid(subject, parameters);
    }

    [[nodiscard]] Result<InputTransform> transform(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_TRY(const auto outlined, outline(input.subject, parameters));
        const auto& form = std::get<GridCodes>(outlined.codes);
        const Folding folding = foldingOf(input.subject);
        if (folding == Folding::Never) return InputTransform{};
        const std::int64_t columns = form.grouping.columns;
        const InputStatistics* seen = input.calibration;
        if (!seen || seen->channels != columns || seen->secondMoments.empty())
            return fail(ErrorCode::Unsupported, "the calibration text did not reach this weight");
        const std::vector<TensorView> alone{input.weight};
        std::vector<std::vector<float>> weights;
        for (const TensorView& weight : input.sharing.empty() ? std::span<const TensorView>(alone) : input.sharing) {
            if (asMatrix(weight.shape).columns != columns)
                return fail(ErrorCode::Unsupported, "weights that share inputs have rows of several lengths");
            QSCOPE_TRY(auto values, finiteValues(weight, context));
            weights.push_back(std::move(values));
        }
        const Matrix moments =
            Eigen::Map<const Eigen::MatrixXd>(seen->secondMoments.data(), columns, columns).cast<float>() /
            static_cast<float>(std::max<std::int64_t>(1, seen->tokens));
        Progress unseen;
        const RunContext quiet{context.stop, unseen, context.notes, context.backend};
        const Search search(form.grid, moments, quiet);
        const Eigen::VectorXf magnitudes = magnitudesOf(*seen);
        const std::int64_t ratios = valueOf<std::int64_t>(parameters, "ratios");
        double least = std::numeric_limits<double>::infinity(), ratio = 0;
        std::vector<double> errors;
        InputTransform best;
        for (std::int64_t n = 0; n < ratios; ++n) {
            const Eigen::RowVectorXf factors =
                factorsFor(magnitudes, static_cast<float>(n) / static_cast<float>(ratios), folding);
            double error = 0;
            for (const auto& weight : weights) {
                QSCOPE_TRY(const double part, search.error(weight, form.grouping.groupColumns, factors));
                error += part;
            }
            errors.push_back(error);
            if (!(error < least)) continue;
            least = error;
            ratio = static_cast<double>(n) / static_cast<double>(ratios);
            best.factors.assign(factors.begin(), factors.end());
        }
        if (input.traces) {
            const std::string chart = "Output error over the power of the scaling: ", x = "power r",
                              y = "squared error per token";
            Trace curve = courseOf(chart + "tried", x, y, errors);
            for (double& at : curve.x) at = (at - 1) / static_cast<double>(ratios);
            input.traces->push_back(std::move(curve));
            input.traces->push_back(choiceOf(chart + "chosen", x, y, ratio, least));
        }
        best.factorBits = folding == Folding::Stored ? 16 : 0;
        return best;
    }

private:
    static Eigen::RowVectorXf factorsFor(const Eigen::VectorXf& magnitudes, float ratio, Folding folding) {
        Eigen::RowVectorXf factors = magnitudes.array().pow(ratio).max(kLeastFactor).matrix().transpose();
        factors /= std::sqrt(factors.maxCoeff() * factors.minCoeff());
        if (folding == Folding::Stored) // what is stored multiplies the columns back
            for (float& factor : factors) factor = 1 / roundedTo(ScaleType::F16, 1 / factor);
        return factors;
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeAwqScale() { return std::make_unique<AwqScale>(); }

} // namespace qscope::engine
