// SPDX-License-Identifier: GPL-3.0-or-later
// Included by search_blocks.cpp after search_lanes.inl: formats with a scale and a minimum.

/// How Q2_K, Q4_K and Q5_K share out a super-block, and how long to look for its scales.
struct AffineFormat {
    int elements;  ///< of a sub-block
    int top;       ///< largest code of a value
    int scaleTop;  ///< largest code of a scale or minimum
    int trials;    ///< numbers of steps tried per sub-block,
    float first;   ///< from `top` + first on
    float step;
};

/// The common factors of scales and minima, and the codes of those.
struct AffineFit {
    float d = 0, dmin = 0;
    std::uint8_t scales[16] = {}, minima[16] = {};
};

template<AffineFormat F>
AffineFit fitAffine(const Prepared<kSuperBlock>& block) {
    constexpr int kBatches = kSuperBlock / kLanes / F.elements;
    Subs<F.elements> subs[kBatches];
    ScaleAndMinimum wanted[kBatches];
    float peak = 0, peakMin = 0;
    for (int b = 0; b < kBatches; ++b) {
        load(block.x + 128 * b, block.w + 128 * b, subs[b]);
        wanted[b] = searchScaleAndMinimum<F.top, F.trials, false>(subs[b], F.first, F.step, 3);
        peak = std::max(peak, largestOf(wanted[b].scale));
        peakMin = std::max(peakMin, largestOf(wanted[b].minimum));
    }

    AffineFit best;
    double bestError = std::numeric_limits<double>::infinity();
    float d = block.asStored(peak / F.scaleTop), dmin = block.asStored(peakMin / F.scaleTop);
    for (int round = 0;; ++round) {
        const Vector over = inverse(everyLane(d)), overMin = inverse(everyLane(dmin));
        Vector code[kBatches] = {}, minCode[kBatches] = {};
        double error = 0;
        for (int b = 0; b < kBatches; ++b) {
            const Vector near = rounded(wanted[b].scale * over), nearMin = rounded(wanted[b].minimum * overMin);
            Vector found = everyLane(kWorst);
            for (int k = 0; k < 9; ++k) { // the nearest codes and their neighbours
                const auto neighbour = [](Vector v, int shift) {
                    return least(most(v + static_cast<float>(shift), Vector{}), everyLane(F.scaleTop));
                };
                const Vector tried = neighbour(near, k / 3 - 1), triedMin = neighbour(nearMin, k % 3 - 1);
                const Vector its = affineError<F.top>(subs[b], d * tried, dmin * triedMin);
                const auto better = its < found;
                found = better ? its : found;
                code[b] = better ? tried : code[b];
                minCode[b] = better ? triedMin : minCode[b];
            }
            error += totalOf(found);
        }
        if (error < bestError) {
            bestError = error;
            best.d = d;
            best.dmin = dmin;
            for (int k = 0; k < kBatches * kLanes; ++k) {
                best.scales[k] = static_cast<std::uint8_t>(code[k / kLanes][k % kLanes]);
                best.minima[k] = static_cast<std::uint8_t>(minCode[k / kLanes][k % kLanes]);
            }
        }
        if (round == 1) break;
        // Once more with both factors by least squares for these codes: x ~ d (code q) - dmin minCode.
        double aa = 0, ab = 0, bb = 0, xa = 0, xb = 0;
        for (int b = 0; b < kBatches; ++b) {
            const AffineSums s =
                affineSums<F.top>(subs[b], Vector{}, inverse(d * code[b]), dmin * minCode[b]);
            aa += totalOf(code[b] * code[b] * s.qq);
            ab += totalOf(code[b] * minCode[b] * s.q);
            bb += totalOf(minCode[b] * minCode[b] * subs[b].sw);
            xa += totalOf(code[b] * s.xq);
            xb += totalOf(minCode[b] * subs[b].sx);
        }
        const double determinant = aa * bb - ab * ab;
        const double nextMin = determinant > 0 ? (ab * xa - aa * xb) / determinant : 0;
        const double next = nextMin > 0 ? (bb * xa - ab * xb) / determinant : aa > 0 ? xa / aa : 0;
        if (!(next > 0)) break;
        d = block.asStored(static_cast<float>(next));
        dmin = block.asStored(static_cast<float>(std::max(0.0, nextMin)));
    }
    return best;
}

/// The fit of a super-block and the codes of its values.
template<AffineFormat F>
AffineFit encodeAffine(const float* values, const float* importance, Prepared<kSuperBlock>& block, std::uint8_t* codes) {
    prepare<kSuperBlock, F.elements>(values, importance, block);
    const AffineFit fit = fitAffine<F>(block);
    for (int s = 0; s < kSuperBlock / F.elements; ++s)
        writeCodes(block.x + F.elements * s, F.elements, inverseOf(fit.d * static_cast<float>(fit.scales[s])),
                   fit.dmin * static_cast<float>(fit.minima[s]), 0, F.top, 0, codes + F.elements * s);
    return fit;
}

void searchQ2_K(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks) {
    Prepared<kSuperBlock> prepared;
    std::uint8_t codes[kSuperBlock];
    for (; blocks > 0; --blocks, values += kSuperBlock, block += 84) {
        const AffineFit fit = encodeAffine<AffineFormat{16, 3, 15, 16, -0.9f, 0.12f}>(values, importance, prepared, codes);
        if (importance != nullptr) importance += kSuperBlock;
        for (int k = 0; k < 16; ++k) block[k] = static_cast<std::uint8_t>(fit.scales[k] | fit.minima[k] << 4);
        storeTwoBits(codes, block + 16);
        prepared.store(fit.d, block + 80);
        prepared.store(fit.dmin, block + 82);
    }
}

/// The head of Q4_K and Q5_K.
inline void storeHead(const Prepared<kSuperBlock>& prepared, const AffineFit& fit, std::uint8_t* block) {
    prepared.store(fit.d, block);
    prepared.store(fit.dmin, block + 2);
    SixBitPairs pairs;
    std::copy_n(fit.scales, 8, pairs.scales.begin());
    std::copy_n(fit.minima, 8, pairs.minima.begin());
    storeSixBitPairs(pairs, block + 4);
}

void searchQ4_K(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks) {
    Prepared<kSuperBlock> prepared;
    std::uint8_t codes[kSuperBlock];
    for (; blocks > 0; --blocks, values += kSuperBlock, block += 144) {
        const AffineFit fit = encodeAffine<AffineFormat{32, 15, 63, 12, -1.2f, 0.25f}>(values, importance, prepared, codes);
        if (importance != nullptr) importance += kSuperBlock;
        storeHead(prepared, fit, block);
        for (int i = 0; i < 128; ++i) {
            const std::uint8_t* const q = codes + 64 * (i / 32) + i % 32;
            block[16 + i] = static_cast<std::uint8_t>(q[0] | q[32] << 4);
        }
    }
}

void searchQ5_K(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks) {
    Prepared<kSuperBlock> prepared;
    std::uint8_t codes[kSuperBlock];
    for (; blocks > 0; --blocks, values += kSuperBlock, block += 176) {
        const AffineFit fit = encodeAffine<AffineFormat{32, 31, 63, 12, -1.2f, 0.25f}>(values, importance, prepared, codes);
        if (importance != nullptr) importance += kSuperBlock;
        storeHead(prepared, fit, block);
        for (int l = 0; l < 32; ++l) {
            int bits = 0;
            for (int s = 0; s < 8; ++s) bits |= codes[32 * s + l] >> 4 << s;
            block[16 + l] = static_cast<std::uint8_t>(bits);
        }
        for (int i = 0; i < 128; ++i) {
            const std::uint8_t* const q = codes + 64 * (i / 32) + i % 32;
            block[48 + i] = static_cast<std::uint8_t>((q[0] & 15) | (q[32] & 15) << 4);
        }
    }
}

/// Eight blocks of 32 at once, of which `present` are there: scale and minimum of each in half precision.
template<int Top>
void fitPairs(const Prepared<kBlock>* prepared, int present, float* scales, float* minima) {
    alignas(32) float x[kLanes * kBlock] = {}, w[kLanes * kBlock] = {};
    for (int k = 0; k < present; ++k) {
        std::copy_n(prepared[k].x, kBlock, x + kBlock * k);
        std::copy_n(prepared[k].w, kBlock, w + kBlock * k);
    }
    Subs<kBlock> subs;
    load(x, w, subs);
    const auto [scale, minimum] = searchScaleAndMinimum<Top, 41, true>(subs, -1.5f, 0.07f, 4);
    // The nearest halves and their neighbours: rounding the scale moves codes.
    Vector found = everyLane(kWorst);
    for (int k = 0; k < 9; ++k) {
        Vector tried{}, triedMin{};
        for (int l = 0; l < present; ++l) {
            tried[l] = prepared[l].asStored(scale[l] * (1 + 0x1p-11f * static_cast<float>(k / 3 - 1)));
            triedMin[l] = -prepared[l].asStored(-minimum[l] * (1 + 0x1p-11f * static_cast<float>(k % 3 - 1)));
        }
        const Vector error = affineError<Top>(subs, tried, triedMin);
        for (int l = 0; l < present; ++l)
            if (error[l] < found[l]) {
                found[l] = error[l];
                scales[l] = tried[l];
                minima[l] = triedMin[l];
            }
    }
}

/// Q4_1 and Q5_1, which differ in the bits above the fourth.
template<int Top>
void searchPairs(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks) {
    constexpr std::size_t kCodesAt = Top == 15 ? 4 : 8;
    Prepared<kBlock> prepared[kLanes];
    float scales[kLanes], minima[kLanes];
    std::uint8_t codes[kBlock];
    while (blocks > 0) {
        const int present = static_cast<int>(std::min<std::size_t>(blocks, kLanes));
        for (int k = 0; k < present; ++k)
            prepare<kBlock, kBlock>(values + kBlock * k, importance + kBlock * k, prepared[k]);
        fitPairs<Top>(prepared, present, scales, minima);
        for (int k = 0; k < present; ++k, block += kCodesAt + 16) {
            prepared[k].store(scales[k], block);
            prepared[k].store(-minima[k], block + 2);
            writeCodes(prepared[k].x, kBlock, inverseOf(scales[k]), minima[k], 0, Top, 0, codes);
            if constexpr (Top == 31) storeFifthBits(codes, block + 4);
            storeNibbles(codes, block + kCodesAt);
        }
        values += kBlock * present;
        importance += kBlock * present;
        blocks -= static_cast<std::size_t>(present);
    }
}

void searchQ4_1(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks) {
    searchPairs<15>(values, importance, block, blocks);
}

void searchQ5_1(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks) {
    searchPairs<31>(values, importance, block, blocks);
}
