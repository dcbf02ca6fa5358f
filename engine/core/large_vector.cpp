// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/large_vector.h"

#include <cstdint>
#include <sys/mman.h>

namespace qscope {

void adviseLargePages(void* memory, std::size_t bytes) {
    constexpr std::uintptr_t kPage = std::uintptr_t{2} << 20;
    const auto first = (reinterpret_cast<std::uintptr_t>(memory) + kPage - 1) / kPage * kPage;
    const auto last = (reinterpret_cast<std::uintptr_t>(memory) + bytes) / kPage * kPage;
    if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

} // namespace qscope
