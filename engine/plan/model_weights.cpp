// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/model_weights.h"

#include "engine/checkpoint/architecture.h"
#include "engine/checkpoint/canonical.h"
#include "engine/core/checked_math.h"
#include "engine/core/large_vector.h"
#include "engine/plan/common_names.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace qscope::engine {

namespace {

constexpr std::int64_t kGrain = 1 << 16; // elements at a time; a multiple of every block length

/// Runs `work` over [0, count) in pieces on all cores; the error of the first piece that has one.
template<class Work>
Result<void> inPieces(std::int64_t count, const Work& work) {
    std::mutex mutex;
    std::int64_t failed = -1;
    Result<void> outcome;
    tbb::parallel_for(std::int64_t{0}, ceilDiv(count, kGrain), [&](std::int64_t piece) {
        const std::int64_t begin = piece * kGrain;
        if (auto done = work(begin, std::min(count, begin + kGrain)); !done) {
            const std::lock_guard lock(mutex);
            if (failed < 0 || piece < failed) {
                failed = piece;
                outcome = std::move(done);
            }
        }
    });
    return outcome;
}

/// Where in `values` the first NaN or infinity is, or nothing. Whether there is any is asked without a branch per
/// value.
template<class T>
std::optional<std::size_t> firstBad(std::span<const T> values) {
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    constexpr Bits kExponent = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
    const auto isBad = [](T value) { return (std::bit_cast<Bits>(value) & kExponent) == kExponent; };
    Bits any = 0;
    for (const T value : values) any |= static_cast<Bits>(isBad(value));
    if (any == 0) return std::nullopt;
    return static_cast<std::size_t>(std::ranges::find_if(values, isBad) - values.begin());
}

template<class T>
Result<nn::Value> decoded(const TensorView& view) {
    const std::int64_t count = elementCount(view.shape);
    auto values = largeVector<T>(static_cast<std::size_t>(count));
    QSCOPE_CHECK(inPieces(count, [&](std::int64_t begin, std::int64_t end) {
        return decode(
            view, begin,
            std::span(values).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
    }));
    return nn::makeValue(view.shape, std::move(values));
}

/// Rows become columns.
template<class T>
nn::Value transposed(const nn::Value& matrix) {
    const std::int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
    const auto from = nn::elements<T>(matrix);
    auto values = largeVector<T>(from.size());
    constexpr std::int64_t kTile = 32; // so that both sides stay in the cache
    tbb::parallel_for(std::int64_t{0}, ceilDiv(columns, kTile), [&](std::int64_t tile) {
        for (std::int64_t row = 0; row < rows; row += kTile)
            for (std::int64_t c = tile * kTile; c < std::min(columns, (tile + 1) * kTile); ++c)
                for (std::int64_t r = row; r < std::min(rows, row + kTile); ++r)
                    values[static_cast<std::size_t>(c * rows + r)] = from[static_cast<std::size_t>(r * columns + c)];
    });
    return nn::makeValue<T>({columns, rows}, std::move(values));
}

template<class T, class Change>
nn::Value changed(const nn::Value& value, Change change) {
    std::vector<T> values;
    for (const T x : nn::elements<T>(value)) values.push_back(static_cast<T>(change(static_cast<double>(x))));
    return nn::makeValue(value.shape(), std::move(values));
}

template<class T>
bool liesWell(const TensorView& view) {
    return !view.source && view.dtype == nn::kDTypeOf<T> &&
           reinterpret_cast<std::uintptr_t>(view.bytes.data()) % alignof(T) == 0;
}

/// Without axes of length 1.
Shape squeezed(Shape shape) {
    std::erase(shape, 1);
    return shape;
}

std::string text(const Shape& shape) { return fmt::format("{}", fmt::join(shape, " x ")); }

} // namespace

ModelWeights::ModelWeights(std::shared_ptr<const Checkpoint> checkpoint, std::string_view family, std::uint64_t keep)
    : m_checkpoint(std::move(checkpoint))
    , m_keep(keep)
    , m_finite(std::make_unique<std::atomic<bool>[]>(m_checkpoint->tensors.size())) {
    for (std::size_t i = 0; i < m_checkpoint->tensors.size(); ++i) {
        const TensorInfo& tensor = m_checkpoint->tensors[i];
        m_names.push_back(tensor.isWhole() ? weightName(*m_checkpoint, family, tensor.name) : std::string());
        if (tensor.isWhole()) m_tensors.emplace(m_names.back(), i);
    }
}

std::optional<std::size_t> ModelWeights::tensorOf(std::string_view name) const {
    const auto found = m_tensors.find(std::string(name));
    if (found == m_tensors.end()) return std::nullopt;
    return found->second;
}

ModelWeights::Reform ModelWeights::reform(std::size_t tensor) const {
    const std::string& name = m_names[tensor];
    if (m_checkpoint->format == "ggmf" && name.ends_with(".time_decay")) return Reform::LogOfNegative;
    const Architecture* family = architectureOf(*m_checkpoint);
    if (!family) return Reform::None;
    if (family->shiftsNorms && m_checkpoint->naming == Naming::Gguf && name.ends_with("norm.weight"))
        return Reform::SubtractOne;
    const bool matrix = m_checkpoint->tensors[tensor].shape.size() == 2 && name.starts_with(family->block);
    return family->transposes && m_checkpoint->naming == Naming::HuggingFace && matrix ? Reform::Transpose
                                                                                       : Reform::None;
}

std::optional<Shape> ModelWeights::shapeOf(std::string_view name) const {
    const auto tensor = tensorOf(name);
    if (!tensor) return std::nullopt;
    Shape shape = m_checkpoint->tensors[*tensor].shape;
    if (reform(*tensor) == Reform::Transpose) std::swap(shape[0], shape[1]);
    return shape;
}

Result<void> ModelWeights::expect(std::span<const nn::WeightShape> weights) {
    for (const nn::WeightShape& weight : weights) {
        const auto tensor = tensorOf(weight.name);
        if (!tensor) return fail(ErrorCode::Malformed, "the model has no weight '{}'", weight.name);
        const Shape has = *shapeOf(weight.name);
        if (squeezed(has) != squeezed(weight.shape))
            return fail(ErrorCode::Malformed, "'{}' is {}, the model's description makes it {}", weight.name, text(has),
                        text(weight.shape));
        m_shapes[*tensor] = weight.shape;
    }
    return {};
}

Result<void> ModelWeights::checkFinite(std::size_t tensor, const nn::Value& value) const {
    const auto check = [&](auto zero) {
        const auto values = nn::elements<decltype(zero)>(value);
        return inPieces(
            static_cast<std::int64_t>(values.size()), [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                const auto piece =
                    values.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
                const auto bad = firstBad(piece);
                if (!bad) return {};
                const auto layer = layerIndex(m_names[tensor]);
                return fail(ErrorCode::Malformed, "'{}'{} holds {} at element {}", m_names[tensor],
                            layer ? fmt::format(" of layer {}", *layer) : "",
                            std::isnan(piece[*bad]) ? "NaN" : "infinity", static_cast<std::size_t>(begin) + *bad);
            });
    };
    return value.dtype() == DType::F32 ? check(float{}) : check(double{});
}

Result<nn::Value> ModelWeights::commonForm(std::size_t tensor, const TensorView& stored, Precision precision) const {
    QSCOPE_TRY(const TensorView view, withRopeLayout(stored, ropeHeads(*m_checkpoint, m_names[tensor]),
                                                     m_checkpoint->ropeLayout, RopeLayout::HalfSplit));
    const auto make = [&](auto zero) -> Result<nn::Value> {
        using T = decltype(zero);
        const bool asItLies = liesWell<T>(view);
        nn::Value value{view};
        if (!asItLies) {
            QSCOPE_TRY(value, decoded<T>(view));
        }
        const bool known = asItLies && stored.bytes.data() == m_checkpoint->view(tensor).bytes.data(); // the file's own
        if (!known || !m_finite[tensor].load(std::memory_order_relaxed)) QSCOPE_CHECK(checkFinite(tensor, value));
        if (known) m_finite[tensor].store(true, std::memory_order_relaxed);
        switch (reform(tensor)) {
        case Reform::None: return value;
        case Reform::SubtractOne: return changed<T>(value, [](double x) { return x - 1; });
        case Reform::Transpose: return transposed<T>(value);
        case Reform::LogOfNegative: { // rwkv.cpp stores -exp(decay)
            value = changed<T>(value, [](double x) { return std::log(-x); });
            QSCOPE_CHECK(checkFinite(tensor, value));
            return value;
        }
        }
        return value;
    };
    QSCOPE_TRY(nn::Value value, precision == Precision::Single ? make(float{}) : make(double{}));
    if (const auto shape = m_shapes.find(tensor); shape != m_shapes.end()) {
        if (elementCount(shape->second) != elementCount(value.shape()))
            return fail(ErrorCode::OutOfRange, "'{}' cannot be replaced by a tensor of shape {}", m_names[tensor],
                        text(value.shape()));
        value = nn::reshaped(std::move(value), shape->second);
    }
    return value;
}

Result<std::vector<float>> ModelWeights::storedForm(std::size_t tensor, const nn::Value& gradient) const {
    const Reform form = reform(tensor);
    if (form == Reform::LogOfNegative)
        return fail(ErrorCode::Unsupported, "'{}' has no gradient in the form in which it is stored", m_names[tensor]);
    QSCOPE_TRY(const nn::Value turned, form == Reform::Transpose ? transposed<float>(gradient) : Result<nn::Value>(gradient));
    TensorView view = turned.host;
    view.shape = m_checkpoint->tensors[tensor].shape;
    if (elementCount(view.shape) != elementCount(gradient.shape()))
        return fail(ErrorCode::OutOfRange, "a gradient of '{}' has another size", m_names[tensor]);
    QSCOPE_TRY(view, withRopeLayout(view, ropeHeads(*m_checkpoint, m_names[tensor]), RopeLayout::HalfSplit, m_checkpoint->ropeLayout));
    std::vector<float> values(static_cast<std::size_t>(elementCount(view.shape)));
    QSCOPE_CHECK(decode(view, 0, values));
    return values;
}

Result<nn::Value> ModelWeights::weight(std::string_view name, Precision precision) const {
    const auto tensor = tensorOf(name);
    if (!tensor) return fail(ErrorCode::OutOfRange, "the checkpoint has no weight '{}'", name);
    auto& kept = m_kept[precision == Precision::Single ? 0 : 1];
    {
        const std::lock_guard lock(m_mutex);
        if (const auto found = kept.find(*tensor); found != kept.end()) return found->second;
    }
    const TensorView stored = m_checkpoint->view(*tensor);
    QSCOPE_TRY(nn::Value value, commonForm(*tensor, stored, precision));
    const bool mapped = value.host.bytes.data() == stored.bytes.data();
    const std::lock_guard lock(m_mutex);
    if (!mapped && value.host.bytes.size() <= m_keep - std::min(m_keep, m_keptBytes) &&
        kept.emplace(*tensor, value).second)
        m_keptBytes += value.host.bytes.size();
    return value;
}

} // namespace qscope::engine
