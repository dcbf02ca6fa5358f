// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/calibration.h"
#include "engine/plan/language_text.h"

#include <deque>
#include <mutex>

namespace qscope::engine {

/// The latest calibrations, by what they depend on: the model's files, the tokens of the text, the settings. One with
/// more second moments serves who asks for fewer. Safe to use from several threads.
class CalibrationCache {
public:
    /// One that has at least the second moments asked for (a glob, as in the settings), or null.
    [[nodiscard]] std::shared_ptr<const Calibration> find(std::uint64_t key, std::string_view secondMoments) const;
    void put(std::uint64_t key, std::shared_ptr<const Calibration> calibration);

private:
    static constexpr std::size_t kKept = 4;
    mutable std::mutex m_mutex;
    std::deque<std::pair<std::uint64_t, std::shared_ptr<const Calibration>>> m_entries; ///< the latest first
};

/// The sequences of a text that calibration goes through: whole ones, spread evenly; a text shorter than one is one.
struct CalibrationText {
    TokenizedText text;
    std::vector<TextWindow> windows; ///< all of one length

    [[nodiscard]] std::span<const std::int32_t> tokensOf(const TextWindow& window) const {
        return std::span(text.tokens).subspan(static_cast<std::size_t>(window.first), static_cast<std::size_t>(window.length));
    }
};
[[nodiscard]] Result<CalibrationText> readCalibrationText(const Model& model, const CalibrationSettings& settings,
                                                          const RunContext& context);

/// Runs the text through the model in sequences, on the context's device where that does an operator, and records what flows
/// into its linear layers. Progress counts tokens.
/// Errors as those of `evaluate`; OutOfMemory, before it is allocated, when the second moments asked for do not fit.
[[nodiscard]] Result<std::shared_ptr<const Calibration>> calibrate(const Model& model,
                                                                   const CalibrationSettings& settings,
                                                                   const RunContext& context,
                                                                   CalibrationCache* cache = nullptr);

} // namespace qscope::engine
