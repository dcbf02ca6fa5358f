// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace qscope {

/// The instruction sets that hand-tuned kernels are compiled for.
enum class Isa : std::uint8_t { Portable, Avx2, Avx512 };

/// The best one this machine has; asked once.
[[nodiscard]] inline Isa machineIsa() {
#if defined(__x86_64__)
    static const Isa isa = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                                   __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")
                               ? Isa::Avx512
                           : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? Isa::Avx2
                                                                                             : Isa::Portable;
    return isa;
#else
    return Isa::Portable;
#endif
}

} // namespace qscope

/// After `per_isa.inl`: the machine's own of the tables that the text has made, one in each namespace.
#if defined(__x86_64__)
#define QSCOPE_MACHINE_TABLE(table)                                                                                    \
    (::qscope::machineIsa() == ::qscope::Isa::Avx512 ? avx512::table                                                   \
     : ::qscope::machineIsa() == ::qscope::Isa::Avx2 ? avx2::table                                                     \
                                                     : portable::table)
#else
#define QSCOPE_MACHINE_TABLE(table) portable::table
#endif
