// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"

#include <QImage>
#include <QWidget>

#include <array>
#include <memory>
#include <string>

namespace qscope::test {

[[nodiscard]] std::string teleportation();
[[nodiscard]] std::string ghz(int qubits);
/// The quantum Fourier transform of |1>, whose amplitudes wind once around the phase circle.
[[nodiscard]] std::string fourier(int qubits);
/// `layers` layers of rotations and entangling gates on `qubits` qubits.
[[nodiscard]] std::string layered(int qubits, int layers);

/// The text as the window opens it.
[[nodiscard]] std::shared_ptr<const OpenCircuit> opened(const std::string& text);
/// The state after `steps` operations.
[[nodiscard]] std::shared_ptr<const engine::SimulationResult>
simulated(const OpenCircuit& circuit, std::size_t steps = SIZE_MAX, std::int64_t shots = 0);

/// Lets posted events and zero timers run until nothing is left to do.
void settle();
/// Shows the widget at a size and saves its picture as `<screenshots>/<name>.png`; fails when it is a single colour.
QImage pictureOf(QWidget& widget, QSize size, const QString& name);
/// How many different colours a picture has.
[[nodiscard]] int colorsOf(const QImage& picture);

/// The view `id` of a plugin built here, loaded as the program does.
[[nodiscard]] std::unique_ptr<QWidget> viewOf(const QString& pluginFile, const QString& id, ViewContext& context);

inline const std::array<QSize, 3> kSizes{QSize(360, 280), QSize(720, 480), QSize(1440, 900)};

} // namespace qscope::test
