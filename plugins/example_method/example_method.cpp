// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "plugins/sdk/method_plugin.h"

#include <QObject>

#include <algorithm>
#include <cmath>

using namespace qscope;
using namespace qscope::engine;

/// A symmetric grid per row whose scale is a power of two, so that hardware multiplies by it with a shift.
class PowerOfTwoScales final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override {
        static const MethodInfo info{
            "pow2", "Power-of-two scales", "Number formats",
            "Jain et al., Trained quantization thresholds for fixed-point inference, 2019",
            "Rounds to a uniform grid per output channel whose scale is the smallest power of two that holds the row. "
            "The paper trains its scales, this example takes them from the weights.",
            {{"bits", "Bits", ParamType::Integer, std::int64_t{8}, 2, 8, {}, "Width of one code.", "bit"}}};
        return info;
    }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject, const ParamValues& parameters) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        const MatrixShape matrix = asMatrix(subject.shape);
        const UniformGrid grid{static_cast<int>(valueOf<std::int64_t>(parameters, "bits")), true, ScaleType::F32};
        return QuantizedTensor{subject.shape, GridCodes{grid, {matrix.rows, matrix.columns, 1, matrix.columns}, {}}};
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters, std::uint64_t,
                                                   const RunContext& context) const override {
        QSCOPE_TRY(auto quantized, outline(input.subject, parameters));
        const TensorView& tensor = input.weight;
        auto& [grid, grouping, result, order] = std::get<GridCodes>(quantized.codes);
        const MatrixShape matrix = asMatrix(tensor.shape);
        const auto columns = static_cast<std::size_t>(matrix.columns);
        const float top = static_cast<float>((1 << (grid.bits - 1)) - 1);
        result.codes.resize(static_cast<std::size_t>(elementCount(tensor.shape)));
        result.scales.resize(static_cast<std::size_t>(matrix.rows));

        Progress rowsDone; // counts rows; the context's progress counts weights
        const RunContext rows{context.stop, rowsDone, context.notes, context.backend};
        QSCOPE_CHECK(parallelChunks(matrix.rows, 16, rows, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            std::vector<float> weights(columns);
            for (std::int64_t row = begin; row < end; ++row) {
                QSCOPE_CHECK(decode(tensor, row * matrix.columns, std::span(weights)));
                float largest = 0;
                for (const float weight : weights) {
                    if (!std::isfinite(weight)) return fail(ErrorCode::OutOfRange, "row {} holds {}", row, weight);
                    largest = std::max(largest, std::abs(weight));
                }
                const float scale = largest == 0 ? 0 : std::exp2(std::ceil(std::log2(largest / top)));
                result.scales[static_cast<std::size_t>(row)] = scale;
                for (std::size_t column = 0; column < columns && scale > 0; ++column) {
                    const float code = std::clamp(std::nearbyint(weights[column] / scale), -top, top);
                    result.codes[static_cast<std::size_t>(row) * columns + column] =
                        static_cast<std::uint8_t>(static_cast<std::int8_t>(code));
                }
                context.progress.done.fetch_add(matrix.columns, std::memory_order_relaxed);
            }
            return {};
        }));
        return quantized;
    }
};

class ExampleMethodPlugin : public QObject, public MethodPlugin {
    Q_OBJECT
    Q_PLUGIN_METADATA(IID "qscope.MethodPlugin/1" FILE "plugin.json")
    Q_INTERFACES(qscope::MethodPlugin)
public:
    [[nodiscard]] Result<void> contribute(Registries& registries) override {
        return registries.methods.add(std::make_unique<PowerOfTwoScales>());
    }
};

#include "example_method.moc"
