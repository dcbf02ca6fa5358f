// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/tokenizer/piece_encoder.h"
#include "engine/nn/tokenizer/word_split.h"

namespace qscope::engine::detail {

namespace {

/// Radford et al., "Language models are unsupervised multitask learners", 2019, section 2.2: BPE over bytes.
class ByteLevelEncoder final : public PieceEncoder {
public:
    ByteLevelEncoder(const TokenIds& ids, WordSplit split, std::unordered_map<std::string_view, int> ranks, const Vocabulary& vocabulary)
        : m_ids(ids), m_split(std::move(split)), m_ranks(std::move(ranks)), m_vocabulary(vocabulary) {}

    Result<void> encode(std::string_view text, bool, std::vector<int>& out) const override {
        QSCOPE_TRY(const auto words, m_split.words(text));
        for (const std::string_view word : words) encodeWord(toByteAlphabet(word), out);
        return {};
    }

private:
    void encodeWord(const std::string& word, std::vector<int>& out) const {
        if (m_split.takesWholeWords())
            if (const auto whole = m_ids.find(word); whole != m_ids.end()) return out.push_back(whole->second);
        std::string key;
        const auto value = [&](std::string_view left, std::string_view right) -> std::optional<double> {
            key.assign(left).append(1, ' ').append(right);
            const auto rank = m_ranks.find(key);
            if (rank == m_ranks.end()) return std::nullopt;
            return -rank->second;
        };
        for (const std::string_view piece : mergePieces(charactersOf(word), value)) {
            if (const auto found = m_ids.find(piece); found != m_ids.end()) {
                out.push_back(found->second);
                continue;
            }
            for (const std::string_view character : charactersOf(piece)) { // a merge that is no token
                const auto found = m_ids.find(character);
                if (found != m_ids.end()) out.push_back(found->second);
                else if (m_vocabulary.unknown >= 0) out.push_back(m_vocabulary.unknown);
            }
        }
    }

    const TokenIds& m_ids;
    WordSplit m_split;
    std::unordered_map<std::string_view, int> m_ranks;
    const Vocabulary& m_vocabulary;
};

} // namespace

Result<std::unique_ptr<PieceEncoder>> makeByteLevelEncoder(const Vocabulary& vocabulary, const TokenIds& ids) {
    QSCOPE_TRY(auto split, WordSplit::named(vocabulary.split.empty() ? "gpt-2" : vocabulary.split));
    std::unordered_map<std::string_view, int> ranks;
    ranks.reserve(vocabulary.merges.size());
    for (const std::string& merge : vocabulary.merges) {
        const std::size_t space = merge.find(' ', 1);
        if (space == merge.npos || space + 1 == merge.size() || merge.find(' ', space + 1) != merge.npos)
            return fail(ErrorCode::Malformed, "merge {} is not two words", ranks.size());
        ranks.emplace(merge, static_cast<int>(ranks.size()));
    }
    return std::make_unique<ByteLevelEncoder>(ids, std::move(split), std::move(ranks), vocabulary);
}

} // namespace qscope::engine::detail
