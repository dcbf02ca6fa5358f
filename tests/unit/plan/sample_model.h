// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/model.h"
#include "engine/plan/plan.h"
#include "plugins/round_to_nearest/rtn_method.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

namespace qscope::test {

/// The bundled language model and its page of text (4 kB), with round-to-nearest.
struct SampleModel {
    SampleModel() {
        REQUIRE(registries.readers.add(engine::makeSafetensorsReader()));
        REQUIRE(registries.readers.add(engine::makeNpyReader()));
        REQUIRE(registries.methods.add(engine::makeRoundToNearest()));
        auto opened = engine::openCheckpoint(QSCOPE_SOURCE_DIR "/resources/samples/bard", registries, run.notes);
        if (!opened) FAIL(describe(opened.error()));
        checkpoint = *opened;
        auto loaded = engine::loadModel(checkpoint, {}, run.notes);
        if (!loaded) FAIL(describe(loaded.error()));
        model = *std::move(loaded);
    }

    engine::Plan plan(const std::vector<std::string>& methods, std::vector<std::string> selectors = {}) const {
        engine::Plan made;
        made.selectors = std::move(selectors);
        for (const std::string& method : methods) made.methods.push_back(engine::parseMethodSpec(method).value());
        return made;
    }
    std::shared_ptr<const engine::CompareReport> ran(const engine::Plan& plan) {
        auto report = engine::runPlan(plan, *checkpoint, registries, run.context);
        if (!report) FAIL(describe(report.error()));
        return *report;
    }

    TestRun run;
    engine::Registries registries;
    std::shared_ptr<const engine::Checkpoint> checkpoint;
    engine::Model model;
    std::string page = QSCOPE_SOURCE_DIR "/resources/samples/bard/page.txt";
};

} // namespace qscope::test
