// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/core/random.h"
#include "engine/quantum/mps/matrix_product.h"

#include <algorithm>
#include <numeric>

namespace qscope::engine {

namespace {

using Matrix = MatrixProduct::Matrix;
using Eigen::Index;

constexpr std::int64_t kTogether = 512; ///< shots that share their products

} // namespace

Result<std::vector<std::vector<bool>>> MatrixProduct::sample(std::span<const std::uint64_t> shots, std::uint64_t seed,
                                                             std::uint64_t first, const RunContext& context) {
    moveCentre(0); // then the rest of the chain adds nothing to a prefix's probability
    const int length = m_layout.size();
    std::vector<std::vector<bool>> bits(shots.size());
    QSCOPE_CHECK(parallelChunks(static_cast<std::int64_t>(shots.size()), kTogether, context,
                                [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                                    // Shots with the same bits so far share a row: the product of their sites, scaled
                                    // to norm 1.
                                    std::vector<std::vector<std::size_t>> groups(1);
                                    for (std::int64_t shot = begin; shot < end; ++shot) {
                                        groups[0].push_back(static_cast<std::size_t>(shot));
                                        bits[static_cast<std::size_t>(shot)].resize(static_cast<std::size_t>(length));
                                    }
                                    Matrix rows = Matrix::Ones(1, 1);
                                    for (int site = 0; site < length; ++site) {
                                        if (context.cancelled()) return cancelled();
                                        const auto qubit = static_cast<std::size_t>(m_layout.qubit(site));
                                        const Site& tensors = m_sites[static_cast<std::size_t>(site)];
                                        const Matrix next[2] = {rows * tensors.a[0], rows * tensors.a[1]};
                                        std::vector<std::vector<std::size_t>> split;
                                        std::vector<std::pair<Index, int>> from;
                                        for (std::size_t g = 0; g < groups.size(); ++g) {
                                            const auto row = static_cast<Index>(g);
                                            const double zero = next[0].row(row).squaredNorm();
                                            const double one = next[1].row(row).squaredNorm();
                                            std::vector<std::size_t> chosen[2];
                                            for (const std::size_t shot : groups[g]) {
                                                const double u = uniform(seed, shots[shot],
                                                                         first + static_cast<std::uint64_t>(site));
                                                const bool bit = u * (zero + one) >= zero;
                                                bits[shot][qubit] = bit;
                                                chosen[bit ? 1 : 0].push_back(shot);
                                            }
                                            for (int bit = 0; bit < 2; ++bit) {
                                                if (chosen[bit].empty()) continue;
                                                split.push_back(std::move(chosen[bit]));
                                                from.emplace_back(row, bit);
                                            }
                                        }
                                        groups = std::move(split);
                                        rows.resize(static_cast<Index>(groups.size()), next[0].cols());
                                        for (std::size_t g = 0; g < from.size(); ++g)
                                            rows.row(static_cast<Index>(g)) =
                                                next[from[g].second].row(from[g].first).normalized();
                                    }
                                    return {};
                                }));
    return bits;
}

Result<MatrixProduct::Likeliest> MatrixProduct::likeliest(int count, const RunContext& context) {
    constexpr double kWork = 2e9;         // multiplications that the search may take
    constexpr double kNegligible = 1e-28; // a probability that is rounding
    Likeliest result;
    if (count <= 0) return result;
    moveCentre(0);
    const int length = m_layout.size();
    double perRow = 1;
    for (const Site& site : m_sites) perRow += 2 * static_cast<double>(site.a[0].size());
    const double affordable = std::clamp(kWork / perRow, 64.0, 65536.0);
    const std::size_t width = std::max(static_cast<std::size_t>(affordable), 2 * static_cast<std::size_t>(count));

    // Prefixes: their bits by site, and the products of their sites, whose squared norms are their probabilities.
    std::vector<std::vector<bool>> prefixes(1);
    Matrix rows = Matrix::Ones(1, 1);
    std::vector<double> probabilities = {norm()};
    double missed = 0; // the largest probability of a prefix that was dropped
    for (int site = 0; site < length; ++site) {
        if (context.cancelled()) return cancelled();
        const Site& tensors = m_sites[static_cast<std::size_t>(site)];
        const Matrix next[2] = {rows * tensors.a[0], rows * tensors.a[1]};
        struct Candidate {
            double probability;
            std::size_t prefix;
            bool bit;
        };
        std::vector<Candidate> candidates;
        for (std::size_t k = 0; k < prefixes.size(); ++k)
            for (const bool bit : {false, true}) {
                const double probability = next[bit ? 1 : 0].row(static_cast<Index>(k)).squaredNorm();
                if (probability > kNegligible) candidates.push_back({probability, k, bit});
            }
        if (candidates.size() > width) {
            std::ranges::stable_sort(candidates, std::ranges::greater{}, &Candidate::probability);
            missed = std::max(missed, candidates[width].probability);
            candidates.resize(width);
        }
        std::vector<std::vector<bool>> longer;
        Matrix kept(static_cast<Index>(candidates.size()), next[0].cols());
        probabilities.clear();
        for (const Candidate& each : candidates) {
            kept.row(static_cast<Index>(longer.size())) = next[each.bit ? 1 : 0].row(static_cast<Index>(each.prefix));
            longer.push_back(prefixes[each.prefix]);
            longer.back().push_back(each.bit);
            probabilities.push_back(each.probability);
        }
        prefixes = std::move(longer);
        rows = std::move(kept);
    }
    for (std::size_t k = 0; k < prefixes.size(); ++k) {
        Likely state{std::vector<bool>(static_cast<std::size_t>(length)), probabilities[k]};
        for (int site = 0; site < length; ++site)
            state.bits[static_cast<std::size_t>(m_layout.qubit(site))] = prefixes[k][static_cast<std::size_t>(site)];
        result.states.push_back(std::move(state));
    }
    std::ranges::sort(result.states, [](const Likely& a, const Likely& b) {
        if (a.probability != b.probability) return a.probability > b.probability;
        return std::lexicographical_compare(a.bits.rbegin(), a.bits.rend(), b.bits.rbegin(), b.bits.rend());
    });
    if (result.states.size() > static_cast<std::size_t>(count)) result.states.resize(static_cast<std::size_t>(count));
    const double least = result.states.size() == static_cast<std::size_t>(count) ? result.states.back().probability : 0;
    result.certain = missed <= least;
    return result;
}

} // namespace qscope::engine
