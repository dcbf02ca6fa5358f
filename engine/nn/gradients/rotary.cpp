// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/gradient.h"
#include "engine/nn/gradients/support.h"

namespace qscope::engine::nn::backward {

namespace {

/// (a, b) -> (c a - s b, s a + c b): the gradient turns back by the same angle; dc = da a + db b, ds = db a - da b.
template<class T>
Result<InputGradients> rotaryEmbedding(const BackwardStep& step) {
    const Value& x = *step.inputs[0];
    const Shape& shape = x.shape();
    const bool split = shape.size() == 4; // [batch, heads, time, size], else [batch, time, heads * size]
    const std::int64_t heads = split ? shape[1] : attributeOr<std::int64_t>(step.node, "num_heads", 1);
    const std::int64_t time = split ? shape[2] : shape[1];
    const std::int64_t size = split ? shape[3] : shape[2] / heads;
    const std::int64_t headStride = split ? time * size : size;
    const std::int64_t timeStride = split ? size : heads * size;
    std::int64_t rotated = attributeOr<std::int64_t>(step.node, "rotary_embedding_dim", 0);
    if (rotated == 0) rotated = size;
    const std::int64_t half = rotated / 2;
    const bool interleaved = attributeOr<std::int64_t>(step.node, "interleaved", 0) != 0;
    const std::int64_t next = interleaved ? 2 : 1;
    const std::int64_t partner = interleaved ? 1 : half;
    std::vector<std::int64_t> positions;
    if (step.inputs.size() > 3 && step.inputs[3]) {
        QSCOPE_TRY(positions, integers(reshaped(*step.inputs[3], {shape[0] * time})));
    }

    const auto from = elements<T>(x);
    const auto cosines = elements<T>(*step.inputs[1]);
    const auto sines = elements<T>(*step.inputs[2]);
    const auto back = elements<T>(*step.outputGradients[0]);
    std::vector<T> dx(back.begin(), back.end());
    const bool tables = step.wanted[1] || step.wanted[2];
    std::vector<double> dCosines(tables ? cosines.size() : 0);
    std::vector<double> dSines(dCosines.size());
    for (std::int64_t token = 0; token < shape[0] * time; ++token) {
        if (token % 64 == 0 && step.run.cancelled()) return cancelled();
        const std::int64_t row = positions.empty() ? token : positions[static_cast<std::size_t>(token)];
        const std::int64_t first = token / time * heads * time * size + token % time * timeStride;
        for (std::int64_t head = 0; head < heads; ++head)
            for (std::int64_t i = 0; i < half; ++i) {
                const auto a = static_cast<std::size_t>(first + head * headStride + i * next);
                const std::size_t b = a + static_cast<std::size_t>(partner);
                const auto angle = static_cast<std::size_t>(row * half + i);
                dx[a] = cosines[angle] * back[a] + sines[angle] * back[b];
                dx[b] = cosines[angle] * back[b] - sines[angle] * back[a];
                if (!tables) continue;
                const auto wide = [](T value) { return static_cast<double>(value); };
                dCosines[angle] += wide(back[a]) * wide(from[a]) + wide(back[b]) * wide(from[b]);
                dSines[angle] += wide(back[b]) * wide(from[a]) - wide(back[a]) * wide(from[b]);
            }
    }
    InputGradients result(step.inputs.size());
    if (step.wanted[0]) result[0] = makeValue<T>(shape, std::move(dx));
    if (step.wanted[1]) result[1] = narrowed<T>(step.inputs[1]->shape(), dCosines);
    if (step.wanted[2]) result[2] = narrowed<T>(step.inputs[2]->shape(), dSines);
    return result;
}

constexpr std::array kRotary{
    Gradient{"RotaryEmbedding", rotaryEmbedding<float>, rotaryEmbedding<double>},
};

} // namespace

std::span<const Gradient> rotaryGradients() { return kRotary; }

} // namespace qscope::engine::nn::backward
