// SPDX-License-Identifier: GPL-3.0-or-later
// Paints a drawing in the sizes that desktops look for: render_icon DRAWING.svg SIZE OUT.png [SIZE OUT.png]...
#include <QImage>
#include <QPainter>
#include <QSvgRenderer>

#include <cstdio>

int main(int argc, char** argv) {
    QSvgRenderer drawing(QString::fromLocal8Bit(argc > 1 ? argv[1] : ""));
    if (!drawing.isValid()) {
        std::fprintf(stderr, "error: no drawing\n");
        return 1;
    }
    for (int i = 2; i + 1 < argc; i += 2) {
        const int size = QByteArray(argv[i]).toInt();
        QImage image(size, size, QImage::Format_ARGB32_Premultiplied);
        image.fill(Qt::transparent);
        QPainter painter(&image);
        drawing.render(&painter);
        painter.end();
        if (!image.save(QString::fromLocal8Bit(argv[i + 1]))) {
            std::fprintf(stderr, "error: %s cannot be written\n", argv[i + 1]);
            return 1;
        }
    }
    return 0;
}
