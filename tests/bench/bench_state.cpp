// SPDX-License-Identifier: GPL-3.0-or-later
// State vectors against one in-place pass over memory: single gates, and whole circuits beside the best public
// simulators.
#include "engine/core/large_vector.h"
#include "engine/core/parallel.h"
#include "engine/core/simd.h"
#include "tests/bench/circuits.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string_view>

namespace {

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::bench;

constexpr int kRounds = 3;
constexpr int kGateRounds = 12; ///< of milliseconds each
constexpr int kGateQubits = 24;

double secondsOf(const std::function<bool()>& work) {
    const auto start = std::chrono::steady_clock::now();
    if (!work()) {
        fmt::print(stderr, "error: a measured operation failed\n");
        std::exit(1);
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template<class Real>
__attribute__((always_inline)) inline void turnPairs(Real* low, Real* high, std::int64_t count) {
    // Whole lines, both read before either is written: stores a power of two away would hold up later loads.
    typedef Real Line __attribute__((vector_size(64)));
    auto* a = reinterpret_cast<Line*>(low);
    auto* b = reinterpret_cast<Line*>(high);
    for (std::int64_t k = 0; k < count * static_cast<std::int64_t>(sizeof(Real)) / 64; ++k) {
        const Line x = a[k], y = b[k];
        a[k] = Real(0.8) * x - Real(0.6) * y;
        b[k] = Real(0.6) * x + Real(0.8) * y;
    }
}
QSCOPE_MULTIVERSION void turn(float* low, float* high, std::int64_t count) { turnPairs(low, high, count); }
QSCOPE_MULTIVERSION void turn(double* low, double* high, std::int64_t count) { turnPairs(low, high, count); }

/// The least that a gate on one qubit must do, over 1 GiB: pairs of numbers are read, changed by a 2x2 matrix and
/// written back. The pairs are 32 MiB apart; 256 MiB apart they would share memory banks and run at less than half the
/// speed.
template<class Real>
class Pass {
public:
    Pass() {
        adviseLargePages(m_numbers.get(), kBytes);
        std::fill_n(m_numbers.get(), 2 * kPairs, Real(1e-3));
    }
    /// Bytes read and written per second.
    double bandwidth(Run& run) {
        const double seconds = secondsOf([&] {
            return parallelChunks(kPairs, 1 << 16, run.context,
                                  [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                                      Real* const low = m_numbers.get() + begin / kApart * 2 * kApart + begin % kApart;
                                      turn(low, low + kApart, end - begin);
                                      return {};
                                  })
                .has_value();
        });
        return 2.0 * kBytes / seconds;
    }

private:
    static constexpr std::size_t kBytes = 1 << 30;
    static constexpr std::int64_t kPairs = kBytes / 2 / sizeof(Real);
    static constexpr std::int64_t kApart = (32 << 20) / sizeof(Real);
    std::unique_ptr<Real, void (*)(void*)> m_numbers{static_cast<Real*>(std::aligned_alloc(2 << 20, kBytes)),
                                                     std::free};
};

struct Setting {
    Run run;
    Precision precision = Precision::Single;
    int threads = 1;
    std::function<double()> pass;

    [[nodiscard]] std::string text() const {
        return fmt::format("{}, {} thread{}", precision == Precision::Single ? "single" : "double", threads,
                           threads > 1 ? "s" : "");
    }
    [[nodiscard]] double bytes(int qubits) const { return std::ldexp(precision == Precision::Single ? 8 : 16, qubits); }
};

/// `goal` 0: there is nothing to compare with.
void print(const std::string& what, double ratio, double seconds, double pass, double goal, const std::string& basis) {
    fmt::print("| {} | {:.4f} s | {:.1f} GB/s | {:.2f} | ", what, seconds, pass / 1e9, ratio);
    if (goal > 0)
        fmt::print("{} | {:.2f} | {} |\n", basis, ratio / goal, ratio >= goal ? "yes" : "no");
    else
        fmt::print("- | - | - |\n");
    std::fflush(stdout);
}

/// Best of a few rounds, pass and work in turns. `bytes` are those that the work would move unfused.
void against(Setting& s, const std::string& what, double bytes, double goal, const std::string& basis,
             const std::function<double()>& seconds, int rounds = kRounds) {
    double best = 1e9, pass = 0;
    for (int round = 0; round < rounds; ++round) {
        pass = std::max(pass, s.pass());
        best = std::min(best, seconds());
    }
    print(what + ", " + s.text(), bytes / best / pass, best, pass, goal, basis);
}

void oneGate(Setting& s, const std::string& name, const FusedGate& kind, int qubit) {
    auto state = s.run.backend->makeState(kGateQubits, s.precision);
    if (!state) return;
    FusedGate gate = kind;
    gate.targets = {qubit};
    const auto apply = [&] { return s.run.backend->applyGates(**state, {&gate, 1}, s.run.context).has_value(); };
    FusedGate all{FusedGate::Form::Dense,
                  {kGateQubits - 1},
                  0,
                  {std::sqrt(0.5), std::sqrt(0.5), std::sqrt(0.5), -std::sqrt(0.5)}};
    if (!s.run.backend->applyGates(**state, {&all, 1}, s.run.context)) return; // reaches every amplitude
    against(
        s, fmt::format("one {} gate on qubit {} of {}", name, qubit, kGateQubits), 2 * s.bytes(kGateQubits), 0.8, "0.8",
        [&] { return secondsOf(apply); }, kGateRounds);
}

void circuit(Setting& s, const std::string& name, const Circuit& what, double published) {
    SimulationRequest request;
    request.precision = s.precision;
    request.top = 0;
    const auto simulator = makeStatevectorSimulator();
    const auto gates = static_cast<double>(what.operations.size());
    against(s, fmt::format("{} {}", name, what.qubits), gates * 2 * s.bytes(what.qubits), 1.25 * published,
            fmt::format("1.25 x {:.1f}", published),
            [&] { return secondsOf([&] { return simulator->run(what, request, s.run.context).has_value(); }); });
}

/// What the best public CPU simulators reach on one thread.
double published(std::string_view name, int qubits, Precision precision) {
    static const std::map<std::pair<std::string_view, int>, std::pair<double, double>> kFigures = {
        {{"random", 22}, {3.4, 2.2}},
        {{"random", 24}, {2.7, 2.2}},
        {{"QFT", 22}, {1.8, 0.9}},
        {{"GHZ", 24}, {1.1, 1.1}}};
    const auto found = kFigures.find({name, qubits});
    if (found == kFigures.end()) return 0;
    return precision == Precision::Single ? found->second.first : found->second.second;
}

constexpr double kRoot = std::numbers::sqrt2 / 2;
const FusedGate kDense{FusedGate::Form::Dense, {}, 0, {{kRoot, 0}, {0, kRoot}, {0, kRoot}, {kRoot, 0}}};
const FusedGate kFull{FusedGate::Form::Dense, {}, 0, {{0.6, 0}, {0.48, 0.64}, {0.48, -0.64}, {-0.6, 0}}};
const FusedGate kPhases{FusedGate::Form::Diagonal, {}, 0, {{kRoot, -kRoot}, {kRoot, kRoot}}};

template<class Real>
void measure(int threads, std::string_view only, const std::vector<int>& sizes) {
    const ThreadLimit limit(threads);
    Setting s;
    s.threads = threads;
    s.precision = sizeof(Real) == 4 ? Precision::Single : Precision::Double;
    const auto wanted = [&](std::string_view name) { return only.empty() || only == name; };
    Pass<Real> pass;
    s.pass = [&] { return pass.bandwidth(s.run); };
    if (wanted("gates"))
        for (const int qubit : {0, 3, 6, 8, 11, 15, 23}) {
            oneGate(s, "rx-like", kDense, qubit);
            oneGate(s, "full", kFull, qubit);
            oneGate(s, "diagonal", kPhases, qubit);
        }
    for (const int n : sizes) {
        if (wanted("random")) circuit(s, "random", randomBricks(n), published("random", n, s.precision));
        if (wanted("QFT")) circuit(s, "QFT", fourier(n), published("QFT", n, s.precision));
        if (wanted("GHZ")) circuit(s, "GHZ", ghz(n), published("GHZ", n, s.precision));
    }
}

} // namespace

/// bench_state [gates|random|QFT|GHZ] [QUBITS...]
int main(int argc, char** argv) {
    std::string_view only;
    std::vector<int> sizes;
    for (int i = 1; i < argc; ++i) {
        const int n = std::atoi(argv[i]);
        if (n > 0)
            sizes.push_back(n);
        else
            only = argv[i];
    }
    if (sizes.empty()) sizes = {20, 22, 24};
    fmt::print(
        "| what | time | in-place pass | gates per pass | goal | of goal | met |\n|---|---|---|---|---|---|---|\n");
    for (const int threads : {1, 2}) {
        measure<float>(threads, only, sizes);
        measure<double>(threads, only, sizes);
    }
    return 0;
}
