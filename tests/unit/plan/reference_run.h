// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/reader.h"
#include "engine/plan/model.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>

namespace qscope::test {

/// The numbers of a file that holds nothing else.
template<class T>
[[nodiscard]] std::vector<T> rawValues(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    std::vector<T> values(bytes.size() / sizeof(T));
    std::copy(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(values.size() * sizeof(T)),
              reinterpret_cast<char*>(values.data()));
    return values;
}

[[nodiscard]] inline Result<engine::Model> openModel(const engine::CheckpointReader& reader,
                                                     const std::filesystem::path& path,
                                                     const engine::ModelOptions& options = {}) {
    Diagnostics notes;
    QSCOPE_TRY(auto checkpoint, reader.open(path, {}, notes));
    return engine::loadModel(std::move(checkpoint), options, notes);
}

[[nodiscard]] inline std::vector<double> doublesOf(const engine::nn::Value& value) {
    const auto wide = engine::nn::converted(value, DType::F64);
    REQUIRE(wide);
    const auto numbers = engine::nn::elements<double>(*wide);
    return {numbers.begin(), numbers.end()};
}

/// The largest difference between two lists of equal length, over the largest magnitude of the second.
[[nodiscard]] inline double farthest(const std::vector<double>& found, const std::vector<double>& expected) {
    REQUIRE(found.size() == expected.size());
    REQUIRE_FALSE(expected.empty());
    double difference = 0, magnitude = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (!std::isfinite(found[i])) return INFINITY;
        difference = std::max(difference, std::abs(found[i] - expected[i]));
        magnitude = std::max(magnitude, std::abs(expected[i]));
    }
    return difference / magnitude;
}

} // namespace qscope::test
