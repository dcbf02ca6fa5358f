// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/attention.h"

#include "engine/core/checked_math.h"
#include "engine/core/parallel.h"
#include "engine/nn/kernels/matmul.h"
#include "engine/nn/kernels/row_kernels.h"
#include "engine/nn/kernels/vector_math.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace qscope::engine::kernels {

namespace {

constexpr std::int64_t kRows = 64;        // queries of all heads of one block
constexpr std::int64_t kScores = 1 << 19; // per block, unless one row is longer
constexpr std::int64_t kHeadsTogether = 8;

struct Span {
    std::int64_t begin, end;
    [[nodiscard]] std::int64_t count() const { return end - begin; }
};

template<class T>
Span seenBy(const Attention<T>& a, std::int64_t query) {
    const std::int64_t position = a.firstPosition + query;
    const std::int64_t end = a.causal ? std::clamp<std::int64_t>(position + 1, 0, a.keys) : a.keys;
    const std::int64_t begin = a.window > 0 ? std::clamp<std::int64_t>(position - a.window + 1, 0, end) : 0;
    return {begin, end};
}

/// Queries [first, last) of `heads` heads that share one key head: rows of head after head.
template<class T>
class Block {
public:
    Block(const Attention<T>& attention, std::int64_t item, std::int64_t head, std::int64_t heads, std::int64_t first,
          std::int64_t last)
        : a(attention)
        , m_item(item)
        , m_head(head)
        , m_first(first)
        , m_queries(last - first)
        , m_rows(heads * m_queries)
        , m_seen{seenBy(a, first).begin, seenBy(a, last - 1).end} {
        m_seen.end = std::max(m_seen.begin, m_seen.end);
    }

    void run() {
        const std::int64_t width = m_seen.count();
        T* const queries = m_memory.reserve(m_rows * (a.size + width + a.valueSize));
        m_scores = queries + m_rows * a.size;
        T* const results = m_scores + m_rows * width;
        for (std::int64_t row = 0; row < m_rows; ++row)
            std::copy_n(at(a.query, m_item, headOf(row), queryOf(row)), a.size, queries + row * a.size);

        const std::int64_t kvHead = m_head / (a.heads / a.kvHeads);
        MatrixProduct<T> product;
        product.rows = m_rows;
        product.columns = width;
        product.inner = a.size;
        product.left = {{queries, static_cast<std::size_t>(m_rows * a.size)}, a.size};
        product.right = {from(a.key, kvHead), a.key.positionStride, true};
        product.result = {m_scores, static_cast<std::size_t>(m_rows * width)};
        product.resultStride = width;
        product.scale = a.scale;
        product.instructions = a.instructions;
        multiplyHere(product, m_scratch);

        for (std::int64_t row = 0; row < m_rows; ++row) normalise(row);

        product.columns = a.valueSize;
        product.inner = width;
        product.left = {product.result, width};
        product.right = {from(a.value, kvHead), a.value.positionStride};
        product.result = {results, static_cast<std::size_t>(m_rows * a.valueSize)};
        product.resultStride = a.valueSize;
        product.scale = 1;
        multiplyHere(product, m_scratch);
        for (std::int64_t row = 0; row < m_rows; ++row)
            std::copy_n(results + row * a.valueSize, a.valueSize, at(a.result, m_item, headOf(row), queryOf(row)));
    }

private:
    const Attention<T>& a;
    std::int64_t m_item, m_head, m_first, m_queries, m_rows;
    Span m_seen;
    Scratch<T> m_memory, m_scratch;
    T* m_scores = nullptr;

    [[nodiscard]] std::int64_t headOf(std::int64_t row) const { return m_head + row / m_queries; }
    [[nodiscard]] std::int64_t queryOf(std::int64_t row) const { return m_first + row % m_queries; }

    template<class U>
    static U* at(const HeadVectors<U>& vectors, std::int64_t item, std::int64_t head, std::int64_t position) {
        return vectors.values.data() + item * vectors.batchStride + head * vectors.headStride +
               position * vectors.positionStride;
    }
    /// The vectors of the keys that the block sees.
    std::span<const T> from(const HeadVectors<const T>& vectors, std::int64_t kvHead) const {
        const std::int64_t offset =
            m_item * vectors.batchStride + kvHead * vectors.headStride + m_seen.begin * vectors.positionStride;
        return m_seen.count() == 0 ? std::span<const T>{} : vectors.values.subspan(static_cast<std::size_t>(offset));
    }

    /// Scores of one row to probabilities, zeros where the query does not see.
    void normalise(std::int64_t row) {
        const std::int64_t width = m_seen.count(), query = queryOf(row);
        T* const scores = m_scores + row * width;
        Span seen = seenBy(a, query);
        seen = {seen.begin - m_seen.begin, seen.end - m_seen.begin};
        std::fill(scores, scores + seen.begin, T(0));
        std::fill(scores + seen.end, scores + width, T(0));
        T* const x = scores + seen.begin;
        const std::int64_t count = seen.count();

        if (a.softCap != 0) {
            const std::span<T> capped(x, static_cast<std::size_t>(count));
            for (T& score : capped) score /= a.softCap;
            evaluate(Function::Tanh, capped, capped, a.instructions);
            for (T& score : capped) score *= a.softCap;
        }
        if (!a.mask.values.empty()) {
            const T* const mask = a.mask.values.data() + m_item * a.mask.batchStride + headOf(row) * a.mask.headStride +
                                  query * a.mask.queryStride + (m_seen.begin + seen.begin) * a.mask.keyStride;
            for (std::int64_t k = 0; k < count; ++k) x[k] += mask[k * a.mask.keyStride];
        }
        const RowKernels<T>& kernels = rowKernels<T>(a.instructions);
        const T largest = kernels.largest(x, count);
        if (largest == -std::numeric_limits<T>::infinity()) {
            const T filling = std::isnan(kernels.sum(x, count)) ? std::numeric_limits<T>::quiet_NaN() : T(0);
            std::fill(x, x + count, filling);
        } else {
            const double sum = kernels.exponentials(x, count, largest, x);
            kernels.affine(x, count, 0, 1 / sum, nullptr, nullptr, 1, x);
        }
        if (!a.probabilities.empty()) {
            T* const out = a.probabilities.data() + ((m_item * a.heads + headOf(row)) * a.queries + query) * a.keys;
            std::fill(out, out + m_seen.begin, T(0));
            std::copy_n(scores, width, out + m_seen.begin);
            std::fill(out + m_seen.end, out + a.keys, T(0));
        }
    }
};

template<class T>
Result<void> attendAll(const Attention<T>& a, const RunContext& context) {
    if (a.batch == 0 || a.heads == 0 || a.queries == 0) return {};
    assert(a.kvHeads > 0 && a.heads % a.kvHeads == 0);
    assert(a.probabilities.empty() ||
           static_cast<std::int64_t>(a.probabilities.size()) == a.batch * a.heads * a.queries * a.keys);
    std::int64_t together = a.heads / a.kvHeads;
    while (together > kHeadsTogether) // by its least divisor
        for (std::int64_t divisor = 2;; ++divisor)
            if (together % divisor == 0) {
                together /= divisor;
                break;
            }
    const std::int64_t rows = std::clamp<std::int64_t>(kScores / std::max<std::int64_t>(a.keys, 1), together, kRows);
    const std::int64_t queries = std::clamp<std::int64_t>(rows / together, 1, a.queries);
    const std::int64_t blocks = ceilDiv(a.queries, queries), groups = a.heads / together;
    return parallelChunks(a.batch * groups * blocks, 1, context, [&](std::int64_t task, std::int64_t) -> Result<void> {
        const std::int64_t block = task % blocks, group = task / blocks % groups, item = task / blocks / groups;
        Block<T>(a, item, group * together, together, block * queries, std::min(a.queries, (block + 1) * queries))
            .run();
        return {};
    });
}

} // namespace

Result<void> attend(const Attention<float>& attention, const RunContext& context) {
    return attendAll(attention, context);
}
Result<void> attend(const Attention<double>& attention, const RunContext& context) {
    return attendAll(attention, context);
}

} // namespace qscope::engine::kernels
