// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/architectures/architecture.h"
#include "engine/nn/graph/builder.h"

namespace qscope::engine::nn {

/// How queries, keys and values of [batch, time, heads * head size] attend.
struct AttentionForm {
    std::int64_t heads = 0;
    std::int64_t kvHeads = 0;
    double scale = 0;        ///< zero: one over the root of the head size
    double cap = 0;          ///< soft cap on the logits; zero: none
    std::int64_t window = 0; ///< tokens reached back; zero: all
    bool causal = true;
    std::int64_t slot = -1; ///< entry of a session; -1: none
};

/// The pieces that architectures are made of, over a GraphBuilder. The first error is kept and comes out of `finish`.
class NetworkBuilder {
public:
    NetworkBuilder(const ModelConfig& given, const ArchitectureOptions& options)
        : config(given)
        , m_options(options) {}

    const ModelConfig& config;
    GraphBuilder graph;

    [[nodiscard]] bool has(std::string_view weight) const { return m_options.find && m_options.find(weight); }
    /// The first axis of a weight; zero when there is none.
    [[nodiscard]] std::int64_t rows(std::string_view weight) const;
    void complain(Error error);
    /// A size that the architecture cannot do without.
    void need(std::int64_t size, std::string_view what);
    /// Heads, their key and value heads and size, which must fit together.
    void needHeads();
    [[nodiscard]] std::int64_t headSize() const;
    /// The window of this layer or zero; `otherwise`: whether it has one when the configuration lists no layers.
    [[nodiscard]] std::int64_t window(std::int64_t layer, bool otherwise = true) const;

    [[nodiscard]] ValueId weight(const std::string& name, const Shape& shape);
    [[nodiscard]] ValueId scalar(const std::string& name, float value);
    [[nodiscard]] ValueId index(const std::string& name, std::int64_t value);
    [[nodiscard]] ValueId list(const std::string& name, std::vector<std::int64_t> values);

    /// Adds the bias when the checkpoint has one.
    [[nodiscard]] ValueId linear(const std::string& module, ValueId x, std::int64_t out, std::int64_t in);
    /// Rows of `module`'s weight [rows, width].
    [[nodiscard]] ValueId embedding(const std::string& module, ValueId ids, std::int64_t rows, std::int64_t width);
    [[nodiscard]] ValueId layerNorm(const std::string& module, ValueId x, std::int64_t size);
    [[nodiscard]] ValueId rmsNorm(const std::string& module, ValueId x, std::int64_t size);
    /// A norm whose weight is stored less 1, as Gemma has it.
    [[nodiscard]] ValueId shiftedNorm(const std::string& module, ValueId x, std::int64_t size);
    /// The norm over each head's elements of x [batch, time, heads * head size].
    [[nodiscard]] ValueId headNorm(const std::string& module, ValueId x, std::int64_t heads);
    /// `kind` in Hugging Face's words.
    [[nodiscard]] ValueId activation(const std::string& name, ValueId x, std::string_view kind);
    [[nodiscard]] ValueId binary(std::string_view op, const std::string& name, ValueId a, ValueId b) {
        return graph.add(op, name, {a, b});
    }
    /// The last axis cut into pieces of these sizes, named "<name>.0" and so on.
    [[nodiscard]] std::vector<ValueId> split(const std::string& name, ValueId x, std::vector<std::int64_t> sizes);
    /// Rotary embedding of x [batch, time, heads * head size]; tables and positions are made at the first call.
    [[nodiscard]] ValueId rotary(const std::string& name, ValueId x, std::int64_t heads);
    [[nodiscard]] ValueId attention(const std::string& name, ValueId q, ValueId k, ValueId v,
                                    const AttentionForm& form);
    /// down(act(gate(x)) * up(x)), the part's output named "<module>.output".
    [[nodiscard]] ValueId gatedFeedForward(const std::string& module, ValueId x, std::string_view activation);

    /// `tokens` and `positions`; the second is kept for `rotary`.
    [[nodiscard]] ValueId textInputs();
    [[nodiscard]] ValueId positions() const { return m_positions; }
    /// The output matrix over `hidden`: `module`'s when the checkpoint has it and the model does not tie it, else the
    /// embedding's; with the soft cap on logits. Ends the graph with the output "logits".
    void logits(const std::string& module, const std::string& embeddingModule, ValueId hidden, std::int64_t width);
    void output(ValueId value, const std::string& name);

    [[nodiscard]] Result<Architecture> finish();

private:
    [[nodiscard]] ValueId norm(std::string_view op, const std::string& module, ValueId x, std::vector<ValueId> weights);

    const ArchitectureOptions& m_options;
    std::vector<WeightShape> m_weights;
    std::optional<Error> m_error;
    ValueId m_tokens = kAbsent;
    ValueId m_positions = kAbsent;
    ValueId m_positionIds = kAbsent; ///< [batch, time], for RotaryEmbedding
    ValueId m_cosines = kAbsent;
    ValueId m_sines = kAbsent;
};

// The families, each in a file of its own.
void buildLlama(NetworkBuilder& network);
void buildGemma(NetworkBuilder& network);
void buildGemma2(NetworkBuilder& network);
void buildPhi3(NetworkBuilder& network);
void buildGpt2(NetworkBuilder& network);
void buildOpt(NetworkBuilder& network);
void buildBert(NetworkBuilder& network);
void buildVit(NetworkBuilder& network);
void buildMamba(NetworkBuilder& network);
void buildRwkv(NetworkBuilder& network);

} // namespace qscope::engine::nn
