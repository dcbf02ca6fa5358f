// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_codes/code_use.h"

#include "engine/core/parallel.h"
#include "engine/quant/forms.h"
#include "plugins/view_codes/code_readers.h"
#include "plugins/view_codes/coded_layers.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

namespace qscope {

namespace {

constexpr int kBinsPerGap = 8;
constexpr std::size_t kMostBins = 512;
constexpr std::int64_t kChunk = 1 << 16; // elements: a few milliseconds

/// Equal bins over the levels and half a gap more on both sides, borders of levels' shares among the edges where levels
/// lie evenly.
void prepareHistogram(CodeUse& use) {
    const double span = use.levels.back() - use.levels.front();
    if (!(span > 0)) return;
    const auto gaps = use.levels.size() - 1;
    const double gap = span / static_cast<double>(gaps);
    const std::size_t perGap =
        std::clamp<std::size_t>(kMostBins / (gaps + 2), 1, static_cast<std::size_t>(kBinsPerGap));
    const std::size_t bins = (gaps + 2) * perGap;
    for (std::size_t i = 0; i <= bins; ++i)
        use.edges.push_back(use.levels.front() - gap + gap * static_cast<double>(i) / static_cast<double>(perGap));
    use.histogram.assign(bins, 0);
}

/// Adds what one reader says of elements [begin, end).
struct Tally {
    std::vector<std::int64_t> counts, histogram;
    std::int64_t counted = 0, beyond = 0;

    explicit Tally(const CodeUse& use)
        : counts(use.levels.size())
        , histogram(use.histogram.size()) {}

    void add(const CodeUse& use, std::size_t level, const double* place) {
        ++counted;
        ++counts[level];
        if (!place || histogram.empty() || !std::isfinite(*place)) return;
        const double bin = (*place - use.edges.front()) / (use.edges[1] - use.edges[0]);
        if (bin < 0 || bin >= static_cast<double>(histogram.size()))
            ++beyond;
        else
            ++histogram[static_cast<std::size_t>(bin)];
    }
    void addTo(CodeUse& use) const {
        for (std::size_t i = 0; i < counts.size(); ++i) use.counts[i] += static_cast<double>(counts[i]);
        for (std::size_t i = 0; i < histogram.size(); ++i) use.histogram[i] += static_cast<double>(histogram[i]);
        use.counted += counted;
        use.beyond += static_cast<double>(beyond);
    }
};

Result<void> countAll(const CodeReader& reader, const CodedLayers& layers, CodeUse& use, const RunContext& context) {
    std::mutex mutex;
    context.progress.total = use.weights;
    return parallelChunks(use.weights, kChunk, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        Tally tally(use);
        for (std::int64_t element = begin; element < end; ++element) {
            const auto at = static_cast<std::size_t>(element);
            if (!layers.isApart.empty() && layers.isApart[at]) continue;
            if (layers.weights.empty()) {
                tally.add(use, reader.level(element), nullptr);
            } else {
                const double place = reader.place(element, layers.weights[at]);
                tally.add(use, reader.level(element), &place);
            }
        }
        const std::lock_guard lock(mutex);
        tally.addTo(use);
        return {};
    });
}

} // namespace

double CodeUse::entropyBits() const {
    const double all = std::accumulate(counts.begin(), counts.end(), 0.0);
    double bits = 0;
    for (const double count : counts)
        if (count > 0) bits -= count / all * std::log2(count / all);
    return bits;
}

Result<CodeUse> codeUse(const engine::QuantizedTensor& tensor, const engine::TensorView* original,
                        const RunContext& context) {
    QSCOPE_TRY(auto layers, unwrapped(tensor, original, context));
    CodeUse use;
    use.weights = engine::elementCount(tensor.shape);
    use.apart = std::move(layers.apart);
    use.form = engine::describe(*layers.codes);
    if (const auto reader = readerOf(*layers.codes)) {
        reader->describe(use);
        if (use.levels.empty()) return fail(ErrorCode::Unsupported, "{} has no levels", use.form);
        use.counts.assign(use.levels.size(), 0);
        if (!layers.weights.empty()) prepareHistogram(use);
        QSCOPE_CHECK(countAll(*reader, layers, use, context));
        return use;
    }
    QSCOPE_TRY(const LevelSample sample, sampledLevels(*layers.codes, layers.weights, context));
    use.unit = LevelUnit::Rank;
    use.width = sample.width;
    use.levels.resize(sample.levels);
    std::iota(use.levels.begin(), use.levels.end(), 0.0);
    use.counts.assign(use.levels.size(), 0);
    if (!layers.weights.empty()) prepareHistogram(use);
    Tally tally(use);
    for (std::size_t i = 0; i < sample.elements.size(); ++i)
        if (layers.isApart.empty() || !layers.isApart[static_cast<std::size_t>(sample.elements[i])])
            tally.add(use, sample.level[i], layers.weights.empty() ? nullptr : &sample.place[i]);
    tally.addTo(use);
    use.scales = sample.steps;
    use.scalesAreSteps = true;
    return use;
}

} // namespace qscope
