// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "engine/nn/tokenizer/vocabulary.h"

#include <memory>
#include <span>
#include <string_view>

namespace qscope::engine {

/// Whether begin and end tokens are put around the text, as the vocabulary asks.
enum class AddEnds : std::uint8_t { No, Yes };
/// Whether names of control tokens in the text ("<|endoftext|>") mean those tokens; user-defined ones always do.
enum class ControlNames : std::uint8_t { AreText, AreTokens };

/// Turns text into token ids and back. Immutable; safe to share between threads.
class Tokenizer {
public:
    /// Malformed when the vocabulary contradicts itself; Unsupported for a split that is not known.
    [[nodiscard]] static Result<std::shared_ptr<const Tokenizer>> make(Vocabulary vocabulary);
    ~Tokenizer();

    /// Malformed, with the byte, when the text is no UTF-8.
    [[nodiscard]] Result<std::vector<int>> encode(std::string_view text, AddEnds ends = AddEnds::Yes,
                                                  ControlNames names = ControlNames::AreText) const;
    /// The text of the ids; control tokens have none. OutOfRange for an id outside the vocabulary. Bytes of tokens that end
    /// inside a character come out as they are.
    [[nodiscard]] Result<std::string> decode(std::span<const int> ids) const;
    [[nodiscard]] const Vocabulary& vocabulary() const;

private:
    struct State;
    explicit Tokenizer(std::unique_ptr<const State> state);
    std::unique_ptr<const State> m_state;
};

} // namespace qscope::engine
