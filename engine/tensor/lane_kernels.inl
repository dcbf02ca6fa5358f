// SPDX-License-Identifier: GPL-3.0-or-later
// Included by lane_kernels.cpp once per instruction set, inside a namespace of its own. The vector type keeps the eight
// lanes in one register where there is one that wide; left to itself GCC 12 transposes these loops.

using Vector = float __attribute__((vector_size(32)));

#define QSCOPE_LOAD(name, from)                                                                                        \
    Vector name;                                                                                                       \
    std::memcpy(&name, from, sizeof name)
#define QSCOPE_STORE(to, name) std::memcpy(to, &name, sizeof name)
// Adding and subtracting 1.5 * 2^23 rounds to the nearest integer, ties to even.
#define QSCOPE_CODE(name, value, low, high)                                                                            \
    Vector name = value;                                                                                               \
    name = name < low ? low : name;                                                                                    \
    name = name > high ? high : name;                                                                                  \
    name = (name + 0x1.8p23f) - 0x1.8p23f

inline void symmetricSums(const LaneBlock& block, float half, const Lanes& inverse, LaneSums& out) {
    QSCOPE_LOAD(scaled, inverse.v.data());
    const Vector zero{}, low = zero - half, high = zero + (half - 1);
    Vector xq{}, qq{};
    for (int at = 0; at < block.elements * kLanes; at += kLanes) {
        QSCOPE_LOAD(x, block.x.data() + at);
        QSCOPE_LOAD(w, block.w.data() + at);
        QSCOPE_CODE(q, x * scaled, low, high);
        const Vector wq = w * q;
        xq += wq * x;
        qq += wq * q;
    }
    QSCOPE_STORE(out.xq.v.data(), xq);
    QSCOPE_STORE(out.qq.v.data(), qq);
}

inline void symmetricErrors(const LaneBlock& block, float half, const Lanes& scale, Lanes& errors) {
    Lanes inverse;
    for (int l = 0; l < kLanes; ++l) inverse[l] = inverseOf(scale[l]);
    QSCOPE_LOAD(scaled, inverse.v.data());
    QSCOPE_LOAD(back, scale.v.data());
    const Vector zero{}, low = zero - half, high = zero + (half - 1);
    Vector error{};
    for (int at = 0; at < block.elements * kLanes; at += kLanes) {
        QSCOPE_LOAD(x, block.x.data() + at);
        QSCOPE_LOAD(w, block.w.data() + at);
        QSCOPE_CODE(q, x * scaled, low, high);
        const Vector difference = x - back * q;
        error += w * difference * difference;
    }
    QSCOPE_STORE(errors.v.data(), error);
}

inline void affineSums(const LaneBlock& block, float top, const Lanes& inverse, const Lanes& minimum, LaneSums& out) {
    QSCOPE_LOAD(scaled, inverse.v.data());
    QSCOPE_LOAD(shift, minimum.v.data());
    const Vector low{}, high = low + top;
    Vector sw{}, sx{}, sq{}, qq{}, xq{};
    for (int at = 0; at < block.elements * kLanes; at += kLanes) {
        QSCOPE_LOAD(x, block.x.data() + at);
        QSCOPE_LOAD(w, block.w.data() + at);
        QSCOPE_CODE(q, (x + shift) * scaled, low, high);
        const Vector wq = w * q;
        sw += w;
        sx += w * x;
        sq += wq;
        qq += wq * q;
        xq += wq * x;
    }
    QSCOPE_STORE(out.w.v.data(), sw);
    QSCOPE_STORE(out.x.v.data(), sx);
    QSCOPE_STORE(out.q.v.data(), sq);
    QSCOPE_STORE(out.qq.v.data(), qq);
    QSCOPE_STORE(out.xq.v.data(), xq);
}

inline void affineErrors(const LaneBlock& block, float top, const Lanes& scale, const Lanes& minimum, Lanes& errors) {
    Lanes inverse;
    for (int l = 0; l < kLanes; ++l) inverse[l] = inverseOf(scale[l]);
    QSCOPE_LOAD(scaled, inverse.v.data());
    QSCOPE_LOAD(back, scale.v.data());
    QSCOPE_LOAD(shift, minimum.v.data());
    const Vector low{}, high = low + top;
    Vector error{};
    for (int at = 0; at < block.elements * kLanes; at += kLanes) {
        QSCOPE_LOAD(x, block.x.data() + at);
        QSCOPE_LOAD(w, block.w.data() + at);
        QSCOPE_CODE(q, (x + shift) * scaled, low, high);
        const Vector difference = x - (back * q - shift);
        error += w * difference * difference;
    }
    QSCOPE_STORE(errors.v.data(), error);
}

constexpr LaneKernels kKernels{symmetricSums, symmetricErrors, affineSums, affineErrors};

#undef QSCOPE_LOAD
#undef QSCOPE_STORE
#undef QSCOPE_CODE
