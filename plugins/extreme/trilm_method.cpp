// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"
#include "engine/tensor/blocks.h"
#include "plugins/extreme/extreme_methods.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

MethodInfo describeTriLm() {
    MethodInfo info{
        "trilm",
        "Ternary (TriLM)",
        "Extreme",
        "Kaushal et al., Spectra: surprising effectiveness of pretraining ternary language models at scale, 2024",
        "Rounds weights to -γ, 0 and γ as TriLM's forward pass does, γ the mean magnitude. TriLM trains with this "
        "rule; the training is not part of it, and a model that was not trained so loses most of what it knows.",
        {numberRow("shards", "Shards", 1, 1, 64,
                   "Parts of the rows with a γ of their own, as models trained on several devices have."),
         {"storage",
          "Stored as",
          ParamType::Choice,
          std::string("grid"),
          0,
          0,
          {"grid", "tq1_0", "tq2_0"},
          "grid: codes of two bits and a 16-bit γ per shard; tq1_0, tq2_0: GGUF's ternary blocks, with γ in "
          "every block of 256.",
          ""}}};
    info.help = {
        "ŵ = γ round(clip(w / γ, -1, 1)) with γ = mean |w| over a shard.",
        {"A matrix of at most one magnitude besides zero is ternary already: γ is that magnitude.",
         "Otherwise γ is the mean magnitude, in half precision; codes are those of the rule."},
        "Two passes through the weights.",
        "Rounding only: the latent weights, the straight-through gradient and the schedule belong to training. An "
        "export to TQ1_0 or TQ2_0 keeps every value: their scale is the largest magnitude of a block, which is γ "
        "wherever a block is not all zeros."};
    return info;
}

/// γ of one shard, in half precision.
float scaleOf(std::span<const float> values) {
    double sum = 0;
    float largest = 0;
    for (const float w : values) {
        sum += static_cast<double>(std::abs(w));
        largest = std::max(largest, std::abs(w));
    }
    const bool ternary = std::ranges::all_of(values, [&](float w) { return w == 0 || std::abs(w) == largest; });
    const float scale = ternary ? largest : static_cast<float>(sum / static_cast<double>(values.size()));
    if (scale == 0) return 0;
    return std::max(0x1p-24F, roundedTo(ScaleType::F16, std::min(scale, 65504.0F)));
}

class TriLm final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override {
        static const MethodInfo info = describeTriLm();
        return info;
    }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        const MatrixShape matrix = asMatrix(subject.shape);
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        const std::int64_t shards = valueOf<std::int64_t>(parameters, "shards");
        if (matrix.rows % shards != 0)
            return fail(ErrorCode::Unsupported, "{} shards do not divide {} rows", shards, matrix.rows);
        const std::string& storage = valueOf<std::string>(parameters, "storage");
        if (storage == "grid")
            return QuantizedTensor{subject.shape, GridCodes{{2, true, ScaleType::F16}, groupingOf(matrix, shards), {}}};
        if (matrix.columns % 256 != 0)
            return fail(ErrorCode::Unsupported, "{} takes rows of a multiple of 256 weights, this tensor's have {}",
                        storage, matrix.columns);
        return QuantizedTensor{subject.shape, BlockCodes{storage == "tq1_0" ? DType::TQ1_0 : DType::TQ2_0, {}}};
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_TRY(auto made, outline(input.subject, parameters));
        QSCOPE_TRY(auto values, finiteValues(input.weight, context));
        const std::int64_t shards = valueOf<std::int64_t>(parameters, "shards");
        const std::size_t size = values.size() / static_cast<std::size_t>(shards);
        RoundedToGrid rounded;
        rounded.codes.resize(values.size());
        for (std::size_t begin = 0; begin < values.size(); begin += size) {
            if (context.cancelled()) return cancelled();
            const auto shard = std::span(values).subspan(begin, size);
            const float scale = scaleOf(shard);
            rounded.scales.push_back(scale);
            for (std::size_t i = 0; i < size; ++i) {
                const float ratio = scale == 0 ? 0 : std::clamp(shard[i] / scale, -1.0F, 1.0F);
                const float code = std::nearbyint(ratio); // ties to even: half of γ becomes zero
                rounded.codes[begin + i] = static_cast<std::uint8_t>(static_cast<std::int8_t>(code));
                shard[i] = code * scale;
            }
        }
        if (auto* grid = std::get_if<GridCodes>(&made.codes)) grid->values = std::move(rounded);
        if (auto* blocks = std::get_if<BlockCodes>(&made.codes)) {
            const DTypeInfo& type = qscope::info(blocks->type);
            blocks->bytes.resize(values.size() / static_cast<std::size_t>(type.blockLength) *
                                 static_cast<std::size_t>(type.blockBits / 8));
            encodeBlocks(blocks->type, values, {}, blocks->bytes);
        }
        context.progress.done.fetch_add(static_cast<std::int64_t>(values.size()), std::memory_order_relaxed);
        return made;
    }

private:
    static Grouping groupingOf(const MatrixShape& matrix, std::int64_t shards) {
        return {matrix.rows, matrix.columns, matrix.rows / shards, matrix.columns};
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeTrilm() { return std::make_unique<TriLm>(); }

} // namespace qscope::engine
