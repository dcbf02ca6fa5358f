// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

#include <map>

namespace qscope::engine {

/// A weight that is to be treated.
struct ModelWeight {
    Subject subject;
    std::string name; ///< common name; keys of `ActivationQuantization` and `Calibration`
    TensorView weight;
    std::vector<float> importance = {};
    std::shared_ptr<const WeightGradients> gradients = nullptr; ///< null unless the method asks for them
    std::vector<std::size_t> sharing = {}; ///< weights, among those to be treated, that read the same inputs; this one too
};

/// Which network a value comes from: the one in full precision, or the one in which the installed results stand in for
/// their weights (and activations are quantized, where that was asked for).
enum class Stream : std::uint8_t { Full, Quantized };

/// A part of the network, how far it is from what it should give, and with respect to what that is differentiated.
struct LossRequest {
    int first = 0;                     ///< block
    std::optional<int> last = {};      ///< block, inclusive; nothing: to the logits
    Stream inputs = Stream::Quantized; ///< of what enters block `first`
    /// Chance with which an element of what enters comes from the full-precision stream instead (QDrop); which ones follows from
    /// `mixSeed` and the sequence.
    double mixed = 0;
    std::uint64_t mixSeed = 0;
    /// What the part is compared with: the part in full precision, run on the full-precision stream or on `inputs`.
    Stream target = Stream::Full;
    enum class Criterion : std::uint8_t {
        MeanSquares,       ///< mean over elements of (output - target)²
        KullbackLeibler,   ///< mean over tokens of KL(target || output), nat; logits only
        CrossEntropy       ///< mean over tokens of -log p(next token), nat; logits only; no target
    } criterion = Criterion::MeanSquares;
    double crossEntropy = 0; ///< with KullbackLeibler: so many times the cross entropy is added
    std::span<const std::int64_t> sequences = {}; ///< of the calibration; the loss is their mean
    /// Values [rows, columns] in place of these weights; others are as the quantized stream has them.
    std::map<std::size_t, TensorView> values = {};
    std::vector<std::size_t> wanted = {}; ///< weights with respect to which gradients are asked for
    const ActivationQuantization* activations = nullptr; ///< gradients pass straight through it
};

struct LossResult {
    double loss = 0;
    std::map<std::size_t, std::vector<float>> gradients; ///< of the wanted weights, row-major
};

/// Products of a calibration text's inputs, for methods that look at two streams.
struct StreamInputs {
    std::shared_ptr<const InputStatistics> quantized; ///< second moments included
    std::shared_ptr<const InputStatistics> full;      ///< null unless asked for
    std::vector<double> crossMoments;                 ///< see `QuantInput`; empty unless asked for
};

/// A model under treatment on a calibration text: what methods that look beyond one tensor may ask and do. Blocks are the
/// network's repeated layers; asking for them in ascending order costs one pass through the network in all, going back
/// starts it anew. Not safe to use from several threads; it uses all cores itself.
class ModelAccess {
public:
    virtual ~ModelAccess() = default;

    /// In the order of execution.
    [[nodiscard]] virtual std::span<const ModelWeight> weights() const = 0;
    [[nodiscard]] virtual int blocks() const = 0;
    /// Indices of the weights inside a block, in the order of execution.
    [[nodiscard]] virtual std::vector<std::size_t> weightsOf(int block) const = 0;
    [[nodiscard]] virtual std::int64_t sequences() const = 0;
    [[nodiscard]] virtual std::int64_t length() const = 0; ///< tokens of a sequence
    /// The plan's calibration, in full precision; second moments only if the plan asked for them.
    [[nodiscard]] virtual const Calibration& calibration() const = 0;

    /// Makes a result stand in for a weight in the quantized stream from now on.
    virtual void install(std::size_t weight, std::shared_ptr<const QuantizedTensor> result) = 0;
    /// The result that stands in for the weight, or null.
    [[nodiscard]] virtual std::shared_ptr<const QuantizedTensor> installed(std::size_t weight) const = 0;
    /// Leaves something worth seeing with a weight's result.
    virtual void addTrace(std::size_t weight, Trace trace) = 0;
    /// Quantizes activations in the quantized stream; null: not.
    virtual void quantizeActivations(const ActivationQuantization* what) = 0;

    /// What flows into these weights of one block, as their readers see it now. A weight that nothing reached is absent.
    [[nodiscard]] virtual Result<std::map<std::size_t, StreamInputs>>
    inputs(int block, std::span<const std::size_t> weights, bool bothStreams, const RunContext& context) = 0;
    /// OutOfRange for blocks, sequences or weights that do not exist, values of another shape, and wanted weights outside the part.
    [[nodiscard]] virtual Result<LossResult> loss(const LossRequest& request, const RunContext& context) = 0;
};

/// Walks the network block by block and rounds each weight with `quantize`, given what the quantized blocks before send
/// into it; what reads inputs that other weights of the block made (`trueSequential`) is calibrated again after these.
/// Weights outside blocks come last, with the calibration of the plan. Installs every result. Errors that concern one
/// tensor leave it as it is, with a warning.
[[nodiscard]] Result<void> quantizeSequentially(const QuantMethod& method, ModelAccess& model, const ParamValues& parameters,
                                                std::uint64_t seed, bool trueSequential, const RunContext& context);

/// What a method is told about a weight of the model, in full precision.
[[nodiscard]] QuantInput inputOf(const ModelWeight& weight, const Calibration& calibration);

/// Errors that speak about one tensor: the others can still be treated.
[[nodiscard]] inline bool concernsTensorAlone(ErrorCode code) {
    return code == ErrorCode::Unsupported || code == ErrorCode::OutOfRange || code == ErrorCode::Malformed;
}

} // namespace qscope::engine
