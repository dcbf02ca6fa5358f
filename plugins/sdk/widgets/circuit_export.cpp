// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/circuit_painter.h"

#include "engine/core/atomic_file.h"

#include <QBuffer>
#include <QSvgGenerator>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr double kLineWidth = 1600; ///< a drawing wider than this continues on the next line
constexpr double kLineGap = 24;
constexpr double kMostPngSide = 32'000; ///< QPainter's coordinates in an image end at 32,767
constexpr double kMostPngPixels = 2e8;

/// The drawing cut at column borders into lines that are not wider than `kLineWidth`, each with its names.
std::vector<QRectF> linesOf(const CircuitGeometry& geometry) {
    const QSizeF size = geometry.size();
    std::vector<QRectF> lines;
    const int columns = geometry.layout().columns;
    const double room = kLineWidth - geometry.labelWidth() - CircuitGeometry::kMargin;
    for (int first = 0; first < columns;) {
        int last = first;
        while (last + 1 < columns && geometry.columnX(last + 2) - geometry.columnX(first) <= room) ++last;
        const double begin = geometry.columnX(first) - geometry.labelWidth();
        const double end = geometry.columnX(last + 1) + (last + 1 == columns ? CircuitGeometry::kMargin : 0);
        lines.emplace_back(begin, 0, end - begin, size.height());
        first = last + 1;
    }
    if (lines.empty()) lines.emplace_back(QPointF(0, 0), size);
    return lines;
}

void paintLines(QPainter& painter, const CircuitGeometry& geometry, const std::vector<QRectF>& lines,
                const QSizeF& size, const Theme& theme) {
    painter.fillRect(QRectF(QPointF(0, 0), size), theme.color(Role::Surface));
    for (const auto& line : lines) {
        painter.save();
        painter.translate(-line.left(), 0);
        // The columns of the next line begin exactly at the right edge; stay short of it.
        paintCircuit(painter, geometry, line.adjusted(0, 0, -1e-6, 0), theme);
        painter.restore();
        painter.translate(0, line.height() + kLineGap);
    }
}

} // namespace

QImage circuitMinimap(const CircuitGeometry& geometry, QSize size, const Theme& theme) {
    QImage image(size, QImage::Format_ARGB32_Premultiplied);
    image.fill(theme.color(Role::Sunken));
    QPainter painter(&image);
    const double xScale = size.width() / std::max(1.0, geometry.size().width());
    const double yScale = size.height() / std::max(1.0, geometry.size().height());
    for (const auto& operation : geometry.layout().operations) {
        if (operation.kind == engine::SymbolKind::Barrier) continue;
        const double a = geometry.wireY(operation.lowest) * yScale, b = geometry.wireY(operation.highest) * yScale;
        painter.fillRect(QRectF(geometry.columnX(operation.column) * xScale, std::min(a, b) - 0.5,
                                std::max(1.0, CircuitGeometry::kBox * xScale), std::abs(a - b) + 1),
                         theme.color(Role::Muted));
    }
    return image;
}

Result<void> drawCircuit(const engine::Circuit& circuit, const Theme& theme, const std::filesystem::path& path,
                         engine::WireOrder order) {
    const std::string kind = path.extension().string();
    if (kind != ".svg" && kind != ".png")
        return fail(ErrorCode::Unsupported, "{}: a drawing ends in .svg or .png", path.string());
    const std::shared_ptr<const engine::Circuit> borrowed(std::shared_ptr<const engine::Circuit>(), &circuit);
    const CircuitGeometry geometry(borrowed, order);
    const auto lines = linesOf(geometry);
    QSizeF size(0, static_cast<double>(lines.size()) * (geometry.size().height() + kLineGap) - kLineGap);
    for (const auto& line : lines) size.setWidth(std::max(size.width(), std::ceil(line.width())));

    QBuffer written;
    written.open(QIODevice::WriteOnly);
    if (kind == ".svg") {
        QSvgGenerator generator;
        generator.setOutputDevice(&written);
        generator.setSize(size.toSize());
        generator.setViewBox(QRectF(QPointF(0, 0), size));
        generator.setTitle(QObject::tr("Circuit"));
        QPainter painter(&generator);
        paintLines(painter, geometry, lines, size, theme);
    } else {
        constexpr double kScale = 2; // sharp on dense screens and in print
        if (std::max(size.width(), size.height()) * kScale > kMostPngSide ||
            size.width() * size.height() * kScale * kScale > kMostPngPixels)
            return fail(ErrorCode::OutOfRange,
                        "{}: a drawing of {:.0f} x {:.0f} points is too large for PNG; SVG can hold it", path.string(),
                        size.width(), size.height());
        QImage image((size * kScale).toSize(), QImage::Format_RGB32);
        if (image.isNull())
            return fail(ErrorCode::OutOfMemory, "{}: no memory for a picture of {} x {} pixels", path.string(),
                        image.width(), image.height());
        image.setDevicePixelRatio(kScale);
        QPainter painter(&image);
        paintLines(painter, geometry, lines, size, theme);
        painter.end();
        if (!image.save(&written, "PNG"))
            return fail(ErrorCode::Io, "{}: the picture cannot be encoded", path.string());
    }
    const auto& bytes = written.data();
    return writeFileAtomically(path, std::string_view(bytes.constData(), static_cast<std::size_t>(bytes.size())));
}

} // namespace qscope
