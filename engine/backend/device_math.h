// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"

#include <array>
#include <memory>
#include <span>

namespace qscope::engine {

/// Single-precision numbers on a device, never changed once made. Belongs to the device of the `DeviceMath` that made
/// it.
class DeviceArray {
public:
    virtual ~DeviceArray() = default;
    [[nodiscard]] virtual std::int64_t count() const = 0;
};
using DeviceArrayPtr = std::shared_ptr<const DeviceArray>;

/// Functions of one number; the two Gelus are x times the normal distribution function, exact and in its tanh form.
enum class UnaryFunction : std::uint8_t {
    Negate,
    Absolute,
    SquareRoot,
    Reciprocal,
    Exponential,
    Logarithm,
    Tanh,
    Sigmoid,
    Relu,
    Silu,
    Gelu,
    GeluTanh,
    Erf
};
enum class BinaryFunction : std::uint8_t { Add, Subtract, Multiply, Divide, Maximum, Minimum };

/// Two arrays seen with four axes, outermost first; a step of 0 repeats an array along an axis.
struct Broadcast {
    std::array<std::int64_t, 4> sizes{1, 1, 1, 1};
    std::array<std::int64_t, 4> stepsA{};
    std::array<std::int64_t, 4> stepsB{};
};

/// Where the matrices of a batch lie: element (row, column) of pair (outer, inner) is at offset + outer * outer step +
/// ...
struct MatrixSteps {
    std::int64_t offset = 0;
    std::int64_t outer = 0;
    std::int64_t inner = 0;
    std::int64_t row = 0;
    std::int64_t column = 1;
};

/// C = alpha A B + bias for outer * inner pairs; A is rows x depth, B depth x columns, C as `result` says in an array
/// of `resultCount` numbers.
struct MatrixProduct {
    std::int64_t outer = 1;
    std::int64_t inner = 1;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::int64_t depth = 0;
    std::int64_t shareB = 1; ///< so many inner pairs in a row have the same B
    float alpha = 1;
    std::int64_t biasRow = 0; ///< steps in the bias, when there is one
    std::int64_t biasColumn = 0;
    MatrixSteps a = {};
    MatrixSteps b = {};
    MatrixSteps result = {}; ///< its column step is 1
    std::int64_t resultCount = 0;
};

/// Steps of a tensor of heads: batch, head, token; the elements of a head are neighbours.
struct HeadSteps {
    std::int64_t batch = 0;
    std::int64_t head = 0;
    std::int64_t token = 0;
};

/// softmax(mask(scale Q Kᵀ)) V for each batch and head; head h uses keys and values of h / (heads / kvHeads). A score
/// becomes cap * tanh(score / cap) first. Query q stands at position + q; causal, it sees keys up to there; with a
/// window only the last so many of them. A query that sees nothing gives zeros.
struct AttentionShape {
    std::int64_t batch = 1, heads = 1, kvHeads = 1, queries = 0, keys = 0, size = 0, valueSize = 0;
    HeadSteps q = {}, k = {}, v = {}, result = {};
    std::array<std::int64_t, 4> maskSteps{}; ///< batch, head, query, key; of the added mask, when there is one
    float scale = 1;
    float cap = 0; ///< 0: none
    bool causal = false;
    std::int64_t position = 0;
    std::int64_t window = 0; ///< 0: all
};

/// Turns pairs (u, v) of elements of the first `2 * pairs` elements of each head: (u cos - v sin, v cos + u sin).
/// Vectors are numbered outer * middle * inner; the row of angles is outer * outerStep + token, `pairs` long.
struct Rotation {
    std::int64_t outer = 1, middle = 1, inner = 1, size = 0, pairs = 0;
    bool tokenIsInner = false; ///< whether the token is the inner number, not the middle one
    bool neighbours = false;   ///< partners are neighbours, not `pairs` apart
    std::int64_t outerStep = 0;
};

/// x [batch, channels, height, width], weight [outputs, channels / groups, window height, window width].
struct ConvolutionShape {
    std::int64_t batch = 1, channels = 0, outputs = 0, groups = 1;
    std::array<std::int64_t, 2> size{1, 1}, window{1, 1}, stride{1, 1}, dilation{1, 1}, padBefore{0, 0}, result{1, 1};
};

/// Arithmetic on a device in which results stay there: what runs models. One for each run and thread; stops when the
/// run is told to. Every call checks that its arrays hold what the shapes reach; OutOfRange otherwise, OutOfMemory when
/// the device cannot hold or bind a result. Work is recorded and submitted in pieces; `download` waits for it.
class DeviceMath {
public:
    virtual ~DeviceMath() = default;

    /// The most numbers that one array may have.
    [[nodiscard]] virtual std::int64_t largestArray() const = 0;
    [[nodiscard]] virtual Result<DeviceArrayPtr> upload(std::span<const float> values) = 0;
    [[nodiscard]] virtual Result<void> download(const DeviceArrayPtr& array, std::span<float> out) = 0;

    [[nodiscard]] virtual Result<DeviceArrayPtr> map(UnaryFunction function, const DeviceArrayPtr& x) = 0;
    [[nodiscard]] virtual Result<DeviceArrayPtr> combine(BinaryFunction function, const Broadcast& shape,
                                                         const DeviceArrayPtr& a, const DeviceArrayPtr& b) = 0;
    /// `bias` may be null.
    [[nodiscard]] virtual Result<DeviceArrayPtr> product(const MatrixProduct& shape, const DeviceArrayPtr& a,
                                                         const DeviceArrayPtr& b, const DeviceArrayPtr& bias) = 0;
    /// Softmax of rows of `columns` numbers, or its logarithm.
    [[nodiscard]] virtual Result<DeviceArrayPtr> softmax(const DeviceArrayPtr& x, std::int64_t columns,
                                                         bool logarithm) = 0;
    /// (x - mean) / sqrt(variance + epsilon) * scale + bias of rows as long as `scale`; not centred, the mean counts as
    /// 0. `bias` may be null.
    [[nodiscard]] virtual Result<DeviceArrayPtr> normalise(const DeviceArrayPtr& x, const DeviceArrayPtr& scale,
                                                           const DeviceArrayPtr& bias, float epsilon, bool centred) = 0;
    [[nodiscard]] virtual Result<DeviceArrayPtr> rotate(const Rotation& shape, const DeviceArrayPtr& x,
                                                        const DeviceArrayPtr& cosines, const DeviceArrayPtr& sines) = 0;
    /// The result is dense in the order of `shape.result`; `mask` may be null.
    [[nodiscard]] virtual Result<DeviceArrayPtr> attention(const AttentionShape& shape, const DeviceArrayPtr& q,
                                                           const DeviceArrayPtr& k, const DeviceArrayPtr& v,
                                                           const DeviceArrayPtr& mask) = 0;
    /// The result is [batch, outputs, ...]; `bias`, one number per output, may be null.
    [[nodiscard]] virtual Result<DeviceArrayPtr> convolution(const ConvolutionShape& shape, const DeviceArrayPtr& x,
                                                             const DeviceArrayPtr& weight,
                                                             const DeviceArrayPtr& bias) = 0;
};

/// What a backend is besides when its device can run models; the CPU's is not: its kernels need no such detour.
class MathDevice {
public:
    virtual ~MathDevice() = default;
    /// Arithmetic for one run, stopped by the context's token.
    [[nodiscard]] virtual Result<std::unique_ptr<DeviceMath>> makeMath(const RunContext& context) = 0;
};

/// The run's backend as one that runs models, or null.
[[nodiscard]] MathDevice* mathDevice(const RunContext& context);

} // namespace qscope::engine
