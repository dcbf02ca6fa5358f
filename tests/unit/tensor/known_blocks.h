// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/tensor/blocks.h"
#include "tests/support/npy.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cctype>
#include <functional>
#include <string>
#include <vector>

namespace qscope::test {

/// What the reference encoder made of a matrix of a trained model: its blocks and their values.
struct KnownBlocks {
    DType type;
    std::vector<float> input;
    std::vector<float> importance; ///< empty, or one weight per value
    std::vector<char> blocks;
    std::vector<float> values;
};

/// Calls `check` for every known answer; fails when the data are there but some of them are not.
inline void forKnownBlocks(const std::function<void(const KnownBlocks&)>& check) {
    const auto folder = realData("quant-kat");
    if (!folder) return;
    int seen = 0;
    for (const std::string model : {"retsim", "mnistfc"}) {
        const auto input = readNpy(*folder / (model + ".input.npy"));
        const auto columns = readNpy(*folder / (model + ".imatrix.npy"));
        std::vector<float> importance(input.size());
        for (std::size_t i = 0; i < importance.size(); ++i) importance[i] = columns[i % columns.size()];
        for (const DTypeInfo& type : dtypeTable())
            for (const bool weighted : {false, true}) {
                std::string name(type.name);
                std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
                if (name.ends_with("_k")) name.back() = 'K';
                const std::string stem = model + "." + name + (weighted ? ".im" : "");
                if (!std::filesystem::exists(*folder / (stem + ".blocks.bin"))) continue;
                ++seen;
                CAPTURE(stem);
                check({type.type, input, weighted ? importance : std::vector<float>{},
                       readBytes(*folder / (stem + ".blocks.bin")), readNpy(*folder / (stem + ".dequant.npy"))});
            }
    }
    CHECK(seen == 74);
}

[[nodiscard]] inline std::vector<float> decoded(DType type, std::span<const std::byte> blocks, std::size_t count) {
    std::vector<float> values(count);
    engine::decodeBlocks(type, blocks, values);
    return values;
}

[[nodiscard]] inline std::vector<std::byte> encoded(DType type, std::span<const float> values,
                                                    std::span<const float> importance = {}) {
    std::vector<std::byte> blocks(*storedBytes(type, values.size()));
    engine::encodeBlocks(type, values, importance, blocks);
    return blocks;
}

/// Every type that can be written.
[[nodiscard]] inline std::vector<DType> encodedTypes() {
    std::vector<DType> types;
    for (const DTypeInfo& type : dtypeTable())
        if (engine::canEncodeBlocks(type.type)) types.push_back(type.type);
    return types;
}

} // namespace qscope::test
