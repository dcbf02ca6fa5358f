// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/report/compare_report.h"

#include <cmath>

namespace qscope::test {

/// Two methods over three layers of two tensors and a head; the second method loses more and takes less.
inline engine::CompareReport sampleReport() {
    using namespace engine;
    CompareReport report;
    report.source = "/models/<b>\"bard\" & co</b>.safetensors";
    for (const int m : {0, 1}) {
        MethodResult method;
        method.spec = {"rtn", {{"bits", m == 0 ? "8" : "4"}}};
        method.label = m == 0 ? "rtn bits=8" : "rtn bits=4";
        method.device = "CPU <16> threads";
        method.seconds = 0.25;
        ErrorSums all;
        for (std::size_t i = 0; i < 7; ++i) {
            const double loss = (m == 0 ? 1e-5 : 2e-3) * static_cast<double>(i + 1);
            ErrorSums sums{100, 50.0, 50.0 * loss, 49.9, 50.1, 0.1};
            TensorResult tensor{i, i < 6 ? "layers." + std::to_string(i / 2) + ".<w&" + std::to_string(i) + ">" : "head", {},
                                m == 0 ? 8.25 : 4.25, metricsOf(sums), sums, nullptr};
            if (i < 6) tensor.layer = static_cast<int>(i / 2);
            all += sums;
            method.tensors.push_back(tensor);
        }
        method.bitsPerWeight = m == 0 ? 8.25 : 4.25;
        method.bytes = m == 0 ? 722 : 372;
        method.metrics = metricsOf(all);
        report.methods.push_back(method);
    }
    report.notes.push_back({Severity::Warning, "left out: rows of <172>", "layers.0 & 1", {}, {}});
    return report;
}

/// The same, calibrated, and measured on a text.
inline void addText(engine::CompareReport& report) {
    using namespace engine;
    auto text = std::make_shared<EvaluatedText>();
    text->source = "/texts/<valid>.txt";
    text->scoring = Scoring::SecondHalf;
    text->context = 256;
    text->reference.tokens = 1000;
    text->reference.perplexity = 20;
    report.text = text;
    for (std::size_t m = 0; m < report.methods.size(); ++m) {
        auto quality = std::make_shared<TextQuality>();
        quality->perplexity = 21 + static_cast<double>(m);
        quality->klDivergence = m == 0 ? 0.125 : 0.25;
        quality->top1Agreement = m == 0 ? 0.75 : 0.5;
        report.methods[m].quality = quality;
    }
    report.calibration = CalibrationFacts{"/texts/<calibration>.txt", 8, 256, 900, 2048, 3};
}

} // namespace qscope::test
