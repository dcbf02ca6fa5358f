// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/activation_grid.h"
#include "engine/analysis/calibration.h"
#include "engine/backend/compute_backend.h"
#include "engine/core/run_context.h"
#include "engine/quant/parameters.h"
#include "engine/quant/quantized_tensor.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace qscope::engine {

/// What a method tells about itself; everything users read about it comes from here.
struct MethodInfo {
    std::string id;      ///< on the command line: "rtn"
    std::string name;    ///< short name in the window: "Round to nearest"
    std::string group;   ///< in the method browser: "Number formats"
    std::string paper;   ///< authors, title, year
    std::string summary; ///< one or two sentences; says where it simplifies its paper
    std::vector<ParamSpec> parameters;
    bool needsCalibration = false;
    bool quantizesActivations = false;
    bool needsImportance = false; ///< refused in a plan without an importance matrix
};

/// What rules about a whole model ask for; zero where the checkpoint does not say.
struct ModelFacts {
    std::string architecture;
    std::int64_t layers = 0;
    std::int64_t heads = 0;
    std::int64_t kvHeads = 0;
    std::int64_t experts = 0;
    bool tiedOutput = false;
};

/// The tensor a method is asked to treat, without its values.
struct Subject {
    Shape shape;
    std::string name = {};       ///< as the checkpoint has it
    std::string commonName = {}; ///< in Hugging Face's words, where they are known: "model.layers.3.mlp.up_proj.weight"
    std::optional<int> layer = {};
    ModelFacts model = {};
    bool hasImportance = false;  ///< whether `QuantInput::importance` will be there
    bool hasCalibration = false; ///< whether `QuantInput::calibration` will be there
};

/// The tensor with its values, and what calibration knows about it.
struct QuantInput {
    Subject subject;
    TensorView weight;                      ///< of the subject's shape
    /// One weight per column (mean square of the input feature), or empty; of a stack of matrices [n, rows, columns]
    /// (experts) it may be one per column of each matrix.
    std::span<const float> importance = {};
    /// What a calibration text sent into this weight, or null. Second moments are there for methods that need calibration.
    const InputStatistics* calibration = nullptr;
};

/// A tensor by itself.
[[nodiscard]] inline QuantInput inputOf(const TensorView& weight) { return {{weight.shape}, weight}; }

/// One published method. Stateless: the same input, parameters and seed give the same codes on any number of threads.
class QuantMethod {
public:
    virtual ~QuantMethod() = default;
    [[nodiscard]] virtual const MethodInfo& info() const = 0;
    /// What `quantize` will return, without its values (no codes, scales or bytes), or why the method does not take the
    /// tensor. Size, levels and whether a file format can hold the result follow from it before any work.
    [[nodiscard]] virtual Result<QuantizedTensor> outline(const Subject& subject, const ParamValues& parameters) const = 0;
    /// Whether `backend` can do the heavy work with these parameters; true for the CPU's. Whoever runs a method gives it a
    /// backend for which this holds and names that one as the device. A method that leaves the backend alone runs on the CPU.
    [[nodiscard]] virtual bool runsOn(const ComputeBackend& backend, const ParamValues&) const {
        return backend.kind() == "cpu";
    }
    /// What the method does to activations and cached keys and values while the model runs, or nothing. `calibration` may
    /// be null unless the method needs one.
    [[nodiscard]] virtual std::optional<ActivationQuantization> activations(const ParamValues&,
                                                                            const Calibration* /*calibration*/) const {
        return std::nullopt;
    }
    /// Adds each weight to the context's progress once. OutOfRange or Unsupported when the values do not suit the method.
    [[nodiscard]] virtual Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                           std::uint64_t seed, const RunContext& context) const = 0;
};

} // namespace qscope::engine
