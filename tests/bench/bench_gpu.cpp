// SPDX-License-Identifier: GPL-3.0-or-later
// Kernels against the device's own copy of the same number of bytes (read and written), on the device's own clock.
// Device: the environment variable QSCOPE_BENCH_DEVICE (index or part of a name), or the best one.
#include "gpu/kernels/apply_dense.h"
#include "gpu/kernels/round_to_grid.h"
#include "gpu/runtime/recorder.h"
#include "gpu/runtime/shards.h"
#include "gpu/runtime/transfer.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

namespace {

using namespace qscope;
using namespace qscope::gpu;

constexpr std::uint64_t kBytes = 128u << 20;

Result<Device> openDevice() {
    QSCOPE_TRY(const auto instance, Instance::create());
    const char* choice = std::getenv("QSCOPE_BENCH_DEVICE");
    return Device::create(instance, choice ? choice : "");
}

using Record = std::function<void(Recorder&)>;
using Setup = std::function<Result<Record>(const Device&, std::vector<Buffer>&)>;

/// `moved`: bytes that one run reads and writes.
void measure(benchmark::State& state, std::uint64_t moved, const Setup& setup) {
    const auto run = [&]() -> Result<void> {
        QSCOPE_TRY(const auto device, openDevice());
        std::vector<Buffer> buffers;
        QSCOPE_TRY(const auto record, setup(device, buffers));
        QSCOPE_TRY(const auto times, Timestamps::create(device, 2));
        QSCOPE_TRY(auto recorder, Recorder::create(device));
        for (auto _ : state) {
            recorder.mark(times, 0);
            record(recorder);
            recorder.mark(times, 1);
            QSCOPE_CHECK(recorder.submitAndWait());
            QSCOPE_TRY(const double seconds, times.seconds(0, 1));
            state.SetIterationTime(seconds);
        }
        state.SetBytesProcessed(static_cast<std::int64_t>(moved) * state.iterations());
        state.SetLabel(device.info().name);
        return {};
    };
    if (const auto done = run(); !done) state.SkipWithError(done.error().message.c_str());
}

Result<void> makeBuffers(const Device& device, std::vector<Buffer>& buffers,
                         std::initializer_list<std::uint64_t> sizes) {
    QSCOPE_TRY(auto clear, Recorder::create(device));
    for (const auto size : sizes) {
        QSCOPE_TRY(auto buffer, device.makeBuffer(size));
        clear.fill(buffer, 0);
        buffers.push_back(std::move(buffer));
    }
    return clear.submitAndWait();
}

void deviceCopy(benchmark::State& state) {
    measure(state, 2 * kBytes, [](const Device& device, std::vector<Buffer>& buffers) -> Result<Record> {
        QSCOPE_CHECK(makeBuffers(device, buffers, {kBytes, kBytes}));
        return Record([&](Recorder& recorder) { recorder.copy(buffers[0], 0, buffers[1], 0, kBytes); });
    });
}

/// 24 bits in single precision; the argument is the target bit.
void oneTarget(benchmark::State& state) {
    const auto target = static_cast<std::uint32_t>(state.range(0));
    measure(state, 2 * kBytes, [=](const Device& device, std::vector<Buffer>& buffers) -> Result<Record> {
        QSCOPE_CHECK(makeBuffers(device, buffers, {kBytes, 32}));
        const DensePass pass{0, static_cast<std::uint32_t>(kBytes / 16), 1u << target, 0, {target}};
        return Record([&, pass](Recorder& recorder) {
            applyDense(recorder, Real::Single, 1, pass, buffers[0], nullptr, buffers[1]);
        });
    });
}

void roundGroupsOf128(benchmark::State& state) {
    constexpr auto kElements = static_cast<std::uint32_t>(kBytes / 4);
    measure(state, kBytes + kBytes / 4, [](const Device& device, std::vector<Buffer>& buffers) -> Result<Record> {
        QSCOPE_CHECK(makeBuffers(device, buffers, {kBytes, kBytes / 128, kBytes / 4}));
        // Random values and scales of a fraction of them.
        std::vector<std::uint32_t> values(kElements);
        for (std::uint32_t i = 0; i < kElements; ++i) values[i] = 0x3F000000u | (i * 2654435761u >> 9);
        QSCOPE_CHECK(upload(device, buffers[0], 0, std::as_bytes(std::span(values))));
        const std::vector<float> scales(kElements / 128, 0.13f);
        QSCOPE_CHECK(upload(device, buffers[1], 0, std::as_bytes(std::span(scales))));
        const RoundPass pass{0, kElements / 4, kElements, 4096, 1, 128, 32, 0, -7, 7};
        return Record([&, pass](Recorder& recorder) {
            roundToGrid(recorder, pass, buffers[0], buffers[1], buffers[1], buffers[2]);
        });
    });
}

void extremaOf128(benchmark::State& state) {
    measure(state, kBytes, [](const Device& device, std::vector<Buffer>& buffers) -> Result<Record> {
        const auto pass = planExtrema({8192, 4096, 1, 128});
        QSCOPE_CHECK(makeBuffers(device, buffers, {kBytes, pass.outputs() * sizeof(ExtremaKeys)}));
        return Record([&, pass](Recorder& recorder) { groupExtrema(recorder, pass, buffers[0], buffers[1]); });
    });
}

} // namespace

BENCHMARK(deviceCopy)->UseManualTime();
BENCHMARK(oneTarget)->Arg(0)->Arg(4)->Arg(12)->Arg(23)->UseManualTime();
BENCHMARK(roundGroupsOf128)->UseManualTime();
BENCHMARK(extremaOf128)->UseManualTime();
