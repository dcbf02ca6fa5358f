// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/calibrate.h"

#include "engine/nn/device/device_run.h"
#include "engine/nn/taps/input_recorder.h"
#include "engine/plan/language_text.h"

#include <algorithm>
#include <bit>
#include <set>

#include <unistd.h>

namespace qscope::engine {

namespace {

/// A hash of what a calibration depends on. Not for adversaries.
class ContentKey {
public:
    void add(std::uint64_t word) { m_key = std::rotl((m_key ^ word) * 0x9E3779B97F4A7C15ull, 29); }
    void add(std::span<const std::byte> bytes) {
        for (const std::byte byte : bytes) add(static_cast<std::uint64_t>(byte));
    }
    void add(std::string_view text) {
        add(text.size());
        add(std::as_bytes(std::span(text)));
    }
    /// The catalogue, and some bytes of every tensor: two models of one shape differ everywhere.
    void add(const Checkpoint& checkpoint) {
        for (const TensorInfo& tensor : checkpoint.tensors) {
            add(tensor.name);
            add(static_cast<std::uint64_t>(tensor.dtype));
            for (const std::int64_t size : tensor.shape) add(static_cast<std::uint64_t>(size));
            if (tensor.file >= checkpoint.files.size()) continue;
            const auto file = checkpoint.files[tensor.file]->bytes();
            if (tensor.offset >= file.size()) continue;
            const auto bytes =
                file.subspan(tensor.offset, std::min<std::size_t>(tensor.bytes, file.size() - tensor.offset));
            constexpr std::size_t kPieces = 16, kPiece = 32;
            for (std::size_t i = 0; i < kPieces; ++i) {
                const std::size_t first = bytes.size() / kPieces * i;
                add(bytes.subspan(first, std::min(kPiece, bytes.size() - first)));
            }
        }
    }
    [[nodiscard]] std::uint64_t key() const { return m_key; }

private:
    std::uint64_t m_key = 0;
};

/// Half of the machine's memory: the rest is for weights and activations.
std::uint64_t memoryForMoments() {
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long page = ::sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) / 2 * static_cast<std::uint64_t>(page)
                                 : UINT64_MAX;
}

/// At most `most` whole sequences of `length`, spread evenly over the text; a text shorter than one is one.
std::vector<TextWindow> spreadSequences(std::int64_t tokens, std::int64_t length, std::int64_t most) {
    const std::int64_t whole = tokens / length;
    if (whole == 0) return {{0, tokens, 1}};
    const std::int64_t count = std::min(whole, most);
    std::vector<TextWindow> windows;
    for (std::int64_t i = 0; i < count; ++i) windows.push_back({i * whole / count * length, length, 1});
    return windows;
}

/// What is known under the settings that asked for it: the same tokens may come from another file.
std::shared_ptr<const Calibration> underSettings(std::shared_ptr<const Calibration> known,
                                                 CalibrationSettings settings) {
    settings.secondMoments = known->settings.secondMoments;
    if (settings == known->settings) return known;
    auto renamed = std::make_shared<Calibration>(*known);
    renamed->settings = std::move(settings);
    return renamed;
}

} // namespace

std::shared_ptr<const Calibration> CalibrationCache::find(std::uint64_t key, std::string_view secondMoments) const {
    const std::lock_guard lock(m_mutex);
    const auto found = std::ranges::find_if(m_entries, [&](const auto& entry) {
        const std::string& kept = entry.second->settings.secondMoments;
        return entry.first == key && (secondMoments.empty() || kept == "*" || kept == secondMoments);
    });
    return found == m_entries.end() ? nullptr : found->second;
}

void CalibrationCache::put(std::uint64_t key, std::shared_ptr<const Calibration> calibration) {
    const std::lock_guard lock(m_mutex);
    m_entries.emplace_front(key, std::move(calibration));
    if (m_entries.size() > kKept) m_entries.pop_back();
}

Result<CalibrationText> readCalibrationText(const Model& model, const CalibrationSettings& settings, const RunContext& context) {
    QSCOPE_CHECK(requireLanguageModel(model));
    if (settings.sequences < 1 || settings.samples < 0)
        return fail(ErrorCode::OutOfRange, "calibration takes at least one sequence, not {}", settings.sequences);
    QSCOPE_TRY(const std::int64_t length, windowLength(model, settings.length));
    CalibrationText read;
    QSCOPE_TRY(read.text, tokenizeFile(model, settings.text, AddEnds::No, context));
    read.windows = spreadSequences(static_cast<std::int64_t>(read.text.tokens.size()), length, settings.sequences);
    return read;
}

Result<std::shared_ptr<const Calibration>> calibrate(const Model& model, const CalibrationSettings& settings,
                                                     const RunContext& context, CalibrationCache* cache) {
    QSCOPE_TRY(const CalibrationText read, readCalibrationText(model, settings, context));
    const TokenizedText& text = read.text;
    const auto& windows = read.windows;
    const auto tokensOf = [&](const TextWindow& window) { return read.tokensOf(window); };

    ContentKey key;
    if (cache) {
        key.add(*model.checkpoint);
        key.add(static_cast<std::uint64_t>(settings.samples));
        for (const TextWindow& window : windows) {
            key.add(static_cast<std::uint64_t>(window.length));
            key.add(std::as_bytes(tokensOf(window)));
        }
        if (auto known = cache->find(key.key(), settings.secondMoments)) return underSettings(std::move(known), settings);
    }

    auto calibration = std::make_shared<Calibration>();
    calibration->settings = settings;
    calibration->sequences = static_cast<std::int64_t>(windows.size());
    calibration->length = windows.front().length;
    calibration->vocabulary = static_cast<std::int64_t>(text.tokenizer->vocabulary().tokens.size());
    std::set<std::int32_t> distinct;
    for (const TextWindow& window : windows) distinct.insert(tokensOf(window).begin(), tokensOf(window).end());
    calibration->distinctTokens = static_cast<std::int64_t>(distinct.size());

    nn::RecordingSettings recording;
    recording.samples = settings.samples;
    recording.momentBytes = memoryForMoments();
    recording.secondMoments = [&](std::string_view weight) {
        return !settings.secondMoments.empty() && matchesGlob(weight, settings.secondMoments);
    };
    context.progress.done = 0;
    context.progress.total = calibration->sequences * calibration->length;
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    nn::InputRecorder recorder(*model.graph, std::move(recording), quiet);
    QSCOPE_TRY(const auto device, nn::RunDevice::start(quiet));
    const auto batch = static_cast<std::size_t>(batchSize(model, calibration->length));
    for (std::size_t first = 0; first < windows.size(); first += batch) {
        const std::size_t end = std::min(windows.size(), first + batch);
        std::vector<std::int32_t> tokens;
        for (std::size_t w = first; w < end; ++w)
            tokens.insert(tokens.end(), tokensOf(windows[w]).begin(), tokensOf(windows[w]).end());
        nn::Execution execution(*model.graph, *model.weights, quiet, {Precision::Single, &recorder, nullptr, device.run()});
        QSCOPE_CHECK(setTokens(execution, *model.graph, tokens, static_cast<std::int64_t>(end - first)));
        QSCOPE_CHECK(runCounted(execution, *model.graph, tokens.size(), context.progress));
    }
    calibration->inputs = recorder.take();
    if (cache) cache->put(key.key(), calibration);
    return calibration;
}

} // namespace qscope::engine
