// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/conformance/backends.h"

#include "engine/backend_gpu/vulkan_options.h"

#include <catch2/catch.hpp>

#include <cstdlib>

namespace qscope::test {
namespace {

struct Backends {
    std::optional<gpu::Instance> instance;
    std::vector<BackendUnderTest> list;
};

void addDevice(Backends& backends, std::string name, std::string_view choice, const gpu::DeviceOptions& options) {
    auto made = engine::makeVulkanBackend(choice, {backends.instance, options, {}});
    INFO(name << ": " << (made ? "" : describe(made.error())));
    REQUIRE(made);
    backends.list.push_back({std::move(name), std::move(*made)});
}

Backends makeBackends() {
    Backends backends;
    backends.list.push_back({"CPU", engine::makeCpuBackend()});
    auto instance = gpu::Instance::create(gpu::Validation::On);
    if (!instance || instance->devices().empty()) {
        WARN("skipped on devices: " << (instance ? "this machine has no Vulkan device" : describe(instance.error())));
        return backends;
    }
    backends.instance = *instance;
    if (gpu::chooseDevice(instance->devices(), "software")) {
        addDevice(backends, "software device", "software", {});
        addDevice(backends, "software device, small shards", "software",
                  {.bindingBytes = 1024, .mapDeviceMemory = false});
        addDevice(backends, "software device, small shards, single precision", "software",
                  {.bindingBytes = 512, .float64 = false});
    }
    if (const char* name = std::getenv("QSCOPE_TEST_DEVICE")) addDevice(backends, name, name, {});
    return backends;
}

void run(bool withCpu, const std::function<void(engine::ComputeBackend&, const RunContext&)>& body) {
    static const Backends backends = makeBackends();
    for (const auto& [name, backend] : backends.list) {
        if (backend->kind() == "cpu" && !withCpu) continue;
        INFO("on " << name);
        TestRun test;
        const RunContext context{test.stop.get_token(), test.progress, test.notes, *backend};
        const auto before = backends.instance ? backends.instance->validationMessages().size() : 0;
        body(*backend, context);
        if (!backends.instance) continue;
        const auto messages = backends.instance->validationMessages();
        if (messages.size() > before) FAIL_CHECK("validation: " << messages[before]);
    }
}

} // namespace

void onEveryBackend(const std::function<void(engine::ComputeBackend&, const RunContext&)>& body) { run(true, body); }
void onEveryDevice(const std::function<void(engine::ComputeBackend&, const RunContext&)>& body) { run(false, body); }

} // namespace qscope::test
