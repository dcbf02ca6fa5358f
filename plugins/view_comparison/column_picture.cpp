// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_comparison/column_picture.h"

#include "engine/core/parallel.h"
#include "plugins/sdk/widgets/tensor_subject.h"
#include "plugins/view_comparison/comparison_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>

namespace qscope {

namespace {

constexpr int kBins = 96;
constexpr int kErrorBins = 81; // odd: zero has a bin of its own
constexpr std::int64_t kMapRows = 96, kMapColumns = 192;
constexpr std::int64_t kChunk = 1 << 17; // weights: about 10 ms
constexpr std::size_t kMostLevels = 96;  // more bins than pixels say nothing
constexpr double kWide = 8;              // standard deviations that a model's histograms reach

/// Equal bins over [-reach, reach], or bins whose edges hold every level and that go on beyond them in equal steps.
std::vector<double> edgesFor(double low, double high, const std::vector<float>& levels) {
    if (!(high > low)) high = low + 1;
    const double width = (high - low) / kBins;
    std::vector<double> edges;
    if (levels.size() < 2 || levels.size() > kMostLevels) {
        for (int i = 0; i <= kBins; ++i) edges.push_back(low + width * i);
        return edges;
    }
    const auto first = static_cast<double>(levels.front()), last = static_cast<double>(levels.back());
    const auto stretch = [&](double from, double to) { // without its end
        const double parts = std::clamp(std::round((to - from) / width), 1.0, 2.0 * kBins);
        for (int i = 0; i < static_cast<int>(parts); ++i) edges.push_back(from + (to - from) * i / parts);
    };
    if (low < first) stretch(low, first);
    for (std::size_t i = 0; i + 1 < levels.size(); ++i)
        stretch(static_cast<double>(levels[i]), static_cast<double>(levels[i + 1]));
    if (high > last) stretch(last, high);
    edges.push_back(std::max(high, last));
    return edges;
}

std::vector<double> errorEdges(double reach) {
    std::vector<double> edges;
    if (!(reach > 0) || !std::isfinite(reach)) reach = 1;
    for (int i = 0; i <= kErrorBins; ++i) edges.push_back(reach * (2.0 * i / kErrorBins - 1));
    return edges;
}

/// Counts with a remainder for what lies outside.
struct Counter {
    explicit Counter(const std::vector<double>& bounds)
        : edges(&bounds)
        , counts(bounds.size() - 1) {}
    void add(double value) {
        if (!(value >= edges->front() && value <= edges->back())) {
            ++beyond;
            return;
        }
        const auto above = std::upper_bound(edges->begin(), edges->end(), value);
        const auto bin =
            std::min<std::ptrdiff_t>(above - edges->begin() - 1, static_cast<std::ptrdiff_t>(counts.size()) - 1);
        ++counts[static_cast<std::size_t>(bin)];
    }
    void operator+=(const Counter& other) {
        for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
        beyond += other.beyond;
    }
    [[nodiscard]] std::vector<double> density() const {
        std::int64_t all = beyond;
        for (const std::int64_t count : counts) all += count;
        std::vector<double> shares;
        for (std::size_t i = 0; i < counts.size(); ++i)
            shares.push_back(static_cast<double>(counts[i]) / std::max(1.0, static_cast<double>(all)) /
                             ((*edges)[i + 1] - (*edges)[i]));
        return shares;
    }

    const std::vector<double>* edges;
    std::vector<std::int64_t> counts;
    std::int64_t beyond = 0;
};

/// The three histograms of a picture while they are counted.
struct Counters {
    explicit Counters(const ColumnPicture& picture)
        : stored(picture.values.edges)
        , result(picture.values.edges)
        , errors(picture.errors.edges) {}
    void add(double w, double v) {
        stored.add(w);
        result.add(v);
        errors.add(v - w);
    }
    void operator+=(const Counters& other) {
        stored += other.stored;
        result += other.result;
        errors += other.errors;
    }
    void finish(ColumnPicture& picture) const {
        picture.values.stored = stored.density();
        picture.values.result = result.density();
        picture.errors.result = errors.density();
        picture.beyond = std::max(stored.beyond, errors.beyond);
    }
    Counter stored, result, errors;
};

/// The finite values' range.
Result<std::pair<double, double>> rangeOf(const engine::TensorView& stored, const RunContext& context) {
    float low = std::numeric_limits<float>::max(), high = std::numeric_limits<float>::lowest();
    std::mutex mutex;
    QSCOPE_CHECK(parallelChunks(
        engine::elementCount(stored.shape), kChunk, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            std::vector<float> values(static_cast<std::size_t>(end - begin));
            QSCOPE_CHECK(engine::decode(stored, begin, std::span<float>(values)));
            float least = std::numeric_limits<float>::max(), most = std::numeric_limits<float>::lowest();
            for (const float value : values)
                if (std::isfinite(value)) least = std::min(least, value), most = std::max(most, value);
            const std::lock_guard lock(mutex);
            low = std::min(low, least);
            high = std::max(high, most);
            return {};
        }));
    return std::pair(static_cast<double>(low), static_cast<double>(high));
}

Result<ColumnPicture> pictureOfTensor(const ColumnSubject& subject, const engine::TensorResult& result,
                                      const RunContext& context) {
    const engine::TensorView stored = subject.checkpoint->view(static_cast<std::size_t>(subject.tensor));
    const engine::QuantizedTensor& quantized = *result.quantized;
    const engine::MatrixShape shape = engine::asMatrix(stored.shape);
    ColumnPicture picture;
    picture.rows = shape.rows;
    picture.columns = shape.columns;
    picture.total = picture.counted = shape.rows * shape.columns;
    context.progress.total = picture.total + shape.rows; // the second pass counts rows
    QSCOPE_TRY(const auto range, rangeOf(stored, context));
    picture.levels = engine::gridLevels(quantized, std::clamp<std::int64_t>(subject.row, 0, shape.rows - 1),
                                        std::clamp<std::int64_t>(subject.column, 0, shape.columns - 1));
    if (picture.levels.size() > 4096) picture.levels.clear();
    picture.values.edges = edgesFor(range.first, range.second, picture.levels);
    picture.errors.edges = errorEdges(result.metrics.maxError);
    const std::int64_t rowFactor = (shape.rows + kMapRows - 1) / kMapRows,
                       columnFactor = (shape.columns + kMapColumns - 1) / kMapColumns;
    picture.mapRows = (shape.rows + rowFactor - 1) / rowFactor;
    picture.mapColumns = (shape.columns + columnFactor - 1) / columnFactor;
    picture.map.assign(static_cast<std::size_t>(picture.mapRows * picture.mapColumns), 0.0F);
    Counters all(picture);
    std::vector<double> lost(static_cast<std::size_t>(shape.columns)), energy(lost.size());
    std::mutex mutex;
    // Whole rows of cells, so that no two chunks write the same one.
    const std::int64_t grain = rowFactor * std::max<std::int64_t>(1, kChunk / (rowFactor * shape.columns));
    QSCOPE_CHECK(parallelChunks(shape.rows, grain, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        std::vector<float> w(static_cast<std::size_t>(shape.columns)), v(w.size());
        std::vector<double> myLost(w.size()), myEnergy(w.size());
        Counters mine(picture);
        for (std::int64_t row = begin; row < end; ++row) {
            if (context.cancelled()) return cancelled();
            QSCOPE_CHECK(engine::decode(stored, row * shape.columns, std::span<float>(w)));
            QSCOPE_CHECK(engine::dequantize(quantized, row * shape.columns, v));
            float* cells = &picture.map[static_cast<std::size_t>(row / rowFactor * picture.mapColumns)];
            for (std::size_t c = 0; c < w.size(); ++c) {
                const double before = static_cast<double>(w[c]), after = static_cast<double>(v[c]),
                             error = after - before;
                mine.add(before, after);
                if (!std::isfinite(error)) continue;
                myLost[c] += error * error;
                myEnergy[c] += before * before;
                float& cell = cells[static_cast<std::int64_t>(c) / columnFactor];
                if (std::abs(error) > static_cast<double>(std::abs(cell))) cell = static_cast<float>(error);
            }
        }
        const std::lock_guard lock(mutex);
        all += mine;
        for (std::size_t c = 0; c < w.size(); ++c) lost[c] += myLost[c], energy[c] += myEnergy[c];
        return {};
    }));
    all.finish(picture);
    for (std::size_t c = 0; c < lost.size(); ++c) picture.channels.push_back(energy[c] > 0 ? lost[c] / energy[c] : 0);
    return picture;
}

/// "mlp.up_proj.weight" of "model.layers.3.mlp.up_proj.weight".
QString moduleOf(const engine::TensorResult& result) {
    const QString name = QString::fromStdString(result.name);
    const QString layer = QStringLiteral(".%1.").arg(*result.layer);
    const auto at = name.indexOf(layer);
    return at < 0 ? name : name.mid(at + layer.size());
}

/// Layers by modules, and the tensors in the order of the network: known from what was measured.
void fillModelMap(const ColumnSubject& subject, ColumnPicture& picture) {
    const engine::MethodResult& result = subject.result();
    for (const engine::TensorResult& tensor : result.tensors) {
        if (!tensor.layer) continue;
        picture.mapColumns = std::max<std::int64_t>(picture.mapColumns, *tensor.layer + 1);
        if (const QString module = moduleOf(tensor);
            std::ranges::find(picture.mapNames, module) == picture.mapNames.end())
            picture.mapNames.push_back(module);
    }
    picture.mapRows = static_cast<std::int64_t>(picture.mapNames.size());
    picture.map.assign(static_cast<std::size_t>(picture.mapRows * picture.mapColumns),
                       std::numeric_limits<float>::quiet_NaN());
    for (const engine::TensorResult& tensor : result.tensors) {
        if (!tensor.layer) continue;
        const auto row = std::ranges::find(picture.mapNames, moduleOf(tensor)) - picture.mapNames.begin();
        picture.map[static_cast<std::size_t>(row * picture.mapColumns + *tensor.layer)] =
            static_cast<float>(tensor.metrics.relativeMse);
    }
    picture.tensors = depthOf(*subject.report).tensors;
    for (const std::int64_t tensor : picture.tensors) {
        const engine::TensorResult* one = resultOf(result, tensor);
        picture.channels.push_back(one ? one->metrics.relativeMse : std::numeric_limits<double>::quiet_NaN());
    }
}

Result<ColumnPicture> pictureOfModel(const ColumnSubject& subject, const RunContext& context) {
    const engine::MethodResult& result = subject.result();
    ColumnPicture picture;
    engine::ErrorSums sums;
    for (const engine::TensorResult& tensor : result.tensors) sums += tensor.sums;
    const double weights = std::max(1.0, static_cast<double>(sums.count));
    const double spread = kWide * std::sqrt(sums.reference / weights);
    picture.values.edges = edgesFor(-spread, spread, {});
    picture.errors.edges = errorEdges(std::min(result.metrics.maxError, kWide * std::sqrt(sums.difference / weights)));
    picture.total = sums.count;
    context.progress.total = static_cast<std::int64_t>(result.tensors.size());
    Counters all(picture);
    std::mutex mutex;
    QSCOPE_CHECK(parallelChunks(
        static_cast<std::int64_t>(result.tensors.size()), 1, context,
        [&](std::int64_t begin, std::int64_t) -> Result<void> {
            const engine::TensorResult& tensor = result.tensors[static_cast<std::size_t>(begin)];
            const engine::TensorView stored = subject.checkpoint->view(tensor.tensor);
            const std::int64_t count = engine::elementCount(stored.shape), taken = std::min(count, kModelSample);
            constexpr std::int64_t kStretches = 64;
            const std::int64_t length = std::max<std::int64_t>(1, taken / kStretches);
            std::vector<float> w(static_cast<std::size_t>(length)), v(w.size());
            Counters mine(picture);
            std::int64_t done = 0;
            for (std::int64_t i = 0; done < taken; ++i) {
                if (context.cancelled()) return cancelled();
                const std::int64_t now = std::min(length, taken - done);
                // All of it in order, or stretches spread evenly over it.
                const std::int64_t first = taken == count ? done : std::min(count - now, i * (count / kStretches));
                w.resize(static_cast<std::size_t>(now));
                v.resize(w.size());
                QSCOPE_CHECK(engine::decode(stored, first, std::span<float>(w)));
                QSCOPE_CHECK(engine::dequantize(*tensor.quantized, first, v));
                for (std::size_t k = 0; k < w.size(); ++k)
                    mine.add(static_cast<double>(w[k]), static_cast<double>(v[k]));
                done += now;
            }
            const std::lock_guard lock(mutex);
            all += mine;
            picture.counted += taken;
            return {};
        }));
    all.finish(picture);
    fillModelMap(subject, picture);
    return picture;
}

} // namespace

bool hasCodes(const engine::MethodResult& method, std::int64_t tensor) {
    if (tensor >= 0) {
        const engine::TensorResult* result = resultOf(method, tensor);
        return result && result->quantized;
    }
    return std::ranges::all_of(method.tensors, [](const auto& one) { return one.quantized != nullptr; });
}

Result<ColumnPicture> pictureOf(const ColumnSubject& subject, const RunContext& context) {
    const engine::MethodResult& method = subject.result();
    if (subject.tensor >= 0 && !resultOf(method, subject.tensor))
        return fail(ErrorCode::Unsupported, "the method left this tensor out");
    if (!hasCodes(method, subject.tensor)) return fail(ErrorCode::Unsupported, "the codes were not kept");
    if (subject.tensor < 0) return pictureOfModel(subject, context);
    return pictureOfTensor(subject, *resultOf(method, subject.tensor), context);
}

} // namespace qscope
