// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/runtime/device_choice.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace qscope::gpu {
namespace {

std::string lowered(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return result;
}

std::optional<std::size_t> asIndex(std::string_view text) {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return index;
}

std::string whyNot(const DeviceInfo& device, bool matches) {
    if (!matches) return fmt::format("'{}' ({}) does not match", device.name, typeName(device.type));
    return fmt::format("'{}' {}", device.name, device.refused);
}

} // namespace

std::string_view typeName(DeviceType type) {
    switch (type) {
    case DeviceType::Discrete: return "discrete";
    case DeviceType::Integrated: return "integrated";
    case DeviceType::Virtual: return "virtual";
    case DeviceType::Software: return "software";
    case DeviceType::Other: break;
    }
    return "other";
}

void sortBestFirst(std::vector<DeviceInfo>& devices) {
    std::ranges::stable_sort(devices, [](const DeviceInfo& a, const DeviceInfo& b) {
        if (a.refused.empty() != b.refused.empty()) return a.refused.empty();
        if (a.type != b.type) return a.type < b.type;
        return a.memory > b.memory;
    });
}

Result<std::size_t> chooseDevice(std::span<const DeviceInfo> devices, std::string_view choice) {
    if (devices.empty()) return fail(ErrorCode::Device, "this machine has no Vulkan device");
    if (const auto index = asIndex(choice)) {
        if (*index >= devices.size())
            return fail(ErrorCode::Device, "no Vulkan device {}: there {}", *index,
                        devices.size() == 1 ? "is one, number 0"
                                            : fmt::format("are {}, 0 to {}", devices.size(), devices.size() - 1));
        if (!devices[*index].refused.empty())
            return fail(ErrorCode::Device, "Vulkan device {}: {}", *index, whyNot(devices[*index], true));
        return *index;
    }
    const auto wanted = lowered(choice);
    std::string reasons;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const bool matches =
            wanted.empty() || (wanted == "software" ? devices[i].type == DeviceType::Software
                                                    : lowered(devices[i].name).find(wanted) != std::string::npos);
        if (matches && devices[i].refused.empty()) return i;
        reasons += (i ? "; " : "") + whyNot(devices[i], matches);
    }
    return fail(ErrorCode::Device, "no Vulkan device for '{}': {}", choice, reasons);
}

} // namespace qscope::gpu
