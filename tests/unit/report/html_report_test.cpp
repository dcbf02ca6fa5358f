// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/html_report.h"

#include "tests/unit/report/markup.h"
#include "tests/unit/report/sample_report.h"

#include <limits>

using namespace qscope;
using namespace qscope::engine;

namespace {

HtmlReportDetails details() {
    return {"0.1.0", "2026-11-22",
            {{"rtn", "Round to nearest <i>", "Number formats", "A & B, 2018", "Rounds \"every\" weight",
              {{"bits", "Bits", ParamType::Integer, std::int64_t{4}, 2, 8, {}, "", ""},
               {"symmetric", "Symmetric", ParamType::Flag, true, 0, 0, {}, "", ""}}}},
            {{"Seed", "0"}, {"<x>", "</style>"}}};
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
}

} // namespace

TEST_CASE("an HTML report closes every tag and escapes every name", "[report]") {
    const std::string html = htmlReport(test::sampleReport(), details());
    const std::string text = test::textOfWellFormed(html);
    CHECK(text.find("Quantization of b&gt;.safetensors") != std::string::npos);
    CHECK(html.find("<b>") == std::string::npos);
    CHECK(html.find("<w&") == std::string::npos);
    CHECK(html.find("<i>") == std::string::npos);
    CHECK(html.find("<x>") == std::string::npos);
    CHECK(html.find("<172>") == std::string::npos);
    CHECK(count(html, "<style>") == 1);
    CHECK(count(html, "</style>") == 1);
    CHECK(text.find("layers.2.&lt;w&amp;5&gt;") != std::string::npos);
}

TEST_CASE("an HTML report needs no other file and no script", "[report]") {
    const std::string html = htmlReport(test::sampleReport(), details());
    for (const char* outside : {"http:", "https:", "src=", "href=", "url(", "@import", "<script", "javascript"})
        CHECK(html.find(outside) == std::string::npos);
    CHECK(html.find("prefers-color-scheme:dark") != std::string::npos);
    CHECK(count(html, "<svg") == 2);
}

TEST_CASE("an HTML report says what was done, how well, and where it hurts", "[report]") {
    const std::string html = htmlReport(test::sampleReport(), details());
    for (const char* said : {"2 methods on 7 tensors with 700 weights", "rtn:bits=4", "Bits 8, Symmetric true", "A &amp; B, 2018",
                             "Quantoscope 0.1.0", "2026-11-22", "CPU &lt;16&gt; threads", "left out: rows of &lt;172&gt;",
                             "SQNR (dB)", "Relative MSE", "Layer"}) {
        INFO(said);
        CHECK(html.find(said) != std::string::npos);
    }
    // Bits and size are best in the second method, the four errors in the first, save equal ones.
    CHECK(count(html, "<small>best</small>") == 4);
    // The worst tensor comes first in its table.
    const auto table = html.find("Worst tensors");
    CHECK(html.find("<td class=\"name\">head", table) < html.find("<td class=\"name\">layers.2", table));
}

TEST_CASE("an HTML report of exact, single or layerless results stays well formed", "[report]") {
    CompareReport report = test::sampleReport();
    for (auto& method : report.methods) {
        method.metrics = {0, std::numeric_limits<double>::infinity(), 0, 1};
        for (auto& tensor : method.tensors) {
            tensor.layer = {};
            tensor.sums.difference = 0;
            tensor.metrics = method.metrics;
        }
    }
    const std::string html = htmlReport(report, {});
    test::textOfWellFormed(html);
    CHECK(html.find("Exact, so above any scale: rtn bits=8, rtn bits=4.") != std::string::npos);
    CHECK(html.find("Tensor, by its place in the file") != std::string::npos);
    CHECK(html.find("nan") == std::string::npos);
    report.methods.resize(1);
    test::textOfWellFormed(htmlReport(report, {}));
    test::textOfWellFormed(htmlReport({}, {}));
}

TEST_CASE("an HTML report of methods measured on a text says what they do to predictions", "[report]") {
    CompareReport report = test::sampleReport();
    test::addText(report);
    const std::string html = htmlReport(report, details());
    test::textOfWellFormed(html);
    CHECK(count(html, "<svg") == 3);
    for (const char* said : {"Perplexity", "KL divergence (nat)", "Top-1 agreement", "perplexity is 20.000 over",
                             "&lt;valid&gt;.txt", "second-half", "&lt;calibration&gt;.txt", "3 silent channels"}) {
        INFO(said);
        CHECK(html.find(said) != std::string::npos);
    }
}
