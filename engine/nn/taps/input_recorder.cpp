// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/taps/input_recorder.h"

#include "engine/core/parallel.h"
#include "engine/core/random.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace qscope::engine::nn {

namespace {

constexpr std::uint64_t kSampleSeed = 0x5eed; ///< of the choice of samples: the same text gives the same samples
constexpr int kBins = 256;

/// Like `findHistogram` of the whole: the samples' values over their range.
Histogram histogramOf(std::span<const float> values) {
    Histogram histogram;
    if (values.empty()) return histogram;
    const auto [least, most] = std::ranges::minmax(values);
    const double low = least, width = (static_cast<double>(most) - low) / kBins;
    for (int i = 0; i <= kBins; ++i)
        histogram.edges.push_back(i == kBins ? static_cast<double>(most) : low + i * width);
    histogram.counts.assign(kBins, 0);
    for (const float value : values) {
        const double place = width > 0 ? (value - low) / width : 0;
        ++histogram.counts[static_cast<std::size_t>(std::clamp(static_cast<int>(place), 0, kBins - 1))];
    }
    return histogram;
}

} // namespace

std::vector<std::string> weightsBehind(const Graph& graph, ValueId edge) {
    std::vector<std::string> names;
    std::vector<ValueId> open{edge};
    std::set<ValueId> known{edge};
    while (!open.empty()) {
        const ValueId next = open.back();
        open.pop_back();
        const ValueInfo& value = graph.values[static_cast<std::size_t>(next)];
        if (value.role == ValueRole::Weight) names.push_back(value.name);
        if (value.role != ValueRole::Inner) continue;
        for (const Node& node : graph.nodes)
            if (std::ranges::find(node.outputs, next) != node.outputs.end())
                for (const ValueId input : node.inputs)
                    if (input != kAbsent && known.insert(input).second) open.push_back(input);
    }
    return names;
}

InputRecorder::InputRecorder(const Graph& graph, RecordingSettings settings, const RunContext& context)
    : m_graph(graph)
    , m_settings(std::move(settings))
    , m_context(context) {
    for (const Node& node : graph.nodes) {
        if (node.op->name != "Linear") continue;
        Tap& tap = m_taps[node.inputs[0]];
        if (!tap.reader) {
            tap.reader = &node;
            tap.stream = m_taps.size();
        }
        for (std::string& name : weightsBehind(graph, node.inputs[1])) {
            tap.wantsMoments = tap.wantsMoments || m_settings.secondMoments(name);
            tap.weights.push_back(std::move(name));
        }
    }
}

bool InputRecorder::wantsUse(const Graph& graph, const Node& node, std::size_t input) {
    if (&graph != &m_graph || input != 0) return false;
    const auto tap = m_taps.find(node.inputs[0]);
    return tap != m_taps.end() && tap->second.reader == &node;
}

Result<Value> InputRecorder::use(const Graph&, const Node& node, std::size_t, Value value) {
    QSCOPE_TRY(const Value single, converted(value, DType::F32));
    if (single.shape().empty() || single.shape().back() == 0)
        return fail(ErrorCode::OutOfRange, "the input of '{}' has no channels", node.name);
    QSCOPE_CHECK(record(m_taps[node.inputs[0]], elements<float>(single), single.shape().back()));
    return value;
}

Result<void> InputRecorder::record(Tap& tap, std::span<const float> rows, std::int64_t channels) {
    InputStatistics& seen = tap.seen;
    const auto width = static_cast<std::size_t>(channels);
    const auto count = static_cast<std::int64_t>(rows.size()) / channels;
    if (seen.channels == 0) {
        if (tap.wantsMoments) {
            m_momentBytes += SecondMoments::bytes(channels);
            if (m_momentBytes > m_settings.momentBytes)
                return fail(ErrorCode::OutOfMemory,
                            "second moments of the layers' inputs take more than {} MB; choose fewer layers",
                            m_settings.momentBytes >> 20);
            tap.moments.emplace(channels);
        }
        seen.channels = channels;
        seen.channelLow.resize(width);
        seen.channelHigh.resize(width);
        tap.sums.resize(width);
        tap.squares.resize(width);
    }
    if (seen.channels != channels)
        return fail(ErrorCode::OutOfRange, "the input of '{}' had {} channels and now has {}", tap.reader->name,
                    seen.channels, channels);
    const auto before = static_cast<std::size_t>(seen.tokens);
    seen.tokenMax.resize(before + static_cast<std::size_t>(count));
    Progress unseen;
    const RunContext quiet{m_context.stop, unseen, m_context.notes, m_context.backend};
    QSCOPE_CHECK(parallelChunks(count, 64, quiet, [&](std::int64_t first, std::int64_t end) -> Result<void> {
        for (std::int64_t row = first; row < end; ++row) {
            float most = 0;
            for (const float x : rows.subspan(static_cast<std::size_t>(row) * width, width)) {
                if (!std::isfinite(x))
                    return fail(ErrorCode::Malformed, "NaN or infinity flows into '{}'", tap.reader->name);
                most = std::max(most, std::abs(x));
            }
            seen.tokenMax[before + static_cast<std::size_t>(row)] = most;
        }
        return {};
    }));
    // Every channel is summed in the order of the tokens, whatever thread does it.
    QSCOPE_CHECK(parallelChunks(channels, 64, quiet, [&](std::int64_t first, std::int64_t end) -> Result<void> {
        for (std::int64_t row = 0; row < count; ++row)
            for (auto c = static_cast<std::size_t>(first); c < static_cast<std::size_t>(end); ++c) {
                const float x = rows[static_cast<std::size_t>(row) * width + c];
                seen.channelLow[c] = std::min(seen.channelLow[c], x);
                seen.channelHigh[c] = std::max(seen.channelHigh[c], x);
                tap.sums[c] += static_cast<double>(x);
                tap.squares[c] += static_cast<double>(x) * static_cast<double>(x);
            }
        return {};
    }));
    if (tap.moments) QSCOPE_CHECK(tap.moments->add(rows, m_context));
    sample(tap, rows, channels);
    seen.tokens += count;
    return {};
}

/// Vitter's algorithm R: "Random sampling with a reservoir", 1985. Token t takes a place with chance size / (t + 1).
void InputRecorder::sample(Tap& tap, std::span<const float> rows, std::int64_t channels) const {
    InputStatistics& seen = tap.seen;
    const auto width = static_cast<std::size_t>(channels);
    for (std::int64_t row = 0; row < static_cast<std::int64_t>(rows.size()) / channels; ++row) {
        const std::int64_t token = seen.tokens + row;
        std::int64_t place = token;
        if (token >= m_settings.samples) {
            const double chance = uniform(kSampleSeed, tap.stream, static_cast<std::uint64_t>(token));
            place = static_cast<std::int64_t>(chance * static_cast<double>(token + 1));
        }
        if (place >= m_settings.samples) continue;
        if (place >= seen.sampleRows) {
            seen.sampleRows = place + 1;
            seen.samples.resize(static_cast<std::size_t>(seen.sampleRows) * width);
        }
        std::ranges::copy(rows.subspan(static_cast<std::size_t>(row) * width, width),
                          seen.samples.begin() + place * channels);
    }
}

std::map<std::string, std::shared_ptr<const InputStatistics>, std::less<>> InputRecorder::take() {
    std::map<std::string, std::shared_ptr<const InputStatistics>, std::less<>> taken;
    for (auto& [edge, tap] : m_taps) {
        if (tap.seen.tokens == 0) continue;
        InputStatistics& seen = tap.seen;
        const auto mean = [&](double sum) { return static_cast<float>(sum / static_cast<double>(seen.tokens)); };
        for (std::size_t c = 0; c < seen.channelLow.size(); ++c)
            seen.channelMax.push_back(std::max(-seen.channelLow[c], seen.channelHigh[c]));
        for (const double sum : tap.sums) seen.means.push_back(mean(sum));
        for (const double sum : tap.squares) seen.meanSquares.push_back(mean(sum));
        if (tap.moments) seen.secondMoments = tap.moments->take();
        seen.histogram = histogramOf(seen.samples);
        const auto shared = std::make_shared<const InputStatistics>(std::move(seen));
        for (const std::string& weight : tap.weights) taken.emplace(weight, shared);
    }
    m_taps.clear();
    return taken;
}

} // namespace qscope::engine::nn
