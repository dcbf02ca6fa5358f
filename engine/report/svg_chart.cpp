// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/svg_chart.h"

#include "engine/report/chart_axis.h"
#include "engine/report/markup.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace qscope::engine {

namespace {

constexpr double kWidth = 760;
constexpr double kHeight = 380;
constexpr double kLeft = 64;
constexpr double kTop = 16;
constexpr double kBottom = kHeight - 48;
constexpr double kCharacter = 6.4; ///< mean width of one at the size of captions
constexpr double kLine = 14;       ///< height of one line of captions
constexpr std::size_t kLongestLabel = 36;

struct Box {
    double left, top, right, bottom;
    [[nodiscard]] bool meets(const Box& other) const {
        return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
    }
};

std::string colorOf(int category) { return category < 0 ? "var(--muted)" : fmt::format("var(--c{})", category % 8); }

double widthOf(const std::string& text) { return kCharacter * static_cast<double>(text.size()); }

/// A label that fits beside a chart; cut between characters.
std::string shortened(const std::string& text) {
    if (text.size() <= kLongestLabel) return text;
    std::size_t length = kLongestLabel - 1;
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
    return text.substr(0, length) + "…";
}

class Picture {
public:
    explicit Picture(const Chart& chart) : m_chart(chart) {
        double margin = chart.right ? 92 : 16;
        std::vector<double> xs;
        std::vector<double> ys;
        for (const ChartSeries& series : chart.series) {
            if (series.joined && !series.name.empty()) margin = std::max(margin, 20 + widthOf(shortened(series.name)));
            for (const ChartPoint& point : series.points) {
                xs.push_back(point.x);
                ys.push_back(point.y);
            }
        }
        m_right = kWidth - margin;
        m_x = makeAxis(chart.x.scale, xs, kLeft, m_right);
        m_y = makeAxis(chart.y.scale, ys, kBottom, kTop);
    }

    std::string draw() {
        add("<svg class=\"chart\" role=\"img\" viewBox=\"0 0 {} {}\" aria-label=\"{}\">", kWidth, kHeight,
            escapeMarkup(m_chart.title));
        drawAxes();
        for (const ChartSeries& series : m_chart.series) drawSeries(series);
        placeLineLabels();
        for (const ChartSeries& series : m_chart.series) placePointLabel(series);
        add("</svg>\n");
        return std::move(m_out);
    }

private:
    template<class... Args>
    void add(fmt::format_string<Args...> text, Args&&... args) {
        fmt::format_to(std::back_inserter(m_out), text, std::forward<Args>(args)...);
    }

    void text(double x, double y, const char* anchor, const std::string& fill, const std::string& content,
              const std::string& more = {}) {
        add("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" fill=\"{}\"{}>{}</text>", x, y, anchor, fill, more,
            escapeMarkup(content));
    }

    void line(double x1, double y1, double x2, double y2, const char* color) {
        add("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>", x1, y1, x2, y2, color);
    }

    void drawAxes() {
        for (const ChartTick& tick : m_x.ticks) {
            const double x = m_x.at(tick.value);
            line(x, kBottom, x, tick.text.empty() ? kBottom + 3 : kTop, "var(--grid)");
            if (!tick.text.empty()) text(x, kBottom + 16, "middle", "var(--muted)", tick.text);
        }
        for (const ChartTick& tick : m_y.ticks) {
            const double y = m_y.at(tick.value);
            line(tick.text.empty() ? kLeft - 3 : kLeft, y, tick.text.empty() ? kLeft : m_right, y, "var(--grid)");
            if (tick.text.empty()) continue;
            text(kLeft - 8, y + 4, "end", "var(--muted)", tick.text);
            if (m_chart.right) text(m_right + 8, y + 4, "start", "var(--muted)", m_chart.right->text(tick.value));
        }
        const double middle = (kTop + kBottom) / 2;
        text((kLeft + m_right) / 2, kHeight - 10, "middle", "var(--text)", m_chart.x.title);
        text(16, middle, "middle", "var(--text)", m_chart.y.title,
             fmt::format(" transform=\"rotate(-90 16 {:.1f})\"", middle));
        if (m_chart.right)
            text(kWidth - 6, middle, "middle", "var(--text)", m_chart.right->title,
                 fmt::format(" transform=\"rotate(-90 {:.1f} {:.1f})\"", kWidth - 6, middle));
    }

    [[nodiscard]] bool shown(const ChartPoint& point) const { return m_x.shows(point.x) && m_y.shows(point.y); }

    void drawSeries(const ChartSeries& series) {
        const std::string color = colorOf(series.category);
        const int round = std::max(series.category, 0) / 8;
        static constexpr std::array dashes{"", " stroke-dasharray=\"6 3\"", " stroke-dasharray=\"2 3\""};
        std::string path;
        for (const ChartPoint& point : series.points)
            if (shown(point))
                path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : " L", m_x.at(point.x), m_y.at(point.y));
        if (series.joined && !path.empty())
            add("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"{}/>", path, color,
                series.category < 0 ? dashes[2] : dashes[static_cast<std::size_t>(round % 3)]);
        if (!series.marked) return;
        for (const ChartPoint& point : series.points) {
            if (!shown(point)) continue;
            const double x = m_x.at(point.x);
            const double y = m_y.at(point.y);
            m_taken.push_back({x - 5, y - 5, x + 5, y + 5});
            drawMarker(x, y, round, color, point.tooltip);
        }
    }

    void drawMarker(double x, double y, int shape, const std::string& color, const std::string& tooltip) {
        static constexpr std::array shapes{"M-4 0 a4 4 0 1 0 8 0 a4 4 0 1 0 -8 0", "M-4 -4 H4 V4 H-4 Z",
                                           "M0 -5 L5 0 L0 5 L-5 0 Z", "M0 -5 L5 4 H-5 Z"};
        add("<path d=\"{}\" transform=\"translate({:.1f} {:.1f})\" fill=\"{}\"><title>{}</title></path>",
            shapes[static_cast<std::size_t>(shape % 4)], x, y, color, escapeMarkup(tooltip));
    }

    /// Names of lines stand at their right ends, moved apart where they would overlap.
    void placeLineLabels() {
        struct Label {
            double y;
            const ChartSeries* series;
        };
        std::vector<Label> labels;
        for (const ChartSeries& series : m_chart.series) {
            const auto last = std::find_if(series.points.rbegin(), series.points.rend(),
                                           [&](const ChartPoint& point) { return shown(point); });
            if (series.joined && !series.name.empty() && last != series.points.rend())
                labels.push_back({m_y.at(last->y), &series});
        }
        std::stable_sort(labels.begin(), labels.end(), [](const Label& a, const Label& b) { return a.y < b.y; });
        for (std::size_t i = 1; i < labels.size(); ++i) labels[i].y = std::max(labels[i].y, labels[i - 1].y + kLine);
        double lowest = kBottom;
        for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
            label->y = std::min(label->y, lowest);
            lowest = label->y - kLine;
        }
        for (const Label& label : labels)
            text(m_right + 8, label.y + 4, "start", "var(--text)", shortened(label.series->name),
                 fmt::format(" style=\"fill:color-mix(in srgb,{} 60%,var(--text))\"", colorOf(label.series->category)));
    }

    /// Names of single points stand where they hide nothing: right, left, above, below.
    void placePointLabel(const ChartSeries& series) {
        if (series.joined || series.name.empty() || series.points.empty() || !shown(series.points.back())) return;
        const double x = m_x.at(series.points.back().x);
        const double y = m_y.at(series.points.back().y);
        const std::string name = shortened(series.name);
        const double width = widthOf(name);
        struct Place {
            double dx, dy;
            const char* anchor;
        };
        static constexpr std::array places{Place{9, 4, "start"},    Place{-9, 4, "end"},     Place{0, -10, "middle"},
                                           Place{0, 18, "middle"},  Place{9, -10, "start"},  Place{9, 18, "start"},
                                           Place{-9, -10, "end"},   Place{-9, 18, "end"}};
        const auto boxAt = [&](const Place& place) {
            const std::string_view anchor = place.anchor;
            const double left = x + place.dx - (anchor == "end" ? width : anchor == "middle" ? width / 2 : 0);
            return Box{left, y + place.dy - 11, left + width, y + place.dy + 3};
        };
        const auto free = std::find_if(places.begin(), places.end(), [&](const Place& place) {
            const Box box = boxAt(place);
            return box.left > kLeft && box.right < m_right && box.top > kTop - 8 && box.bottom < kBottom &&
                   std::none_of(m_taken.begin(), m_taken.end(), [&](const Box& taken) { return box.meets(taken); });
        });
        const Place& place = free == places.end() ? places.front() : *free;
        m_taken.push_back(boxAt(place));
        text(x + place.dx, y + place.dy, place.anchor, "var(--text)", name);
    }

    const Chart& m_chart;
    std::string m_out;
    AxisMap m_x;
    AxisMap m_y;
    double m_right = 0;
    std::vector<Box> m_taken;
};

} // namespace

std::string svgChart(const Chart& chart) { return Picture(chart).draw(); }

} // namespace qscope::engine
