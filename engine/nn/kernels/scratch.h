// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace qscope::engine::kernels {

/// Uninitialised numbers that begin on a line of the cache; grows, never shrinks, keeps nothing when it grows.
template<class T>
class Scratch {
public:
    [[nodiscard]] T* reserve(std::int64_t count) {
        if (count > m_count) {
            m_values.reset();
            m_values.reset(static_cast<T*>(::operator new(static_cast<std::size_t>(count) * sizeof(T), kAlignment)));
            m_count = count;
        }
        return m_values.get();
    }

private:
    static constexpr std::align_val_t kAlignment{64};
    struct Free {
        void operator()(T* values) const { ::operator delete(values, kAlignment); }
    };
    std::unique_ptr<T, Free> m_values;
    std::int64_t m_count = 0;
};

} // namespace qscope::engine::kernels
