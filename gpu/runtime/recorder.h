// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "gpu/runtime/device.h"
#include "gpu/runtime/program.h"
#include "gpu/runtime/timestamps.h"

#include <memory>
#include <span>

namespace qscope::gpu {

enum class Access : std::uint8_t { Read, Write, ReadWrite };

/// What a shader sees of a buffer, and what it does with it.
struct Binding {
    const Buffer& buffer;
    Access access = Access::Read;
};

/// Records commands, submits them together and waits. Barriers follow from the declared reads and writes. The first
/// error is kept, later commands are ignored, and `submit` returns it. After `wait` it can record again. For one
/// thread at a time; the buffers used must outlive the wait. The destructor waits for what was submitted.
class Recorder {
public:
    [[nodiscard]] static Result<Recorder> create(const Device& device);
    Recorder(Recorder&& other) noexcept;
    Recorder& operator=(Recorder&&) = delete;
    ~Recorder();

    /// Runs at least `invocations` (above 0) invocations; the shader ignores those beyond.
    void dispatch(const Program& program, std::span<const Binding> bindings, std::span<const std::byte> push,
                  std::uint64_t invocations);
    void copy(const Buffer& from, std::uint64_t fromOffset, const Buffer& to, std::uint64_t toOffset,
              std::uint64_t bytes);
    /// The whole buffer; its size is a multiple of four.
    void fill(const Buffer& buffer, std::uint32_t word);
    /// At most 65536 bytes, offset and size multiples of four.
    void update(const Buffer& buffer, std::uint64_t offset, std::span<const std::byte> bytes);
    /// The time when all earlier commands are done.
    void mark(const Timestamps& timestamps, std::uint32_t index);

    [[nodiscard]] bool empty() const;
    [[nodiscard]] Result<void> submit();
    /// Returns at once when nothing was submitted.
    [[nodiscard]] Result<void> wait();
    [[nodiscard]] Result<void> submitAndWait();

private:
    struct State;
    explicit Recorder(std::unique_ptr<State> state);
    std::unique_ptr<State> m_state;
};

/// Dispatches with push constants given as a struct laid out like the shader's.
template<class Push>
void dispatch(Recorder& recorder, const Program& program, std::initializer_list<Binding> bindings, const Push& push,
              std::uint64_t invocations) {
    recorder.dispatch(program, {bindings.begin(), bindings.size()}, std::as_bytes(std::span(&push, 1)), invocations);
}

} // namespace qscope::gpu
