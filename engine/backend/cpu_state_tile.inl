// SPDX-License-Identifier: GPL-3.0-or-later
// Part of `cpu_state_kernels.inl`. Recursion over units instead of loops: every index of `x` must be a constant from the start,
// or the tile does not stay in registers.

constexpr int kTileBits = QSCOPE_UNIT_BYTES == 64 ? 4 : 3; ///< half of the registers: the others hold factors
constexpr int kTileUnits = 1 << kTileBits;
constexpr unsigned kAllPairs = (1u << kTileUnits / 2) - 1;
constexpr unsigned kAllUnits = (1u << kTileUnits) - 1;

template<class Real, int U = 0>
QSCOPE_INLINE void loadTile(const typename Unit<Real>::Vector* at, const std::uint64_t* offsets, typename Unit<Real>::Vector* x) {
    if constexpr (U < kTileUnits) {
        x[U] = at[offsets[U]];
        loadTile<Real, U + 1>(at, offsets, x);
    }
}

template<class Real, int U = 0>
QSCOPE_INLINE void storeTile(typename Unit<Real>::Vector* at, const std::uint64_t* offsets, const typename Unit<Real>::Vector* x) {
    if constexpr (U < kTileUnits) {
        at[offsets[U]] = x[U];
        storeTile<Real, U + 1>(at, offsets, x);
    }
}

/// Unit of pair `pair` whose bit `target` is 0.
constexpr int lowOfPair(int pair, int target) { return (pair >> target << (target + 1)) | (pair & ((1 << target) - 1)); }

template<class Real, int Target, bool Cross, int P = 0>
QSCOPE_INLINE void shortPairs(typename Unit<Real>::Vector* x, const typename Unit<Real>::Vector* c, unsigned mask) {
    if constexpr (P < kTileUnits / 2) {
        using Vector = typename Unit<Real>::Vector;
        constexpr int low = lowOfPair(P, Target), high = low | 1 << Target;
        if (mask >> P & 1) {
            const Vector x0 = x[low], x1 = x[high];
            Vector beside0 = x0, beside1 = x1;
            if constexpr (Cross) {
                swapParts<Real>(x0, beside0);
                swapParts<Real>(x1, beside1);
            }
            x[low] = c[0] * x0 + c[1] * beside1;
            x[high] = c[3] * x1 + c[2] * beside0;
        }
        shortPairs<Real, Target, Cross, P + 1>(x, c, mask);
    }
}

template<class Real, int Target, int P = 0>
QSCOPE_INLINE void fullPairs(typename Unit<Real>::Vector* x, const typename Unit<Real>::Vector* c, unsigned mask) {
    if constexpr (P < kTileUnits / 2) {
        using Vector = typename Unit<Real>::Vector;
        constexpr int low = lowOfPair(P, Target), high = low | 1 << Target;
        if (mask >> P & 1) {
            const Vector x0 = x[low], x1 = x[high];
            Vector i0, i1;
            swapParts<Real>(x0, i0);
            swapParts<Real>(x1, i1);
            x[low] = c[0] * x0 + c[1] * i0 + c[2] * x1 + c[3] * i1;
            x[high] = c[4] * x0 + c[5] * i0 + c[6] * x1 + c[7] * i1;
        }
        fullPairs<Real, Target, P + 1>(x, c, mask);
    }
}

template<class Real, int Target>
QSCOPE_INLINE void pairs(typename Unit<Real>::Vector* x, const TileOp<Real>& op) {
    using Kind = typename TileOp<Real>::Kind;
    const auto* c = reinterpret_cast<const typename Unit<Real>::Vector*>(op.vectors);
    const unsigned mask = op.mask;
    if (op.kind == Kind::PairReal) {
        if (mask == kAllPairs) shortPairs<Real, Target, false>(x, c, kAllPairs);
        else shortPairs<Real, Target, false>(x, c, mask);
    } else if (op.kind == Kind::PairCross) {
        if (mask == kAllPairs) shortPairs<Real, Target, true>(x, c, kAllPairs);
        else shortPairs<Real, Target, true>(x, c, mask);
    } else {
        if (mask == kAllPairs) fullPairs<Real, Target>(x, c, kAllPairs);
        else fullPairs<Real, Target>(x, c, mask);
    }
}

template<class Real, bool Full, int U = 0>
QSCOPE_INLINE void lanes(typename Unit<Real>::Vector* x, const typename Unit<Real>::Vector* c,
                         const typename Permutation<Real>::Vector& from, unsigned mask) {
    if constexpr (U < kTileUnits) {
        using Vector = typename Unit<Real>::Vector;
        if (mask >> U & 1) {
            const Vector x0 = x[U];
            Vector x1;
            permute<Real>(x0, from, x1);
            if constexpr (Full) {
                Vector i0, i1;
                swapParts<Real>(x0, i0);
                swapParts<Real>(x1, i1);
                x[U] = c[0] * x0 + c[1] * i0 + c[2] * x1 + c[3] * i1;
            } else {
                x[U] = c[0] * x0 + c[1] * x1;
            }
        }
        lanes<Real, Full, U + 1>(x, c, from, mask);
    }
}

template<class Real, bool RealFactors, int U = 0>
QSCOPE_INLINE void scale(typename Unit<Real>::Vector* x, const typename Unit<Real>::Vector* factors, const std::uint16_t* rows,
                         std::size_t row, unsigned mask) {
    if constexpr (U < kTileUnits) {
        using Vector = typename Unit<Real>::Vector;
        if (mask >> U & 1) {
            if constexpr (RealFactors) {
                x[U] *= factors[row | rows[U]];
            } else {
                const Vector* f = factors + 2 * (row | rows[U]);
                const Vector x0 = x[U];
                Vector i0;
                swapParts<Real>(x0, i0);
                x[U] = f[0] * x0 + f[1] * i0;
            }
        }
        scale<Real, RealFactors, U + 1>(x, factors, rows, row, mask);
    }
}

// The halves of a tile belong to two states: those whose highest bit is 0 to the right one, those where it is 1 to the left one. With
// l i(r) for the product with exchanged parts, conj(l) r has the real part l r, summed over both parts of a lane, and the imaginary part
// l i(r), even minus odd.

template<class Real, int Target, int P = 0>
QSCOPE_INLINE void crossPairs(const typename Unit<Real>::Vector* x, typename Unit<Real>::Vector* sums, unsigned mask) {
    if constexpr (P < kTileUnits / 4) {
        using Vector = typename Unit<Real>::Vector;
        constexpr int low = lowOfPair(P, Target), high = low | 1 << Target, left = kTileUnits / 2;
        if (mask >> P & 1) {
            Vector i0, i1;
            swapParts<Real>(x[low], i0);
            swapParts<Real>(x[high], i1);
            sums[0] += x[left + low] * x[low];
            sums[1] += x[left + low] * i0;
            sums[2] += x[left + low] * x[high];
            sums[3] += x[left + low] * i1;
            sums[4] += x[left + high] * x[low];
            sums[5] += x[left + high] * i0;
            sums[6] += x[left + high] * x[high];
            sums[7] += x[left + high] * i1;
        }
        crossPairs<Real, Target, P + 1>(x, sums, mask);
    }
}

template<class Real, int Target>
QSCOPE_INLINE void addCrossPairs(const typename Unit<Real>::Vector* x, typename Unit<Real>::Vector* sums, unsigned mask) {
    typename Unit<Real>::Vector s[8] = {};
    if (mask == kAllPairs) crossPairs<Real, Target>(x, s, kAllPairs);
    else crossPairs<Real, Target>(x, s, mask);
    for (int k = 0; k < 8; ++k) sums[k] += s[k];
}

template<class Real, int U = 0>
QSCOPE_INLINE void crossLanes(const typename Unit<Real>::Vector* x, typename Unit<Real>::Vector* sums,
                              const typename Permutation<Real>::Vector& from, unsigned mask) {
    if constexpr (U < kTileUnits / 2) {
        using Vector = typename Unit<Real>::Vector;
        constexpr int left = kTileUnits / 2;
        if (mask >> U & 1) {
            Vector beside, i0, i1;
            permute<Real>(x[U], from, beside);
            swapParts<Real>(x[U], i0);
            swapParts<Real>(beside, i1);
            sums[0] += x[left + U] * x[U];
            sums[1] += x[left + U] * i0;
            sums[2] += x[left + U] * beside;
            sums[3] += x[left + U] * i1;
        }
        crossLanes<Real, U + 1>(x, sums, from, mask);
    }
}

template<class Real, int U = 0>
QSCOPE_INLINE void crossRows(const typename Unit<Real>::Vector* x, typename Unit<Real>::Vector* sums, const std::uint16_t* rows,
                             std::size_t row, unsigned mask) {
    if constexpr (U < kTileUnits / 2) {
        using Vector = typename Unit<Real>::Vector;
        if (mask >> U & 1) {
            Vector* s = sums + 2 * (row | rows[U]);
            Vector i0;
            swapParts<Real>(x[U], i0);
            s[0] += x[kTileUnits / 2 + U] * x[U];
            s[1] += x[kTileUnits / 2 + U] * i0;
        }
        crossRows<Real, U + 1>(x, sums, rows, row, mask);
    }
}

template<class Real>
QSCOPE_INLINE void cross(const typename Unit<Real>::Vector* x, const TileOp<Real>& op, Real* into, std::size_t row) {
    using Vector = typename Unit<Real>::Vector;
    using Kind = typename TileOp<Real>::Kind;
    auto* const sums = reinterpret_cast<Vector*>(into);
    if (op.kind == Kind::CrossPair) {
        switch (op.target) {
        case 0: addCrossPairs<Real, 0>(x, sums, op.mask); break;
        case 1: addCrossPairs<Real, 1>(x, sums, op.mask); break;
        default: addCrossPairs<Real, kTileBits - 2>(x, sums, op.mask); break;
        }
    } else if (op.kind == Kind::CrossLane) {
        typename Permutation<Real>::Vector from;
        __builtin_memcpy(&from, op.from.data(), sizeof from);
        Vector s[4] = {};
        crossLanes<Real>(x, s, from, op.mask);
        for (int k = 0; k < 4; ++k) sums[k] += s[k];
    } else {
        crossRows<Real>(x, sums, op.rows + 512, row, op.mask);
    }
}

/// With sums, or, with more registers to spare, without.
template<class Real, bool Crossed>
QSCOPE_ISA void tiles(Real* units, const TileTask<Real>& task, std::uint64_t begin, std::uint64_t end) {
    using Vector = typename Unit<Real>::Vector;
    using Kind = typename TileOp<Real>::Kind;
    std::uint64_t offsets[kTileUnits];
    for (int u = 0; u < kTileUnits; ++u) offsets[u] = task.offsets[static_cast<std::size_t>(u)];
    const auto* const firstItem = task.items.data();
    const auto* const lastItem = firstItem + task.items.size();
    std::uint64_t unit = task.groups.unit(begin);
    for (; begin < end; ++begin, unit = task.groups.next(unit)) {
        Vector* at = reinterpret_cast<Vector*>(units) + padded(unit, task.padding);
        Vector x[kTileUnits];
        loadTile<Real>(at, offsets, x);
        for (const auto* item = firstItem; item != lastItem; ++item) {
            const TileOp<Real>& op = *item->op;
            if ((unit & op.controls) != op.controls) continue;
            const auto* c = reinterpret_cast<const Vector*>(op.vectors);
            if (op.kind <= Kind::PairFull) {
                switch (op.target) {
                case 0: pairs<Real, 0>(x, op); break;
                case 1: pairs<Real, 1>(x, op); break;
                case 2: pairs<Real, 2>(x, op); break;
                default: pairs<Real, kTileBits - 1>(x, op); break;
                }
            } else if (op.kind <= Kind::LaneFull) {
                typename Permutation<Real>::Vector from;
                __builtin_memcpy(&from, op.from.data(), sizeof from);
                if (op.kind == Kind::LaneShort) {
                    if (op.mask == kAllUnits) lanes<Real, false>(x, c, from, kAllUnits);
                    else lanes<Real, false>(x, c, from, op.mask);
                } else {
                    if (op.mask == kAllUnits) lanes<Real, true>(x, c, from, kAllUnits);
                    else lanes<Real, true>(x, c, from, op.mask);
                }
            } else if (Crossed && op.kind <= Kind::CrossLane) {
                cross<Real>(x, op, item->sums, 0);
            } else {
                const std::size_t row = item->row | op.rows[unit & 255] | op.rows[256 + (unit >> 8 & 255)];
                if (Crossed && op.kind == Kind::CrossTable) cross<Real>(x, op, item->sums, row);
                else if (op.kind == Kind::Table) scale<Real, false>(x, c, op.rows + 512, row, op.mask);
                else scale<Real, true>(x, c, op.rows + 512, row, op.mask);
            }
        }
        storeTile<Real>(at, offsets, x);
    }
}
