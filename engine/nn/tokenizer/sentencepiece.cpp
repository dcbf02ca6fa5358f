// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/tokenizer/piece_encoder.h"

#include <algorithm>
#include <limits>

namespace qscope::engine::detail {

namespace {

/// Kudo and Richardson, "SentencePiece", 2018: BPE over characters, where a token's score says how early it was merged.
class SentencePieceEncoder final : public PieceEncoder {
public:
    SentencePieceEncoder(const Vocabulary& vocabulary, const TokenIds& ids) : m_vocabulary(vocabulary), m_ids(ids) {}

    Result<void> encode(std::string_view text, bool first, std::vector<int>& out) const override {
        const std::string marked = markSpaces(text, first && m_vocabulary.spacePrefix);
        const auto value = [&](std::string_view left, std::string_view right) -> std::optional<double> {
            const auto found = m_ids.find({left.data(), left.size() + right.size()});
            if (found == m_ids.end()) return std::nullopt;
            return m_vocabulary.scores[static_cast<std::size_t>(found->second)];
        };
        for (const std::string_view piece : mergePieces(charactersOf(marked), value)) {
            const auto found = m_ids.find(piece);
            if (found != m_ids.end()) out.push_back(found->second);
            else appendBytes(piece, m_vocabulary, m_ids, out);
        }
        return {};
    }

private:
    const Vocabulary& m_vocabulary;
    const TokenIds& m_ids;
};

/// Kudo, "Subword regularization", 2018: the segmentation of largest total log probability, by dynamic programming.
class UnigramEncoder final : public PieceEncoder {
public:
    UnigramEncoder(const Vocabulary& vocabulary, const TokenIds& ids) : m_vocabulary(vocabulary), m_ids(ids) {
        for (const auto& [text, id] : ids) m_longest = std::max(m_longest, text.size());
        const auto lowest = std::ranges::min_element(vocabulary.scores);
        // SentencePiece's own penalty: an unknown character is ten below the rarest token.
        m_unknownScore = (lowest == vocabulary.scores.end() ? 0.0 : static_cast<double>(*lowest)) - 10.0;
    }

    Result<void> encode(std::string_view text, bool first, std::vector<int>& out) const override {
        const std::string marked = markSpaces(text, first && m_vocabulary.spacePrefix);
        const std::string_view whole = marked;
        struct Best {
            double score = -std::numeric_limits<double>::infinity();
            std::size_t from = 0;
            int id = -1; ///< -1: an unknown character
        };
        std::vector<Best> best(whole.size() + 1);
        best[0].score = 0;
        for (std::size_t at = 0; at < whole.size(); at += characterBytes(whole[at])) {
            const std::size_t character = characterBytes(whole[at]);
            const auto offer = [&](std::size_t end, double score, int id) {
                if (best[at].score + score > best[end].score) best[end] = {best[at].score + score, at, id};
            };
            bool known = false;
            for (std::size_t end = at + character; end - at <= m_longest; end += characterBytes(whole[end])) {
                const auto found = m_ids.find(whole.substr(at, end - at));
                if (found != m_ids.end() && isPiece(found->second)) {
                    offer(end, m_vocabulary.scores[static_cast<std::size_t>(found->second)], found->second);
                    known |= end == at + character;
                }
                if (end >= whole.size()) break;
            }
            if (!known) offer(at + character, m_unknownScore, -1);
        }
        std::vector<std::pair<std::string_view, int>> pieces;
        for (std::size_t end = whole.size(); end > 0; end = best[end].from) pieces.emplace_back(whole.substr(best[end].from, end - best[end].from), best[end].id);
        for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
            if (piece->second >= 0) out.push_back(piece->second);
            else appendBytes(piece->first, m_vocabulary, m_ids, out);
        }
        return {};
    }

private:
    bool isPiece(int id) const {
        if (m_vocabulary.kinds.empty()) return true;
        const TokenKind kind = m_vocabulary.kinds[static_cast<std::size_t>(id)];
        return kind == TokenKind::Normal || kind == TokenKind::UserDefined;
    }

    const Vocabulary& m_vocabulary;
    const TokenIds& m_ids;
    std::size_t m_longest = 0;
    double m_unknownScore = 0;
};

} // namespace

std::unique_ptr<PieceEncoder> makeSentencePieceEncoder(const Vocabulary& vocabulary, const TokenIds& ids) {
    return std::make_unique<SentencePieceEncoder>(vocabulary, ids);
}

std::unique_ptr<PieceEncoder> makeUnigramEncoder(const Vocabulary& vocabulary, const TokenIds& ids) {
    return std::make_unique<UnigramEncoder>(vocabulary, ids);
}

} // namespace qscope::engine::detail
