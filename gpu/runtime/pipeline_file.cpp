// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/runtime/pipeline_file.h"

#include <cstring>

namespace qscope::gpu {
namespace {

constexpr std::size_t kLargestFile = 64u << 20;

struct Header {
    std::array<char, 8> magic{'Q', 'S', 'P', 'I', 'P', 'E', '0', '1'};
    std::uint32_t vendorId = 0;
    std::uint32_t deviceId = 0;
    std::uint32_t driverVersion = 0;
    std::uint32_t unused = 0;
    std::array<std::uint8_t, 16> cacheId{};
    std::uint64_t bytes = 0;
    std::uint64_t hash = 0;
};
static_assert(sizeof(Header) == 56);

/// FNV-1a, 64 bits: finds accidents, not attacks. http://www.isthe.com/chongo/tech/comp/fnv/
std::uint64_t hashOf(std::span<const std::byte> bytes) {
    std::uint64_t hash = 0xCBF29CE484222325ull;
    for (const auto byte : bytes) hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001B3ull;
    return hash;
}

Header headerFor(const DeviceInfo& device, std::span<const std::byte> blob) {
    Header header;
    header.vendorId = device.vendorId;
    header.deviceId = device.deviceId;
    header.driverVersion = device.driverVersion;
    header.cacheId = device.cacheId;
    header.bytes = blob.size();
    header.hash = hashOf(blob);
    return header;
}

} // namespace

std::vector<std::byte> packPipelineFile(const DeviceInfo& device, std::span<const std::byte> blob) {
    if (sizeof(Header) + blob.size() > kLargestFile) blob = {};
    const Header header = headerFor(device, blob);
    std::vector<std::byte> file(sizeof(Header) + blob.size());
    std::memcpy(file.data(), &header, sizeof(Header));
    if (!blob.empty()) std::memcpy(file.data() + sizeof(Header), blob.data(), blob.size());
    return file;
}

std::span<const std::byte> unpackPipelineFile(const DeviceInfo& device, std::span<const std::byte> file) {
    if (file.size() < sizeof(Header) || file.size() > kLargestFile) return {};
    const auto blob = file.subspan(sizeof(Header));
    const Header expected = headerFor(device, blob);
    if (std::memcmp(file.data(), &expected, sizeof(Header)) != 0) return {};
    return blob;
}

} // namespace qscope::gpu
