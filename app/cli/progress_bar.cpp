// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/progress_bar.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace qscope::cli {

ProgressBar::ProgressBar(std::string title, const Progress& progress)
    : m_painter([title = std::move(title), &progress](const std::stop_token& stop) {
          std::mutex mutex;
          std::condition_variable_any wake;
          std::unique_lock lock(mutex);
          while (!wake.wait_for(lock, stop, std::chrono::milliseconds(250), [&] { return stop.stop_requested(); })) {
              const auto total = progress.total.load();
              if (total <= 0) continue;
              const double part = std::clamp(static_cast<double>(progress.done.load()) / static_cast<double>(total), 0.0, 1.0);
              const auto filled = static_cast<std::size_t>(part * 30);
              fmt::print(stderr, "\r{} [{}{}] {:3.0f} %", title, std::string(filled, '#'), std::string(30 - filled, ' '),
                         100 * part);
              std::fflush(stderr);
          }
          fmt::print(stderr, "\r\033[K");
      }) {}

ProgressBar::~ProgressBar() = default;

} // namespace qscope::cli
