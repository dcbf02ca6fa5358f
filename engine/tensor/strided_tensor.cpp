// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/strided_tensor.h"

#include "engine/core/checked_math.h"

#include <algorithm>
#include <cstring>

namespace qscope::engine {

namespace {

bool isRowMajor(const Shape& shape, const std::vector<std::int64_t>& strides) {
    std::int64_t expected = 1;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
        if (shape[axis] != 1 && strides[axis] != expected) return false;
        expected *= shape[axis];
    }
    return true;
}

class StridedSource final : public TensorSource {
public:
    StridedSource(TensorView storage, Shape shape, std::vector<std::int64_t> strides, std::int64_t offset)
        : m_storage(std::move(storage)), m_shape(std::move(shape)), m_strides(std::move(strides)), m_offset(offset) {}

    DType plainType() const override { return m_storage.dtype; }
    Result<void> decode(std::int64_t first, std::span<float> out) const override { return decodeTo(first, out); }
    Result<void> decode(std::int64_t first, std::span<double> out) const override { return decodeTo(first, out); }
    Result<TensorView> contiguous(const Shape& shape) const override {
        return makeTensor(m_storage.dtype, shape, gather(0, elementCount(m_shape)));
    }

private:
    /// The bytes of elements [first, first + count), side by side.
    std::vector<std::byte> gather(std::int64_t first, std::int64_t count) const {
        const auto size = static_cast<std::size_t>(qscope::info(m_storage.dtype).blockBits / 8);
        std::vector<std::byte> bytes(static_cast<std::size_t>(count) * size);
        std::vector<std::int64_t> index(m_shape.size());
        std::int64_t at = m_offset, rest = first;
        for (std::size_t axis = m_shape.size(); axis-- > 0; rest /= m_shape[axis]) {
            index[axis] = rest % m_shape[axis];
            at += index[axis] * m_strides[axis];
        }
        for (std::byte* out = bytes.data(); count > 0; --count, out += size) {
            std::memcpy(out, m_storage.bytes.data() + static_cast<std::size_t>(at) * size, size);
            for (std::size_t axis = m_shape.size(); axis-- > 0;) { // the odometer's next position
                at += m_strides[axis];
                if (++index[axis] < m_shape[axis]) break;
                at -= index[axis] * m_strides[axis];
                index[axis] = 0;
            }
        }
        return bytes;
    }

    template<class Out>
    Result<void> decodeTo(std::int64_t first, std::span<Out> out) const {
        constexpr std::int64_t kStep = 1 << 16;
        for (std::size_t done = 0; done < out.size();) {
            const std::size_t count = std::min<std::size_t>(kStep, out.size() - done);
            const auto bytes = gather(first + static_cast<std::int64_t>(done), static_cast<std::int64_t>(count));
            const TensorView piece{m_storage.dtype, {static_cast<std::int64_t>(count)}, bytes, nullptr};
            QSCOPE_CHECK(engine::decode(piece, 0, out.subspan(done, count)));
            done += count;
        }
        return {};
    }

    TensorView m_storage;
    Shape m_shape;
    std::vector<std::int64_t> m_strides;
    std::int64_t m_offset;
};

/// Index of the last element that the tensor touches, or nothing when it overflows.
std::optional<std::int64_t> lastElement(const Shape& shape, const std::vector<std::int64_t>& strides, std::int64_t offset) {
    std::int64_t last = offset;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        const auto reach = checkedMul(shape[axis] - 1, strides[axis]);
        const auto sum = reach ? checkedAdd(last, *reach) : std::nullopt;
        if (!sum) return std::nullopt;
        last = *sum;
    }
    return last;
}

} // namespace

Result<TensorView> stridedTensor(const TensorView& storage, Shape shape, std::vector<std::int64_t> strides,
                                 std::int64_t offset) {
    const DTypeInfo& type = info(storage.dtype);
    if (type.blockLength != 1 || type.blockBits == 0 || type.blockBits % 8 != 0)
        return fail(ErrorCode::Unsupported, "elements of type {} cannot be strided", type.name);
    if (strides.size() != shape.size())
        return fail(ErrorCode::Malformed, "{} strides for {} axes", strides.size(), shape.size());
    const auto negative = [](std::int64_t value) { return value < 0; };
    if (offset < 0 || std::ranges::any_of(strides, negative) || std::ranges::any_of(shape, negative))
        return fail(ErrorCode::Malformed, "a size, stride or offset is negative");
    const std::int64_t held = elementCount(storage.shape);
    const auto count = checkedProduct(std::span<const std::int64_t>(shape));
    if (!count) return fail(ErrorCode::Malformed, "its shape overflows");
    if (*count > 0) {
        const auto last = lastElement(shape, strides, offset);
        if (!last || *last >= held)
            return fail(ErrorCode::Malformed, "its elements reach past the {} of its storage", held);
    }
    const auto size = static_cast<std::size_t>(type.blockBits / 8);
    if (*count == 0 || isRowMajor(shape, strides)) {
        const auto begin = *count == 0 ? 0 : static_cast<std::size_t>(offset) * size;
        return TensorView{storage.dtype, std::move(shape), storage.bytes.subspan(begin, static_cast<std::size_t>(*count) * size),
                          storage.keepAlive};
    }
    // Axes that repeat elements could make a small file into any number of values.
    constexpr std::int64_t kFew = 1 << 22;
    if (*count > std::max(held, kFew)) return fail(ErrorCode::Unsupported, "it repeats elements of its storage: {} of {}", *count, held);
    auto source = std::make_shared<const StridedSource>(storage, shape, std::move(strides), offset);
    return makeTensor(std::move(shape), std::move(source));
}

} // namespace qscope::engine
