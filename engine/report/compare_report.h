// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/metrics.h"
#include "engine/analysis/text_quality.h"
#include "engine/quant/method.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace qscope::engine {

/// One tensor under one method.
struct TensorResult {
    std::size_t tensor = 0; ///< index in the checkpoint
    std::string name;
    std::optional<int> layer;
    double bits = 0; ///< per weight
    ErrorMetrics metrics;
    ErrorSums sums; ///< behind the metrics; add them up for a layer or a module
    std::shared_ptr<const QuantizedTensor> quantized;
    std::vector<Trace> traces = {}; ///< what the method saw on its way
};

/// The importance matrix that weighted the columns, as files record it.
struct ImportanceFacts {
    std::string file;
    std::string dataset;
    std::size_t entries = 0;
    std::uint32_t chunks = 0;
};

/// The text that calibrated the methods.
struct CalibrationFacts {
    std::string text;
    std::int64_t sequences = 0;
    std::int64_t length = 0; ///< tokens of a sequence
    std::int64_t distinctTokens = 0;
    std::int64_t vocabulary = 0;
    std::int64_t silentChannels = 0; ///< of all linear layers together: nothing but zeros arrived
};

/// One method over all the tensors it was asked to treat.
struct MethodResult {
    MethodSpec spec;
    std::string label; ///< unique in the report: "rtn bits=4 group=128"
    double bitsPerWeight = 0;
    std::uint64_t bytes = 0; ///< of the treated tensors
    ErrorMetrics metrics;    ///< over all treated weights together
    double seconds = 0;      ///< the work alone
    std::string device;
    std::optional<ImportanceFacts> importance = {};
    std::optional<ActivationQuantization> activations = {};  ///< what the method does while the model runs
    std::shared_ptr<const TextQuality> quality = nullptr;    ///< null: the plan measures no text
    std::vector<TensorResult> tensors;
};

/// Methods side by side on one checkpoint. Immutable once built.
struct CompareReport {
    std::string source; ///< path of the checkpoint
    std::vector<MethodResult> methods;
    std::vector<Diagnostic> notes;
    std::optional<CalibrationFacts> calibration = {};
    std::shared_ptr<const EvaluatedText> text = nullptr; ///< on which `quality` was measured
};

} // namespace qscope::engine
