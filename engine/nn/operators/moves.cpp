// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/moves.h"

namespace qscope::engine::nn {

Result<void> requireSameType(const Value& a, const Value& b) {
    if (sameType(a, b)) return {};
    return fail(ErrorCode::OutOfRange, "its inputs have two types, {} and {}", info(a.dtype()).name,
                info(b.dtype()).name);
}

Result<Value> strided(const Value& value, Shape shape, const Shape& strides, std::int64_t offset) {
    return moved(value, shape, [&]<class T>(std::span<const T> source, std::span<T> out) -> Result<void> {
        copyStrided(source, offset, shape, strides, out);
        return {};
    });
}

} // namespace qscope::engine::nn
