// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend_gpu/vulkan_backend.h"
#include "engine/backend_gpu/vulkan_options.h"
#include "gpu/runtime/recorder.h"
#include "gpu/runtime/transfer.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace qscope;
using namespace qscope::gpu;

namespace {

/// The software device with validation, or nothing where there is none.
std::optional<Instance> softwareInstance() {
    auto instance = Instance::create(Validation::On);
    if (instance && chooseDevice(instance->devices(), "software")) return *instance;
    WARN("skipped: this machine has no software Vulkan device with validation");
    return std::nullopt;
}

} // namespace

TEST_CASE("Bytes come back as they went, with and without staging, at any offset") {
    const auto instance = softwareInstance();
    if (!instance) return;
    for (const bool mapped : {true, false}) {
        const auto device = Device::create(*instance, "software", {.mapDeviceMemory = mapped});
        REQUIRE(device);
        std::vector<std::uint32_t> values(5'000'003); // more than two pieces of staging
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint32_t>(i * 2654435761u);
        const auto buffer = uploaded(*device, std::span<const std::uint32_t>(values));
        REQUIRE(buffer);
        CHECK(buffer->mapped().empty() != mapped);
        std::vector<std::uint32_t> back(values.size() - 7);
        REQUIRE(download(*device, *buffer, 28, std::as_writable_bytes(std::span(back))));
        CHECK(std::equal(back.begin(), back.end(), values.begin() + 7));
    }
    CHECK(instance->validationMessages().empty());
}

TEST_CASE("A recorder orders commands by what they read and write") {
    const auto instance = softwareInstance();
    if (!instance) return;
    const auto device = Device::create(*instance, "software");
    REQUIRE(device);
    const auto a = device->makeBuffer(1024), b = device->makeBuffer(1024);
    REQUIRE((a && b));
    auto recorder = Recorder::create(*device);
    REQUIRE(recorder);
    const std::array<std::uint32_t, 2> words{7, 9};
    recorder->fill(*a, 1);
    recorder->copy(*a, 0, *b, 0, 1024);
    recorder->fill(*a, 2);
    recorder->update(*a, 8, std::as_bytes(std::span(words)));
    REQUIRE(recorder->submitAndWait());
    std::array<std::uint32_t, 4> found{};
    REQUIRE(download(*device, *a, 0, std::as_writable_bytes(std::span(found))));
    CHECK(found == std::array<std::uint32_t, 4>{2, 2, 7, 9});
    REQUIRE(download(*device, *b, 0, std::as_writable_bytes(std::span(found))));
    CHECK(found == std::array<std::uint32_t, 4>{1, 1, 1, 1});
    CHECK(instance->validationMessages().empty());
}

TEST_CASE("Timestamps follow each other") {
    const auto instance = softwareInstance();
    if (!instance) return;
    const auto device = Device::create(*instance, "software");
    REQUIRE(device);
    const auto times = Timestamps::create(*device, 2);
    const auto buffer = device->makeBuffer(1u << 20);
    auto recorder = Recorder::create(*device);
    REQUIRE((times && buffer && recorder));
    recorder->mark(*times, 0);
    recorder->fill(*buffer, 0);
    recorder->mark(*times, 1);
    REQUIRE(recorder->submitAndWait());
    const auto seconds = times->seconds(0, 1);
    REQUIRE(seconds);
    CHECK(*seconds >= 0);
    CHECK(instance->validationMessages().empty());
}

TEST_CASE("Memory given back is used again and counts as free") {
    const auto instance = softwareInstance();
    if (!instance) return;
    const auto device = Device::create(*instance, "software");
    REQUIRE(device);
    const auto before = device->freeMemory();
    {
        const auto buffer = device->makeBuffer(64u << 20);
        REQUIRE(buffer);
    }
    CHECK(device->freeMemory() == before);
    const auto none = device->makeBuffer(0);
    REQUIRE(!none);
    CHECK(none.error().code == ErrorCode::OutOfRange);
    CHECK(!device->makeBuffer(std::uint64_t{1} << 50));
}

TEST_CASE("Compiled pipelines are kept in the given file and found again; a damaged file is as good as none") {
    const auto instance = softwareInstance();
    if (!instance) return;
    const test::TemporaryFolder folder;
    const auto file = folder / "cache/pipelines.bin";
    const std::vector<float> values(64, 1.f);
    const auto useBackend = [&] {
        auto backend = engine::makeVulkanBackend("software", {*instance, {}, file});
        REQUIRE(backend);
        test::TestRun run;
        REQUIRE((*backend)->errorSums(values, values, run.context));
    };
    useBackend();
    REQUIRE(std::filesystem::file_size(file) > 56);
    const auto written = std::filesystem::last_write_time(file);
    useBackend();
    CHECK(std::filesystem::last_write_time(file) == written); // nothing new was compiled
    std::ofstream(file, std::ios::trunc) << "no pipelines";
    useBackend();
    CHECK(std::filesystem::file_size(file) > 56);
    CHECK(instance->validationMessages().empty());
}

TEST_CASE("The list of devices and a backend made from it agree") {
    const auto devices = engine::listVulkanDevices();
    if (devices.empty()) {
        WARN("skipped: this machine has no Vulkan device");
        return;
    }
    for (std::size_t i = 0; i < devices.size(); ++i) CHECK(devices[i].index == static_cast<int>(i));
    const auto first = engine::makeVulkanBackend("vulkan:0", {});
    REQUIRE(first);
    CHECK((*first)->name() == devices[0].name);
    CHECK((*first)->kind() == "vulkan");
    for (const char* choice : {"vulkan:99", "no such device"}) {
        const auto none = engine::makeVulkanBackend(choice, {});
        REQUIRE(!none);
        CHECK(none.error().code == ErrorCode::Device);
    }
}
