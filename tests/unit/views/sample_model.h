// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/support/fake_context.h"
#include "tests/support/test_data.h"

#include <QImage>

#include <map>

class QWidget;

namespace qscope::test {

/// A small network of seeded, heavy-tailed weights and the results of several roundings of it, made in the test without
/// the code under test: 8 blocks of three matrices, an embedding and a norm.
struct SampleModel {
    SampleModel();

    TemporaryFolder folder;
    std::shared_ptr<const engine::Checkpoint> checkpoint;
    std::shared_ptr<const engine::CompareReport> report;
    std::map<std::int64_t, std::shared_ptr<const engine::TensorStatistics>> statistics;
};

/// One for all tests of a program: made on first use.
[[nodiscard]] const SampleModel& sampleModel();

/// The shared stand-in for the window with the sample model open, its results known and statistics of all tensors.
class SampleContext : public FakeContext {
public:
    enum class Holds { Nothing, Checkpoint, Report };
    explicit SampleContext(Holds holds = Holds::Report);
};

/// Delivers everything that is due.
void settle();
/// Shows a widget at a size and lets it finish its work.
void present(QWidget& widget, QSize size);
/// Saves into the screenshot folder of the build and returns the picture.
QImage shoot(QWidget& widget, const QString& name);
[[nodiscard]] int distinctColors(const QImage& image);
/// How many pixels are within `distance` (per channel) of a colour.
[[nodiscard]] int pixelsNear(const QImage& image, const QColor& color, int distance = 12);

} // namespace qscope::test
