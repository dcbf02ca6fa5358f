// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state_kernels.h"

#include "engine/core/isa.h"

#include <type_traits>

namespace qscope::engine::cpu {

namespace {
#define QSCOPE_ISA_TEXT "engine/backend/cpu_state_kernels.inl"
#include "engine/core/per_isa.inl"
} // namespace

template<class Real>
const Kernels<Real>& kernels() {
    static const Kernels<Real>& best = QSCOPE_MACHINE_TABLE(kKernels<Real>);
    return best;
}

template const Kernels<float>& kernels<float>();
template const Kernels<double>& kernels<double>();

} // namespace qscope::engine::cpu
