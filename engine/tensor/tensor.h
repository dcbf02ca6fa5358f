// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/dtype.h"
#include "engine/core/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace qscope::engine {

/// Sizes of the axes, outermost first (row-major, the order of PyTorch and NumPy). Empty: a scalar.
using Shape = std::vector<std::int64_t>;

[[nodiscard]] std::int64_t elementCount(const Shape& shape);

/// Any tensor seen as a matrix: all axes but the last are rows (output channels), the last is columns (input features).
/// A vector or scalar is one row.
struct MatrixShape {
    std::int64_t rows = 1;
    std::int64_t columns = 1;
};
[[nodiscard]] MatrixShape asMatrix(const Shape& shape);

struct TensorView;
struct CodedWeight;

/// Values that no single run of bytes holds: elements with strides, or codes with their scales. Immutable.
class TensorSource {
public:
    virtual ~TensorSource() = default;
    /// The smallest plain type that holds every value exactly.
    [[nodiscard]] virtual DType plainType() const = 0;
    /// Elements [first, first + out.size()) in row-major order; the range lies inside the tensor.
    [[nodiscard]] virtual Result<void> decode(std::int64_t first, std::span<float> out) const = 0;
    [[nodiscard]] virtual Result<void> decode(std::int64_t first, std::span<double> out) const = 0;
    /// The whole tensor as one run of bytes of `plainType`, in a buffer of its own.
    [[nodiscard]] virtual Result<TensorView> contiguous(const Shape& shape) const = 0;
    /// The parts, when the values are codes with scales; otherwise null.
    [[nodiscard]] virtual const CodedWeight* coded() const { return nullptr; }
};

/// Stored elements and what keeps them alive (a mapped file or an owned buffer). Cheap to copy; the bytes never change.
/// Invariant: `bytes.size() == storedBytes(dtype, elementCount(shape))`, or the type is Coded and `source` is set.
struct TensorView {
    DType dtype = DType::F32;
    Shape shape;
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> keepAlive;
    std::shared_ptr<const TensorSource> source = nullptr; ///< of Coded tensors; then `bytes` is empty
};

/// A view that owns a copy of single-precision values; `values.size()` equals the shape's element count.
[[nodiscard]] TensorView makeTensor(Shape shape, std::vector<float> values);
/// A view that owns encoded bytes.
[[nodiscard]] TensorView makeTensor(DType dtype, Shape shape, std::vector<std::byte> bytes);
/// A Coded view.
[[nodiscard]] TensorView makeTensor(Shape shape, std::shared_ptr<const TensorSource> source);

/// The same values in one run of bytes of a plain type: the view itself unless it is Coded.
[[nodiscard]] Result<TensorView> contiguous(const TensorView& tensor);

/// Elements [first, first + out.size()) in row-major order as single precision (complex: the magnitude is not taken,
/// C64 is Unsupported). `first` and the length need not fall on block borders, aligned ones are faster.
/// OutOfRange past the end; Unsupported for types without a decoder.
[[nodiscard]] Result<void> decode(const TensorView& tensor, std::int64_t first, std::span<float> out);

/// The same in double precision: exact for F64 and for integers up to 2^53.
[[nodiscard]] Result<void> decode(const TensorView& tensor, std::int64_t first, std::span<double> out);

/// Whether `decode` knows the type; true for Coded.
[[nodiscard]] bool canDecode(DType type);

/// Rows [row, row + rows) x columns [column, column + columns) of the matrix shape, row-major.
[[nodiscard]] Result<std::vector<float>> decodeTile(const TensorView& tensor, std::int64_t row, std::int64_t rows,
                                                    std::int64_t column, std::int64_t columns);

} // namespace qscope::engine
