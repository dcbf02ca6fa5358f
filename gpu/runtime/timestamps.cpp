// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/runtime/timestamps.h"

#include "gpu/runtime/guarded.h"
#include "gpu/runtime/timestamps_state.h"

namespace qscope::gpu {

Timestamps::Timestamps(std::unique_ptr<State> state)
    : m_state(std::move(state)) {}
Timestamps::Timestamps(Timestamps&& other) noexcept = default;
Timestamps::~Timestamps() = default;

Result<Timestamps> Timestamps::create(const Device& device, std::uint32_t count) {
    if (device.info().timestampNanoseconds <= 0)
        return fail(ErrorCode::Unsupported, "'{}' keeps no time", device.info().name);
    QSCOPE_TRY(auto state, guarded("making timestamps", [&] {
                   vk::raii::QueryPool queries(device.state()->device, {{}, vk::QueryType::eTimestamp, count});
                   return std::make_unique<State>(State{device.state(), std::move(queries)});
               }));
    return Timestamps(std::move(state));
}

Result<double> Timestamps::seconds(std::uint32_t from, std::uint32_t to) const {
    const auto tick = [&](std::uint32_t index) {
        const auto [result, value] = m_state->queries.getResult<std::uint64_t>(
            index, 1, sizeof(std::uint64_t), vk::QueryResultFlagBits::e64 | vk::QueryResultFlagBits::eWait);
        return value;
    };
    return guarded("reading timestamps", [&] {
        return static_cast<double>(tick(to) - tick(from)) * m_state->device->info.timestampNanoseconds * 1e-9;
    });
}

} // namespace qscope::gpu
