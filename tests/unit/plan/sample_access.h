// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/block_walk.h"
#include "engine/plan/plan.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <string_view>

namespace qscope::test {

/// A model on a few short sequences of a text, as methods that look beyond one tensor see it: the linear layers of its
/// blocks.
struct SampleAccess {
    SampleAccess(const engine::CheckpointReader& reader, const std::filesystem::path& path, const std::string& text,
                 std::int64_t sequences = 2, std::int64_t length = 32) {
        auto opened = reader.open(path, {}, run.notes);
        if (!opened) FAIL(describe(opened.error()));
        auto loaded = engine::loadModel(*opened, {}, run.notes);
        if (!loaded) FAIL(describe(loaded.error()));
        model = *std::move(loaded);
        const engine::CalibrationSettings settings{text, sequences, length, "*", 64};
        auto calibration = engine::calibrate(model, settings, run.context);
        if (!calibration) FAIL(describe(calibration.error()));
        auto read = engine::readCalibrationText(model, settings, run.context);
        if (!read) FAIL(describe(read.error()));
        std::vector<engine::ModelWeight> weights;
        std::vector<std::size_t> tensors;
        for (std::size_t i = 0; i < (*opened)->tensors.size(); ++i) {
            const std::string& name = model.weights->nameOf(i);
            if (name.find("_proj.weight") == std::string::npos) continue;
            const auto& tensor = (*opened)->tensors[i];
            engine::ModelWeight weight{engine::subjectOf(**opened, i), name, {}};
            weight.subject.hasCalibration = true;
            std::vector<float> values(static_cast<std::size_t>(engine::elementCount(tensor.shape)));
            REQUIRE(engine::decode((*opened)->view(i), 0, std::span(values)));
            weight.weight = engine::makeTensor(tensor.shape, std::move(values));
            weights.push_back(std::move(weight));
            tensors.push_back(i);
        }
        auto made =
            engine::makeModelAccess(model, *std::move(read), *calibration, std::move(weights), std::move(tensors));
        if (!made) FAIL(describe(made.error()));
        access = *std::move(made);
    }

    std::size_t weight(std::string_view commonName) const {
        for (std::size_t i = 0; i < access->weights().size(); ++i)
            if (access->weights()[i].name == commonName) return i;
        FAIL("no weight " << commonName);
        return 0;
    }
    std::vector<float> valuesOf(std::size_t weight) const {
        const auto& view = access->weights()[weight].weight;
        const auto* first = reinterpret_cast<const float*>(view.bytes.data());
        return {first, first + engine::elementCount(view.shape)};
    }
    engine::LossResult loss(const engine::LossRequest& request) {
        auto found = access->loss(request, run.context);
        if (!found) FAIL(describe(found.error()));
        return *std::move(found);
    }

    TestRun run;
    engine::Model model;
    std::unique_ptr<engine::ModelAccess> access;
};

} // namespace qscope::test
