// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/bench/gemm.h"

#include <Eigen/Core>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <chrono>

namespace qscope::bench {

double productRate() {
    constexpr int kSize = 2048, kBlock = 256;
    const Eigen::MatrixXf a = Eigen::MatrixXf::Random(kSize, kSize), b = Eigen::MatrixXf::Random(kSize, kSize);
    Eigen::MatrixXf c(kSize, kSize);
    double best = 0;
    for (int run = 0; run < 5; ++run) {
        const auto start = std::chrono::steady_clock::now();
        tbb::parallel_for(0, kSize / kBlock, [&](int block) {
            c.middleCols(block * kBlock, kBlock).noalias() = a * b.middleCols(block * kBlock, kBlock);
        });
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        best = std::max(best, 2.0 * kSize * kSize * kSize / taken.count());
    }
    return best;
}

} // namespace qscope::bench
