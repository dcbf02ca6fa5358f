// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/runtime/pipeline_file.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace qscope::gpu;

namespace {

DeviceInfo device() {
    DeviceInfo info;
    info.vendorId = 0x10DE;
    info.deviceId = 0x2684;
    info.driverVersion = 17;
    info.cacheId[3] = 9;
    return info;
}

std::vector<std::byte> someBytes() {
    std::vector<std::byte> bytes;
    for (int i = 0; i < 1000; ++i) bytes.push_back(static_cast<std::byte>(i * 7));
    return bytes;
}

} // namespace

TEST_CASE("A pipeline file gives its bytes back to the device that wrote it") {
    const auto bytes = someBytes();
    const auto file = packPipelineFile(device(), bytes);
    CHECK(std::ranges::equal(unpackPipelineFile(device(), file), bytes));
}

TEST_CASE("A pipeline file of another device, driver or build of the driver is ignored") {
    const auto file = packPipelineFile(device(), someBytes());
    auto other = device();
    other.vendorId++;
    CHECK(unpackPipelineFile(other, file).empty());
    other = device();
    other.deviceId++;
    CHECK(unpackPipelineFile(other, file).empty());
    other = device();
    other.driverVersion++;
    CHECK(unpackPipelineFile(other, file).empty());
    other = device();
    other.cacheId[15]++;
    CHECK(unpackPipelineFile(other, file).empty());
}

TEST_CASE("A pipeline file cut anywhere or changed in any byte is ignored") {
    const auto file = packPipelineFile(device(), someBytes());
    for (std::size_t length = 0; length < file.size(); ++length)
        REQUIRE(unpackPipelineFile(device(), std::span(file).first(length)).empty());
    for (std::size_t i = 0; i < file.size(); ++i) {
        auto broken = file;
        broken[i] ^= std::byte{0x20};
        REQUIRE(unpackPipelineFile(device(), broken).empty());
    }
    auto longer = file;
    longer.push_back({});
    CHECK(unpackPipelineFile(device(), longer).empty());
}

TEST_CASE("A pipeline file beyond any real size is neither written nor read") {
    const std::vector<std::byte> bytes(65u << 20);
    const auto file = packPipelineFile(device(), bytes);
    CHECK(file.size() < 1000);
    CHECK(unpackPipelineFile(device(), file).empty());
    CHECK(unpackPipelineFile(device(), bytes).empty());
}
