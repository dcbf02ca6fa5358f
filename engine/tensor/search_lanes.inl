// SPDX-License-Identifier: GPL-3.0-or-later
// Included by search_blocks.cpp once per instruction set, inside a namespace of its own: weighted fits of eight
// sub-blocks at once, one per lane of a vector. Left to itself GCC 12 transposes such loops.

using Vector = float __attribute__((vector_size(32)));
constexpr int kLanes = 8;
constexpr float kWorst = std::numeric_limits<float>::infinity();

inline Vector everyLane(float value) { return Vector{} + value; }
#ifdef __AVX2__ // GCC 12 makes a comparison and a blend of the portable form
inline Vector least(Vector a, Vector b) { return _mm256_min_ps(a, b); }
inline Vector most(Vector a, Vector b) { return _mm256_max_ps(a, b); }
#else
inline Vector least(Vector a, Vector b) { return a < b ? a : b; }
inline Vector most(Vector a, Vector b) { return a > b ? a : b; }
#endif
/// To nearest, ties to even, for magnitudes below 2^22.
inline Vector rounded(Vector v) { return (v + 0x1.8p23f) - 0x1.8p23f; }
/// 1 / v, or 0 where that is not finite.
inline Vector inverse(Vector v) {
    const Vector result = 1 / v;
    return result - result == 0 ? result : Vector{};
}
inline float largestOf(Vector v) {
    float result = v[0];
    for (int l = 1; l < kLanes; ++l) result = std::max(result, v[l]);
    return result;
}
inline double totalOf(Vector v) {
    double sum = 0;
    for (int l = 0; l < kLanes; ++l) sum += static_cast<double>(v[l]);
    return sum;
}

/// Eight sub-blocks of N values with their weights: element e of lane l is x[e][l].
template<int N>
struct Subs {
    Vector x[N], w[N];
    Vector sw, sx; ///< sums of w and of w x
};

/// A block of `Count` values on the way to be encoded: scaled by a power of two to a magnitude near 1, so that no sum
/// overflows or fades away, and with the weights of its errors.
template<int Count>
struct Prepared {
    alignas(32) float x[Count];
    alignas(32) float w[Count];
    float unit; ///< x times this is the value

    /// What a decoder will read of a scale, in the scaled block.
    [[nodiscard]] float asStored(float scale) const { return asHalf(scale * unit) / unit; }
    void store(float scale, std::uint8_t* at) const { storeHalf(scale * unit, at); }
};

/// A power of two near `peak`, far from the ends of single precision.
inline float unitNear(float peak) { return floatOf(std::clamp(bitsOf(peak) >> 23, 27, 227) << 23); }

/// The weight of an error: importance times sqrt(2 mean(x²) + x²), the mean over the block. A sub-block of N values
/// without any importance counts as evenly important, so that its scale stays defined.
template<int Count, int N>
void prepare(const float* values, const float* importance, Prepared<Count>& block) {
    block.unit = unitNear(magnitudeOf(values, Count));
    const float scale = 1 / block.unit;
    float squares[8] = {};
    for (int i = 0; i < Count; i += 8)
        for (int k = 0; k < 8; ++k) {
            const float x = values[i + k] * scale;
            block.x[i + k] = x;
            squares[k] += x * x;
        }
    float sum = 0;
    for (const float square : squares) sum += square;
    const float floor = 2 * sum / Count;
    for (int i = 0; i < Count; ++i) block.w[i] = std::sqrt(floor + block.x[i] * block.x[i]);
    if (importance == nullptr) return;
    const float fraction = 1 / unitNear(magnitudeOf(importance, Count));
    for (int first = 0; first < Count; first += N) {
        if (magnitudeOf(importance + first, N) * fraction == 0) continue;
        for (int i = first; i < first + N; ++i) block.w[i] *= importance[i] * fraction;
    }
}

/// Eight vectors as rows of a matrix, turned into its columns: each of the three rounds moves the highest bit of the row's
/// number to the lowest place of the column's.
inline void transpose(Vector (&rows)[kLanes]) {
    for (int round = 0; round < 3; ++round) {
        Vector mixed[kLanes];
        for (int i = 0; i < kLanes / 2; ++i) {
            mixed[2 * i] = __builtin_shufflevector(rows[i], rows[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
            mixed[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
        }
        std::copy_n(mixed, kLanes, rows);
    }
}

template<int N>
void load(const float* x, const float* w, Subs<N>& subs) {
    subs.sw = subs.sx = Vector{};
    for (int first = 0; first < N; first += kLanes) {
        Vector values[kLanes], weights[kLanes];
        for (int l = 0; l < kLanes; ++l) {
            std::memcpy(&values[l], x + l * N + first, sizeof(Vector));
            std::memcpy(&weights[l], w + l * N + first, sizeof(Vector));
        }
        transpose(values);
        transpose(weights);
        for (int e = 0; e < kLanes; ++e) {
            subs.x[first + e] = values[e];
            subs.w[first + e] = weights[e];
            subs.sw += weights[e];
            subs.sx += weights[e] * values[e];
        }
    }
}

// x ~ scale q: symmetric formats. `Grid` gives the value q that x / scale is coded as.

/// Whole numbers from -Half to Half - 1.
template<int Half>
struct UniformGrid {
    static constexpr float kLow = -Half, kHigh = Half - 1;
    static Vector code(Vector v) {
        return rounded(least(most(v, everyLane(kLow)), everyLane(kHigh)));
    }
};

struct SymmetricSums {
    Vector xq, qq; ///< sums of w x q and of w q²
};

template<class Grid, int N>
SymmetricSums symmetricSums(const Subs<N>& subs, Vector inverseScale) {
    SymmetricSums s{};
    for (int e = 0; e < N; ++e) {
        const Vector q = Grid::code(subs.x[e] * inverseScale), wq = subs.w[e] * q;
        s.xq += wq * subs.x[e];
        s.qq += wq * q;
    }
    return s;
}

template<class Grid, int N>
Vector symmetricError(const Subs<N>& subs, Vector scale) {
    const Vector inverseScale = inverse(scale);
    Vector error{};
    for (int e = 0; e < N; ++e) {
        const Vector rest = subs.x[e] - scale * Grid::code(subs.x[e] * inverseScale);
        error += subs.w[e] * rest * rest;
    }
    return error;
}

/// How long to look for the scale of a sub-block: `trials` places of the value of largest magnitude, `step` apart, around
/// the grid's longer end (and as many around the shorter one), then `rounds` improvements of the best.
struct ScaleTrials {
    int trials;
    float step;
    bool bothEnds;
    int rounds;
};

/// The scale of least error per lane; every trial is improved by least squares.
template<class Grid, ScaleTrials T, int N>
Vector searchScale(const Subs<N>& subs) {
    Vector peak{};
    for (int e = 0; e < N; ++e) {
        const Vector x = subs.x[e];
        const auto larger = (x < 0 ? -x : x) > (peak < 0 ? -peak : peak);
        peak = larger ? x : peak;
    }
    const Vector overPeak = inverse(peak);
    Vector scale{}, gain{};
    const auto attempt = [&](Vector inverseScale) {
        const SymmetricSums s = symmetricSums<Grid>(subs, inverseScale);
        // With the best scale for these codes, xq / qq, the error is the sum of w x² less this gain.
        const Vector fitted = s.xq * inverse(s.qq), found = s.xq * fitted;
        const auto better = found > gain;
        gain = better ? found : gain;
        scale = better ? fitted : scale;
    };
    for (int trial = 0; trial < T.trials; ++trial) {
        const float shift = T.step * (static_cast<float>(trial) - 0.5f * (T.trials - 1));
        attempt((Grid::kLow + shift) * overPeak);
        if (T.bothEnds) attempt((Grid::kHigh + shift) * overPeak);
    }
    for (int round = 0; round < T.rounds; ++round) attempt(inverse(scale));
    return scale;
}

// x ~ scale q - minimum, q from 0 to Top.

/// Of x above a lane's lowest value, so that a block far from 0 loses no precision.
struct AffineSums {
    Vector q, qq, xq; ///< sums of w q, w q² and w x q
};

template<int Top>
Vector affineCode(Vector v) {
    return rounded(least(most(v, Vector{}), everyLane(Top)));
}

template<int Top, int N>
AffineSums affineSums(const Subs<N>& subs, Vector low, Vector inverseScale, Vector minimum) {
    const Vector shift = minimum + low;
    AffineSums s{};
    for (int e = 0; e < N; ++e) {
        const Vector x = subs.x[e] - low;
        const Vector q = affineCode<Top>((x + shift) * inverseScale), wq = subs.w[e] * q;
        s.q += wq;
        s.qq += wq * q;
        s.xq += wq * x;
    }
    return s;
}

template<int Top, int N>
Vector affineError(const Subs<N>& subs, Vector scale, Vector minimum) {
    const Vector inverseScale = inverse(scale);
    Vector error{};
    for (int e = 0; e < N; ++e) {
        const Vector shifted = subs.x[e] + minimum;
        const Vector rest = shifted - scale * affineCode<Top>(shifted * inverseScale);
        error += subs.w[e] * rest * rest;
    }
    return error;
}

struct ScaleAndMinimum {
    Vector scale, minimum;
};

/// Scale and minimum of least error per lane: the range is cut into different numbers of steps, each improved by least
/// squares, then the best improved again. Neither is negative, unless `FreeMinimum`.
template<int Top, int Trials, bool FreeMinimum, int N>
ScaleAndMinimum searchScaleAndMinimum(const Subs<N>& subs, float first, float step, int rounds) {
    Vector low{}, high{};
    if (FreeMinimum) low = high = subs.x[0];
    else high = everyLane(-kWorst);
    for (int e = 0; e < N; ++e) {
        low = least(low, subs.x[e]);
        high = most(high, subs.x[e]);
    }
    const Vector overRange = inverse(high - low);
    const Vector sx = subs.sx - low * subs.sw;
    // What stays when all values are equal, or none is above 0.
    ScaleAndMinimum best{Vector{}, -low};
    Vector gain{};
    const auto attempt = [&](Vector inverseScale, Vector minimum) {
        const AffineSums s = affineSums<Top>(subs, low, inverseScale, minimum);
        const Vector product = subs.sw * s.qq, determinant = product - s.q * s.q, over = inverse(determinant);
        Vector scale = (subs.sw * s.xq - sx * s.q) * over;
        Vector below = (s.q * s.xq - s.qq * sx) * over; // the minimum, counted from the lowest value
        const auto equal = determinant < 1e-6f * product; // codes all equal: there is one unknown
        const auto bounded = FreeMinimum ? equal : equal | (below < low);
        scale = bounded ? (s.xq + low * s.q) * inverse(s.qq) : scale;
        below = bounded ? low : below;
        // The error is the sum of w x² less this gain.
        const Vector found =
            2 * (scale * s.xq - below * sx) - scale * scale * s.qq + 2 * scale * below * s.q - below * below * subs.sw;
        const auto better = (scale > 0) & (found > gain);
        gain = better ? found : gain;
        best.scale = better ? scale : best.scale;
        best.minimum = better ? below - low : best.minimum;
    };
    for (int trial = 0; trial < Trials; ++trial)
        attempt((Top + first + step * static_cast<float>(trial)) * overRange, -low);
    for (int round = 0; round < rounds; ++round) attempt(inverse(best.scale), best.minimum);
    return best;
}

/// Codes round((x + minimum) * inverse), bounded, plus `offset`.
inline void writeCodes(const float* x, int count, float inverseScale, float minimum, float low, float high, int offset,
                       std::uint8_t* codes) {
    for (int i = 0; i < count; ++i) {
        const float v = (x[i] + minimum) * inverseScale;
        const float bounded = v < low ? low : v > high ? high : v;
        codes[i] = static_cast<std::uint8_t>(static_cast<int>(roundToEven(bounded)) + offset);
    }
}
