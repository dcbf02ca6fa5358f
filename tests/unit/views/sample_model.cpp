// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/views/sample_model.h"

#include "engine/core/random.h"

#include <QCoreApplication>
#include <QDir>
#include <QWidget>

#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>
#include <set>

namespace qscope::test {

namespace {

using namespace engine;

/// Normal values, columns of different scale, a few large ones: what attention and MLP matrices look like.
std::vector<float> weights(std::uint64_t stream, std::int64_t rows, std::int64_t columns, double deviation) {
    std::vector<float> values(static_cast<std::size_t>(rows * columns));
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double u = uniform(7, stream, 2 * i), v = uniform(7, stream, 2 * i + 1);
        double value = std::sqrt(-2 * std::log(1 - u)) * std::cos(2 * 3.14159265358979 * v) * deviation;
        const auto column = static_cast<std::int64_t>(i) % columns;
        if (column % 61 == 17) value *= 3;
        if (uniform(8, stream, i) < 2e-4) value *= 4;
        values[i] = static_cast<float>(value);
    }
    return values;
}

/// Rounds to nearest, symmetric, one scale per `group` values of a row; group 0: one for the tensor.
QuantizedTensor rounded(const std::vector<float>& values, std::int64_t rows, std::int64_t columns, int bits,
                        std::int64_t group) {
    GridCodes codes;
    codes.grid = {bits, true, ScaleType::F32};
    codes.grouping = group == 0 ? Grouping{rows, columns, rows, columns} : Grouping{rows, columns, 1, group};
    codes.values.scales.assign(static_cast<std::size_t>(codes.grouping.count()), 0);
    const auto groupOf = [&](std::size_t i) {
        return static_cast<std::size_t>(
            codes.grouping.indexOf(static_cast<std::int64_t>(i) / columns, static_cast<std::int64_t>(i) % columns));
    };
    const auto most = static_cast<float>((1 << (bits - 1)) - 1);
    for (std::size_t i = 0; i < values.size(); ++i)
        codes.values.scales[groupOf(i)] = std::max(codes.values.scales[groupOf(i)], std::abs(values[i]) / most);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const float scale = codes.values.scales[groupOf(i)];
        const float code = scale > 0 ? std::clamp(std::nearbyint(values[i] / scale), -most, most) : 0;
        codes.values.codes.push_back(static_cast<std::uint8_t>(static_cast<std::int8_t>(code)));
    }
    return {{rows, columns}, std::move(codes)};
}

ErrorSums summed(const std::vector<float>& reference, const QuantizedTensor& quantized) {
    std::vector<float> result(reference.size());
    REQUIRE(dequantize(quantized, 0, result));
    ErrorSums sums;
    for (std::size_t i = 0; i < reference.size(); ++i) {
        const double w = static_cast<double>(reference[i]), v = static_cast<double>(result[i]);
        ++sums.count;
        sums.reference += w * w;
        sums.difference += (w - v) * (w - v);
        sums.product += w * v;
        sums.result += v * v;
        sums.maximum = std::max(sums.maximum, std::abs(w - v));
    }
    return sums;
}

ErrorMetrics measured(const ErrorSums& sums) {
    const double relative = sums.difference / sums.reference;
    return {relative, -10 * std::log10(relative), sums.maximum, sums.product / std::sqrt(sums.reference * sums.result)};
}

} // namespace

SampleModel::SampleModel() {
    auto made = std::make_shared<Checkpoint>();
    made->format = "sample";
    made->path = folder / "weights.bin";
    std::ofstream file(made->path, std::ios::binary);
    std::vector<std::vector<float>> all;
    const auto add = [&](const std::string& name, std::int64_t rows, std::int64_t columns, double deviation) {
        all.push_back(weights(all.size(), rows, columns, deviation));
        const auto bytes = static_cast<std::uint64_t>(all.back().size() * sizeof(float));
        const std::uint64_t offset =
            made->tensors.empty() ? 0 : made->tensors.back().offset + made->tensors.back().bytes;
        made->tensors.push_back({name, DType::F32, {rows, columns}, 0, offset, bytes});
        file.write(reinterpret_cast<const char*>(all.back().data()), static_cast<std::streamsize>(bytes));
    };
    add("model.embed_tokens.weight", 320, 192, 0.04);
    for (int layer = 0; layer < 8; ++layer)
        for (const char* part : {"self_attn.q_proj", "mlp.up_proj", "mlp.down_proj"})
            add("model.layers." + std::to_string(layer) + "." + part + ".weight", 128, 192, 0.02 * (1 + 0.1 * layer));
    file.close();
    auto mapped = MappedFile::open(made->path);
    REQUIRE(mapped);
    made->files.push_back(*mapped);
    checkpoint = made;

    auto compared = std::make_shared<CompareReport>();
    compared->source = made->path.string();
    struct Setting {
        int bits;
        std::int64_t group;
    };
    for (const auto [bits, group] : {Setting{2, 64}, Setting{3, 64}, Setting{4, 0}, Setting{4, 64}, Setting{8, 192}}) {
        MethodResult method;
        method.spec = {"rtn", {{"bits", std::to_string(bits)}}};
        method.label =
            "rtn bits=" + std::to_string(bits) + (group == 0 ? " tensor" : " group=" + std::to_string(group));
        method.device = "CPU, 2 threads";
        method.seconds = 0.02 * bits;
        ErrorSums whole;
        double bitSum = 0;
        for (std::size_t i = 0; i < all.size(); ++i) {
            const TensorInfo& info = made->tensors[i];
            auto quantized =
                std::make_shared<const QuantizedTensor>(rounded(all[i], info.shape[0], info.shape[1], bits, group));
            TensorResult result{i, info.name, layerIndex(info.name), 0, {}, summed(all[i], *quantized), quantized};
            result.metrics = measured(result.sums);
            const auto stored = static_cast<double>(storedBits(*quantized));
            result.bits = stored / static_cast<double>(all[i].size());
            bitSum += stored;
            whole.count += result.sums.count, whole.reference += result.sums.reference,
                whole.difference += result.sums.difference;
            whole.product += result.sums.product, whole.result += result.sums.result,
                whole.maximum = std::max(whole.maximum, result.sums.maximum);
            method.tensors.push_back(std::move(result));
        }
        method.bitsPerWeight = bitSum / static_cast<double>(whole.count);
        method.bytes = static_cast<std::uint64_t>(bitSum / 8);
        method.metrics = measured(whole);
        compared->methods.push_back(std::move(method));
    }
    report = compared;
    for (std::size_t i = 0; i < made->tensors.size(); ++i) {
        TestRun run;
        auto computed = computeStatistics(made->view(i), {}, run.context);
        REQUIRE(computed);
        statistics[static_cast<std::int64_t>(i)] = *computed;
    }
}

const SampleModel& sampleModel() {
    static const SampleModel model;
    return model;
}

SampleContext::SampleContext(Holds holds) {
    const SampleModel& sample = sampleModel();
    if (holds == Holds::Nothing) return;
    openedCheckpoint = sample.checkpoint;
    knownStatistics = sample.statistics;
    if (holds == Holds::Report) shownReport = sample.report;
}

void settle() {
    for (int i = 0; i < 12; ++i) QCoreApplication::processEvents();
}

void present(QWidget& widget, QSize size) {
    widget.resize(size);
    widget.show();
    settle();
}

QImage shoot(QWidget& widget, const QString& name) {
    const QImage image = widget.grab().toImage().convertToFormat(QImage::Format_RGB32);
    QDir().mkpath(QStringLiteral(QSCOPE_SCREENSHOT_DIR));
    CHECK(image.save(QStringLiteral(QSCOPE_SCREENSHOT_DIR "/%1.png").arg(name)));
    return image;
}

int distinctColors(const QImage& image) {
    std::set<QRgb> colors;
    for (int y = 0; y < image.height(); ++y)
        for (int x = 0; x < image.width(); ++x) colors.insert(image.pixel(x, y));
    return static_cast<int>(colors.size());
}

int pixelsNear(const QImage& image, const QColor& color, int distance) {
    int found = 0;
    for (int y = 0; y < image.height(); ++y)
        for (int x = 0; x < image.width(); ++x) {
            const QRgb pixel = image.pixel(x, y);
            found += std::abs(qRed(pixel) - color.red()) <= distance &&
                     std::abs(qGreen(pixel) - color.green()) <= distance &&
                     std::abs(qBlue(pixel) - color.blue()) <= distance;
        }
    return found;
}

} // namespace qscope::test
