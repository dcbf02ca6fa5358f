// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/runtime/device_choice.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::gpu;

namespace {

DeviceInfo device(std::string name, DeviceType type, std::uint64_t memory, std::string refused = {}) {
    DeviceInfo info;
    info.name = std::move(name);
    info.type = type;
    info.memory = memory;
    info.refused = std::move(refused);
    return info;
}

std::vector<DeviceInfo> workstation() {
    std::vector<DeviceInfo> devices{device("llvmpipe (LLVM 15)", DeviceType::Software, 2),
                                    device("Old Card", DeviceType::Discrete, 64, "speaks Vulkan 1.0, 1.2 is needed"),
                                    device("Onboard Graphics", DeviceType::Integrated, 32),
                                    device("Big Card", DeviceType::Discrete, 48),
                                    device("Small Card", DeviceType::Discrete, 8)};
    sortBestFirst(devices);
    return devices;
}

std::string chosen(const std::vector<DeviceInfo>& devices, std::string_view choice) {
    const auto index = chooseDevice(devices, choice);
    return index ? devices[*index].name : "error: " + index.error().message;
}

} // namespace

TEST_CASE("Devices sort best first: usable, discrete before integrated before software, more memory first") {
    std::vector<std::string> names;
    for (const auto& info : workstation()) names.push_back(info.name);
    CHECK(names ==
          std::vector<std::string>{"Big Card", "Small Card", "Onboard Graphics", "llvmpipe (LLVM 15)", "Old Card"});
}

TEST_CASE("A device is chosen by default, by position, by type and by part of its name") {
    const auto devices = workstation();
    CHECK(chosen(devices, "") == "Big Card");
    CHECK(chosen(devices, "1") == "Small Card");
    CHECK(chosen(devices, "software") == "llvmpipe (LLVM 15)");
    CHECK(chosen(devices, "ONBOARD") == "Onboard Graphics");
    CHECK(chosen(devices, "card") == "Big Card");
}

TEST_CASE("A choice that fits no device gives the reason for every candidate") {
    const auto devices = workstation();
    const auto none = chooseDevice(devices, "quantum");
    REQUIRE(!none);
    CHECK(none.error().code == ErrorCode::Device);
    for (const auto& info : devices) CHECK(none.error().message.find(info.name) != std::string::npos);
    CHECK(chosen(devices, "old").find("speaks Vulkan 1.0") != std::string::npos);
    CHECK(chosen(devices, "4").find("speaks Vulkan 1.0") != std::string::npos);
    CHECK(chosen(devices, "5") == "error: no Vulkan device 5: there are 5, 0 to 4");
    CHECK(chosen({}, "") == "error: this machine has no Vulkan device");
}

TEST_CASE("Only refused devices leave nothing to choose") {
    const std::vector<DeviceInfo> devices{device("Old Card", DeviceType::Discrete, 64, "has no queue for computing")};
    CHECK(chosen(devices, "") == "error: no Vulkan device for '': 'Old Card' has no queue for computing");
}
