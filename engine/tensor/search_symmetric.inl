// SPDX-License-Identifier: GPL-3.0-or-later
// Included by search_blocks.cpp after search_lanes.inl: formats with a scale alone, on a grid of whole numbers or on the
// sixteen values of IQ4.

/// The sixteen values of IQ4_NL and IQ4_XS.
struct NonLinearGrid {
    static constexpr float kLow = kNonLinear.front(), kHigh = kNonLinear.back();
    static Vector code(Vector v) {
        Vector q = everyLane(kNonLinear[0]);
        for (std::size_t k = 1; k < kNonLinear.size(); ++k) {
            const auto above = v > 0.5f * (kNonLinear[k - 1] + kNonLinear[k]);
            q = above ? everyLane(kNonLinear[k]) : q;
        }
        return q;
    }
};

/// Numbers of these values, in the order of the codebook.
inline void writeNonLinearCodes(const float* x, int count, float inverseScale, std::uint8_t* codes) {
    for (int i = 0; i < count; ++i) {
        const float v = x[i] * inverseScale;
        int code = 0;
        for (std::size_t k = 1; k < kNonLinear.size(); ++k) code += v > 0.5f * (kNonLinear[k - 1] + kNonLinear[k]);
        codes[i] = static_cast<std::uint8_t>(code);
    }
}

/// How Q3_K, Q6_K and IQ4_XS share out a super-block, and how long to look for its scales.
struct SymmetricFormat {
    int elements;  ///< of a sub-block
    int scaleHalf; ///< codes of scales from -scaleHalf to scaleHalf - 1
    ScaleTrials trials;
    int rounds; ///< of choosing the codes of scales and their common factor in turns
    int reach;  ///< how far from the nearest code of a scale to look
};

/// The common factor of scales, and the codes of those.
struct SymmetricFit {
    float d = 0;
    std::int8_t scales[16] = {};
};

template<SymmetricFormat F, class Grid>
SymmetricFit fitSymmetric(const Prepared<kSuperBlock>& block) {
    constexpr int kBatches = kSuperBlock / kLanes / F.elements;
    Subs<F.elements> subs[kBatches];
    Vector wanted[kBatches];
    float peak = 0;
    for (int b = 0; b < kBatches; ++b) {
        load(block.x + 128 * b, block.w + 128 * b, subs[b]);
        wanted[b] = searchScale<Grid, F.trials>(subs[b]);
        for (int l = 0; l < kLanes; ++l)
            if (std::fabs(wanted[b][l]) > std::fabs(peak)) peak = wanted[b][l];
    }

    SymmetricFit best;
    double bestError = std::numeric_limits<double>::infinity();
    float d = block.asStored(peak / static_cast<float>(-F.scaleHalf)); // the longest code is negative
    for (int round = 1;; ++round) {
        const Vector over = inverse(everyLane(d));
        Vector code[kBatches] = {};
        double error = 0;
        for (int b = 0; b < kBatches; ++b) {
            const Vector near = rounded(wanted[b] * over);
            Vector found = everyLane(kWorst);
            for (int shift = -F.reach; shift <= F.reach; ++shift) {
                const Vector tried =
                    least(most(near + static_cast<float>(shift), everyLane(-F.scaleHalf)), everyLane(F.scaleHalf - 1));
                const Vector its = symmetricError<Grid>(subs[b], d * tried);
                const auto better = its < found;
                found = better ? its : found;
                code[b] = better ? tried : code[b];
            }
            error += totalOf(found);
        }
        if (error < bestError) {
            bestError = error;
            best.d = d;
            for (int k = 0; k < kBatches * kLanes; ++k)
                best.scales[k] = static_cast<std::int8_t>(code[k / kLanes][k % kLanes]);
        }
        if (round == F.rounds) break;
        double xq = 0, qq = 0;
        for (int b = 0; b < kBatches; ++b) {
            const SymmetricSums s = symmetricSums<Grid>(subs[b], inverse(d * code[b]));
            xq += totalOf(code[b] * s.xq);
            qq += totalOf(code[b] * code[b] * s.qq);
        }
        if (!(qq > 0)) break;
        d = block.asStored(static_cast<float>(xq / qq)); // the common factor by least squares for these codes
    }
    return best;
}

template<int Elements, int Half>
void writeSymmetricCodes(const Prepared<kSuperBlock>& block, const SymmetricFit& fit, std::uint8_t* codes) {
    for (int s = 0; s < kSuperBlock / Elements; ++s)
        writeCodes(block.x + Elements * s, Elements, inverseOf(fit.d * static_cast<float>(fit.scales[s])), 0, -Half,
                   Half - 1, Half, codes + Elements * s);
}

void searchQ3_K(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks) {
    Prepared<kSuperBlock> prepared;
    std::uint8_t codes[kSuperBlock];
    for (; blocks > 0; --blocks, values += kSuperBlock, block += 110) {
        prepare<kSuperBlock, 16>(values, importance, prepared);
        // Importance makes the best scale harder to find.
        const SymmetricFit fit = importance == nullptr
                                     ? fitSymmetric<SymmetricFormat{16, 32, {4, 0.4f, false, 1}, 1, 0}, UniformGrid<4>>(prepared)
                                     : fitSymmetric<SymmetricFormat{16, 32, {9, 0.2f, true, 2}, 2, 1}, UniformGrid<4>>(prepared);
        if (importance != nullptr) importance += kSuperBlock;
        writeSymmetricCodes<16, 4>(prepared, fit, codes);
        for (int l = 0; l < 32; ++l) {
            int bits = 0;
            for (int j = 0; j < 8; ++j) bits |= codes[32 * j + l] >> 2 << j;
            block[l] = static_cast<std::uint8_t>(bits);
        }
        for (std::uint8_t& code : codes) code &= 3;
        storeTwoBits(codes, block + 32);
        std::memset(block + 96, 0, 12);
        for (int k = 0; k < 16; ++k) {
            const int code = fit.scales[k] + 32;
            block[96 + k % 8] = static_cast<std::uint8_t>(block[96 + k % 8] | (code & 15) << 4 * (k / 8));
            block[104 + k % 4] = static_cast<std::uint8_t>(block[104 + k % 4] | code >> 4 << 2 * (k / 4));
        }
        prepared.store(fit.d, block + 108);
    }
}

void searchQ6_K(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks) {
    Prepared<kSuperBlock> prepared;
    std::uint8_t codes[kSuperBlock];
    for (; blocks > 0; --blocks, values += kSuperBlock, block += 210) {
        prepare<kSuperBlock, 16>(values, importance, prepared);
        if (importance != nullptr) importance += kSuperBlock;
        const SymmetricFit fit = fitSymmetric<SymmetricFormat{16, 128, {13, 0.15f, false, 2}, 2, 1}, UniformGrid<32>>(prepared);
        writeSymmetricCodes<16, 32>(prepared, fit, codes);
        for (int h = 0; h < 2; ++h)
            for (int l = 0; l < 32; ++l) {
                const std::uint8_t* const q = codes + 128 * h + l;
                block[64 * h + l] = static_cast<std::uint8_t>((q[0] & 15) | (q[64] & 15) << 4);
                block[64 * h + 32 + l] = static_cast<std::uint8_t>((q[32] & 15) | (q[96] & 15) << 4);
                block[128 + 32 * h + l] = static_cast<std::uint8_t>(q[0] >> 4 | q[32] >> 4 << 2 | q[64] >> 4 << 4 | q[96] >> 4 << 6);
            }
        std::memcpy(block + 192, fit.scales, 16);
        prepared.store(fit.d, block + 208);
    }
}

void searchIQ4_XS(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks) {
    Prepared<kSuperBlock> prepared;
    std::uint8_t codes[kSuperBlock];
    for (; blocks > 0; --blocks, values += kSuperBlock, block += 136) {
        prepare<kSuperBlock, 32>(values, importance, prepared);
        if (importance != nullptr) importance += kSuperBlock;
        const SymmetricFit fit = fitSymmetric<SymmetricFormat{32, 32, {15, 1, true, 2}, 3, 1}, NonLinearGrid>(prepared);
        int high = 0;
        std::memset(block + 4, 0, 4);
        for (int s = 0; s < 8; ++s) {
            writeNonLinearCodes(prepared.x + 32 * s, 32, inverseOf(fit.d * static_cast<float>(fit.scales[s])), codes);
            storeNibbles(codes, block + 8 + 16 * s);
            const int code = fit.scales[s] + 32;
            block[4 + s / 2] = static_cast<std::uint8_t>(block[4 + s / 2] | (code & 15) << 4 * (s % 2));
            high |= code >> 4 << 2 * s;
        }
        block[2] = static_cast<std::uint8_t>(high);
        block[3] = static_cast<std::uint8_t>(high >> 8);
        prepared.store(fit.d, block);
    }
}

/// Eight blocks of 32 at once, of which `present` are there: the scale of each in half precision.
template<class Grid, ScaleTrials T>
void fitScales(const Prepared<kBlock>* prepared, int present, float* scales) {
    alignas(32) float x[kLanes * kBlock] = {}, w[kLanes * kBlock] = {};
    for (int k = 0; k < present; ++k) {
        std::copy_n(prepared[k].x, kBlock, x + kBlock * k);
        std::copy_n(prepared[k].w, kBlock, w + kBlock * k);
    }
    Subs<kBlock> subs;
    load(x, w, subs);
    const Vector scale = searchScale<Grid, T>(subs);
    // The nearest half and its neighbours: rounding the scale moves codes.
    Vector found = everyLane(kWorst);
    for (int shift = -1; shift <= 1; ++shift) {
        Vector tried{};
        for (int l = 0; l < present; ++l)
            tried[l] = prepared[l].asStored(scale[l] * (1 + 0x1p-11f * static_cast<float>(shift)));
        const Vector error = symmetricError<Grid>(subs, tried);
        for (int l = 0; l < present; ++l)
            if (error[l] < found[l]) {
                found[l] = error[l];
                scales[l] = tried[l];
            }
    }
}

/// Blocks of 32 with a scale each; `writeBlock(prepared, scale, block)` writes one.
template<class Grid, ScaleTrials T, class Write>
void searchScales(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks,
                  std::size_t blockBytes, const Write& writeBlock) {
    Prepared<kBlock> prepared[kLanes];
    float scales[kLanes];
    while (blocks > 0) {
        const int present = static_cast<int>(std::min<std::size_t>(blocks, kLanes));
        for (int k = 0; k < present; ++k)
            prepare<kBlock, kBlock>(values + kBlock * k, importance == nullptr ? nullptr : importance + kBlock * k, prepared[k]);
        fitScales<Grid, T>(prepared, present, scales);
        for (int k = 0; k < present; ++k, block += blockBytes) {
            prepared[k].store(scales[k], block);
            writeBlock(prepared[k], scales[k], block);
        }
        values += kBlock * present;
        if (importance != nullptr) importance += kBlock * present;
        blocks -= static_cast<std::size_t>(present);
    }
}

void searchQ4_0(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks) {
    searchScales<UniformGrid<8>, ScaleTrials{19, 0.1f, true, 2}>(values, importance, block, blocks, 18, [](const auto& prepared, float scale, std::uint8_t* out) {
        std::uint8_t codes[kBlock];
        writeCodes(prepared.x, kBlock, inverseOf(scale), 0, -8, 7, 8, codes);
        storeNibbles(codes, out + 2);
    });
}

void searchQ5_0(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks) {
    searchScales<UniformGrid<16>, ScaleTrials{19, 0.1f, true, 2}>(values, importance, block, blocks, 22, [](const auto& prepared, float scale, std::uint8_t* out) {
        std::uint8_t codes[kBlock];
        writeCodes(prepared.x, kBlock, inverseOf(scale), 0, -16, 15, 16, codes);
        storeFifthBits(codes, out + 2);
        storeNibbles(codes, out + 6);
    });
}

void searchIQ4_NL(const float* values, const float* importance, std::uint8_t* block, std::size_t blocks) {
    searchScales<NonLinearGrid, ScaleTrials{15, 1, true, 2}>(values, importance, block, blocks, 18, [](const auto& prepared, float scale, std::uint8_t* out) {
        std::uint8_t codes[kBlock];
        writeNonLinearCodes(prepared.x, kBlock, inverseOf(scale), codes);
        storeNibbles(codes, out + 2);
    });
}
