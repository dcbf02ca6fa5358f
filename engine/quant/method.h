// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/activation_grid.h"
#include "engine/analysis/calibration.h"
#include "engine/backend/compute_backend.h"
#include "engine/core/run_context.h"
#include "engine/quant/parameters.h"
#include "engine/quant/quantized_tensor.h"
#include "engine/quant/trace.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace qscope::engine {

class ModelAccess;

/// Where a method stands when several are chained (`Pipeline`): at most some transforms, one rounding, some repairs.
enum class Stage : std::uint8_t {
    Transform, ///< changes weights and inputs so that the layer computes the same and rounds better
    Rounding,  ///< turns weights into codes
    Repair     ///< adds to the codes what makes up for their error
};

/// The method's page in the help: in our own words, formulas as text.
struct MethodHelp {
    std::string objective;          ///< what is minimised
    std::vector<std::string> steps; ///< in order
    std::string cost;               ///< of time and memory, in sizes of the layer
    std::string differences = {};   ///< where it departs from its paper, and why; empty: nowhere
};

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
    Stage stage = Stage::Rounding;
    /// Wants inputs as the layers before, already quantized, give them: the plan walks the network block by block. Needs
    /// calibration.
    bool sequential = false;
    bool needsGradients = false;   ///< of the model's loss on the calibration text: `QuantInput::gradient` and `fisher`
    bool needsBothStreams = false; ///< `QuantInput::fullInputs` and `crossMoments`; sequential methods only
    bool wholeModel = false;       ///< does its work in `quantizeModel`; needs calibration
    MethodHelp help = {};
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
    /// For sequential methods, with the layers before quantized.
    const InputStatistics* calibration = nullptr;
    /// All weights that read the same inputs (query, key and value), this one included, in the order of execution; empty: not
    /// known. What a transform does to shared inputs must not depend on which of them asks.
    std::span<const TensorView> sharing = {};
    /// Of the loss (cross entropy per token) with respect to each weight, on the calibration sequences in full precision:
    /// the mean gradient, and the mean of its squares over sequences (diagonal Fisher information). Empty unless asked for.
    std::span<const float> gradient = {};
    std::span<const float> fisher = {};
    /// The same text's inputs in full precision, and (X_full - X) Xᵀ summed over tokens, [channels, channels] (row: channel
    /// of the difference), where `calibration` is X of the quantized network. Null and empty unless asked for.
    const InputStatistics* fullInputs = nullptr;
    std::span<const double> crossMoments = {};
    std::vector<Trace>* traces = nullptr; ///< where to leave what is worth seeing; null: nobody looks
};

/// What a transform does to the inputs of a layer: input c is divided by factors[c], and column c of the weight multiplied,
/// which `ColumnTransformed` undoes.
struct InputTransform {
    std::vector<float> factors; ///< positive, one per column
    int factorBits = 0;         ///< what storing each takes; 0: folded into the layer before
};

/// A tensor by itself.
[[nodiscard]] inline QuantInput inputOf(const TensorView& weight) { return {{weight.shape}, weight}; }

/// One published method. Stateless: the same input, parameters and seed give the same codes on any number of threads.
class QuantMethod {
public:
    virtual ~QuantMethod() = default;
    [[nodiscard]] virtual const MethodInfo& info() const = 0;
    /// What `quantize` will return, without its values (no codes, scales or bytes), or why the method does not take the
    /// tensor. Size, levels and whether a file format can hold the result follow from it before any work. Of a transform:
    /// a `ColumnTransformed` around anything, for what it does to the columns and what storing that takes.
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
    /// Whether `quantize` looks at `fullInputs` and `crossMoments` with these parameters; sequential methods only.
    [[nodiscard]] virtual bool readsBothStreams(const ParamValues&) const { return info().needsBothStreams; }
    /// Rounding. Adds each weight to the context's progress once. OutOfRange or Unsupported when the values do not suit the
    /// method. Transforms and repairs have none.
    [[nodiscard]] virtual Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                           std::uint64_t seed, const RunContext& context) const;
    /// Transform: what to do to the inputs of this weight, the same for all weights that share them.
    [[nodiscard]] virtual Result<InputTransform> transform(const QuantInput& input, const ParamValues& parameters,
                                                           std::uint64_t seed, const RunContext& context) const;
    /// Repair: what `result` becomes when its error against the input's weight is made up for. In `outline`, the input has
    /// no values and `result` is an outline.
    [[nodiscard]] virtual Result<QuantizedTensor> repair(QuantizedTensor result, const QuantInput& input,
                                                         const ParamValues& parameters, std::uint64_t seed,
                                                         const RunContext& context) const;
    /// What `repair` will make of an outline.
    [[nodiscard]] virtual Result<QuantizedTensor> outlineRepair(QuantizedTensor result, const Subject& subject,
                                                                const ParamValues& parameters) const;
    /// Methods with `wholeModel`: leaves a result installed for every weight of the model that it takes (a repair: in place
    /// of the one that is installed). Sets the context's progress itself.
    [[nodiscard]] virtual Result<void> quantizeModel(ModelAccess& model, const ParamValues& parameters, std::uint64_t seed,
                                                     const RunContext& context) const;
};

} // namespace qscope::engine
