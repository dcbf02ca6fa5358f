// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/calibration.h"
#include "engine/nn/graph/execution.h"
#include "engine/nn/taps/second_moments.h"

#include <functional>
#include <map>

namespace qscope::engine::nn {

struct RecordingSettings {
    /// Whether XᵀX of what enters this weight is kept, by the weight's name.
    std::function<bool(std::string_view)> secondMoments = [](std::string_view) { return false; };
    std::int64_t samples = 256;             ///< tokens kept of each layer's inputs
    std::uint64_t momentBytes = UINT64_MAX; ///< what all second moments together may take
};

/// Records what flows into the linear layers of a graph over any number of runs, and changes nothing. An edge that
/// several layers read is recorded once.
class InputRecorder final : public Observer {
public:
    /// The graph and the context must outlive it.
    InputRecorder(const Graph& graph, RecordingSettings settings, const RunContext& context);

    [[nodiscard]] bool wants(const Graph&, ValueId) override { return false; }
    [[nodiscard]] Result<Value> value(const Graph&, ValueId, Value value) override { return value; }
    [[nodiscard]] bool wantsUse(const Graph& graph, const Node& node, std::size_t input) override;
    /// Malformed for inputs that are NaN or infinite; OutOfMemory beyond the settings' bytes.
    [[nodiscard]] Result<Value> use(const Graph& graph, const Node& node, std::size_t input, Value value) override;

    /// What was recorded, by the name of the weight; weights that saw no token are absent. Nothing is left behind.
    [[nodiscard]] std::map<std::string, std::shared_ptr<const InputStatistics>, std::less<>> take();

private:
    /// One edge that linear layers read.
    struct Tap {
        const Node* reader = nullptr; ///< the first of them
        std::vector<std::string> weights;
        std::uint64_t stream = 0; ///< of random numbers
        bool wantsMoments = false;
        InputStatistics seen;
        std::vector<double> sums, squares;
        std::optional<SecondMoments> moments;
    };
    [[nodiscard]] Result<void> record(Tap& tap, std::span<const float> rows, std::int64_t channels);
    void sample(Tap& tap, std::span<const float> rows, std::int64_t channels) const;

    const Graph& m_graph;
    RecordingSettings m_settings;
    const RunContext& m_context;
    std::map<ValueId, Tap> m_taps;
    std::uint64_t m_momentBytes = 0;
};

/// Names of the weights whose elements reach this edge through any nodes: more than one where layers are fused.
[[nodiscard]] std::vector<std::string> weightsBehind(const Graph& graph, ValueId edge);

} // namespace qscope::engine::nn
