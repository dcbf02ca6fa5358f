// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/instruction_set.h"

namespace qscope::engine::kernels {

const std::vector<InstructionSet>& supportedInstructionSets() {
    static const std::vector<InstructionSet> sets = [] {
        std::vector<InstructionSet> found{InstructionSet::Portable};
#if defined(__x86_64__)
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(InstructionSet::Avx2);
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
            found.push_back(InstructionSet::Avx512);
#endif
        return found;
    }();
    return sets;
}

InstructionSet bestInstructionSet() { return supportedInstructionSets().back(); }

} // namespace qscope::engine::kernels
