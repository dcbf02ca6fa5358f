// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/runtime/transfer.h"

#include "gpu/runtime/recorder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace qscope::gpu {
namespace {

/// Pieces between two looks at the stop token: a millisecond of memory copy, a few of the slowest bus.
constexpr std::size_t kPiece = 8u << 20;

tl::unexpected<Error> stopped() { return fail(ErrorCode::Cancelled, "cancelled"); }

struct Lane {
    Buffer staging;
    Recorder recorder;
    std::size_t begin = 0; ///< of the piece under way
    std::size_t count = 0; ///< 0: none
};

Result<std::vector<Lane>> makeLanes(const Device& device, std::size_t bytes, MemoryUse use) {
    std::vector<Lane> lanes;
    for (std::size_t i = 0; i < (bytes > kPiece ? 2u : 1u); ++i) {
        QSCOPE_TRY(auto staging, device.makeBuffer(std::min(bytes, kPiece), use));
        QSCOPE_TRY(auto recorder, Recorder::create(device));
        lanes.push_back({std::move(staging), std::move(recorder), 0, 0});
    }
    return lanes;
}

} // namespace

Result<void> upload(const Device& device, const Buffer& buffer, std::uint64_t offset, std::span<const std::byte> bytes,
                    const std::stop_token& stop) {
    const auto mapped = buffer.mapped();
    std::vector<Lane> lanes;
    if (mapped.empty() && !bytes.empty()) {
        QSCOPE_TRY(lanes, makeLanes(device, bytes.size(), MemoryUse::Upload));
    }
    for (std::size_t begin = 0; begin < bytes.size(); begin += kPiece) {
        if (stop.stop_requested()) return stopped();
        const auto piece = bytes.subspan(begin, std::min(kPiece, bytes.size() - begin));
        if (!mapped.empty()) {
            std::memcpy(mapped.data() + offset + begin, piece.data(), piece.size());
            continue;
        }
        auto& lane = lanes[begin / kPiece % lanes.size()];
        QSCOPE_CHECK(lane.recorder.wait());
        std::memcpy(lane.staging.mapped().data(), piece.data(), piece.size());
        lane.recorder.copy(lane.staging, 0, buffer, offset + begin, piece.size());
        QSCOPE_CHECK(lane.recorder.submit());
    }
    for (auto& lane : lanes) QSCOPE_CHECK(lane.recorder.wait());
    return {};
}

Result<void> download(const Device& device, const Buffer& buffer, std::uint64_t offset, std::span<std::byte> bytes,
                      const std::stop_token& stop) {
    const auto mapped = buffer.cached() ? buffer.mapped() : std::span<std::byte>{};
    std::vector<Lane> lanes;
    if (mapped.empty() && !bytes.empty()) {
        QSCOPE_TRY(lanes, makeLanes(device, bytes.size(), MemoryUse::Readback));
    }
    const auto collect = [&](Lane& lane) -> Result<void> {
        QSCOPE_CHECK(lane.recorder.wait());
        if (lane.count > 0) std::memcpy(bytes.data() + lane.begin, lane.staging.mapped().data(), lane.count);
        lane.count = 0;
        return {};
    };
    for (std::size_t begin = 0; begin < bytes.size(); begin += kPiece) {
        if (stop.stop_requested()) return stopped();
        const auto count = std::min(kPiece, bytes.size() - begin);
        if (!mapped.empty()) {
            std::memcpy(bytes.data() + begin, mapped.data() + offset + begin, count);
            continue;
        }
        auto& lane = lanes[begin / kPiece % lanes.size()];
        QSCOPE_CHECK(collect(lane));
        lane.recorder.copy(buffer, offset + begin, lane.staging, 0, count);
        QSCOPE_CHECK(lane.recorder.submit());
        lane.begin = begin;
        lane.count = count;
    }
    for (auto& lane : lanes) QSCOPE_CHECK(collect(lane));
    return {};
}

} // namespace qscope::gpu
