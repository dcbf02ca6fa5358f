// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/sweep.h"

#include "engine/core/atomic_file.h"
#include "engine/core/random.h"
#include "engine/plan/run_sweep.h"
#include "plugins/gguf_blocks/block_method.h"
#include "plugins/round_to_nearest/rtn_method.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <thread>

using namespace qscope;
using namespace qscope::engine;

namespace {

Registries methods() {
    Registries registries;
    REQUIRE(registries.methods.add(makeRoundToNearest()));
    for (auto& method : makeBlockMethods()) REQUIRE(registries.methods.add(std::move(method)));
    return registries;
}

MethodSpec spec(const std::string& text) { return parseMethodSpec(text).value(); }

/// Two matrices of single precision in a file of its own.
struct TwoMatrices {
    explicit TwoMatrices(std::int64_t rows = 32, std::int64_t columns = 64) {
        std::string bytes;
        for (const char* name : {"model.layers.0.mlp.up_proj.weight", "model.layers.1.mlp.up_proj.weight"}) {
            checkpoint.tensors.push_back(
                {name, DType::F32, {rows, columns}, 0, bytes.size(), static_cast<std::uint64_t>(4 * rows * columns)});
            for (std::int64_t i = 0; i < rows * columns; ++i) {
                const auto value = static_cast<float>(uniform(5, bytes.size(), static_cast<std::uint64_t>(i)) - 0.5);
                bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
            }
        }
        checkpoint.path = folder / "two.bin";
        REQUIRE(writeFileAtomically(checkpoint.path, bytes));
        const auto file = MappedFile::open(checkpoint.path);
        REQUIRE(file);
        checkpoint.files = {*file};
    }
    test::TemporaryFolder folder;
    Checkpoint checkpoint;
};

const Sweep kSweep{{spec("rtn:symmetric=false"), spec("q8_0")}, {{"bits", {"2", "4", "8"}}, {"group", {"32", "64"}}}};

} // namespace

TEST_CASE("a sweep is every combination, and a method without a parameter takes part once", "[plan]") {
    const Registries registries = methods();
    const auto specs = sweptMethods(kSweep, registries);
    REQUIRE(specs);
    std::vector<MethodSpec> expected;
    for (const char* bits : {"2", "4", "8"})
        for (const char* group : {"32", "64"})
            expected.push_back({"rtn", {{"bits", bits}, {"group", group}, {"symmetric", "false"}}});
    expected.push_back({"q8_0", {}});
    CHECK(*specs == expected);
    // Two spellings of one value are one combination.
    CHECK(sweptMethods({{spec("rtn")}, {{"group", {"064", "64"}}}}, registries)->size() == 1);
}

TEST_CASE("a sweep that cannot be is refused with what is wrong", "[plan]") {
    const Registries registries = methods();
    const auto problem = [&](const Sweep& sweep) { return describe(sweptMethods(sweep, registries).error()); };
    CHECK(problem({{spec("nothing")}, {}}).find("nothing") != std::string::npos);
    CHECK(problem({{spec("rtn")}, {{"bits", {"4", "99"}}}}).find("bits") != std::string::npos);
    CHECK(problem({{spec("rtn")}, {{"colour", {"red"}}}}).find("colour") != std::string::npos);
    CHECK(problem({{}, {}}).find("no combination") != std::string::npos);
    CHECK(problem({{spec("rtn")}, {{"bits", {}}}}).find("no combination") != std::string::npos);
    SweepAxis long_{"group", {}};
    for (int i = 1; i <= 500; ++i) long_.values.push_back(std::to_string(i));
    CHECK(problem({{spec("rtn")}, {{"bits", {"2", "3", "4", "5", "6"}}, long_}}).find("more than") !=
          std::string::npos);
}

TEST_CASE("a plan keeps its sweeps, and a broken one is refused", "[plan]") {
    Plan plan{"model.gguf", {}, {spec("q4_0")}, 3};
    CHECK_FALSE(toJson(plan).contains("sweeps"));
    plan.sweeps = {kSweep};
    CHECK(*planFromJson(toJson(plan)) == plan);
    for (const char* text :
         {R"({})", R"([1])", R"([{"methods":[]}])", R"([{"methods":[],"axes":[{"parameter":"bits"}]}])",
          R"([{"methods":[],"axes":[{"parameter":"bits","values":[[]]}]}])",
          R"([{"methods":[],"axes":[],"more":1}])"}) {
        Json json = toJson(plan);
        json["sweeps"] = *parseJson(text);
        const auto refused = planFromJson(json);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::Malformed);
    }
    // Values as a person writes them.
    Json json = toJson(plan);
    json["sweeps"][0]["axes"][0]["values"] = {2, 4, 8};
    CHECK(*planFromJson(json) == plan);
}

TEST_CASE("a sweep gives what each of its methods gives alone", "[plan]") {
    const TwoMatrices source;
    const Registries registries = methods();
    test::TestRun run;
    Plan plan{"", {}, {spec("q4_0"), spec("q8_0")}, 0};
    plan.sweeps = {kSweep}; // q8_0 is in both and counts once
    const auto report = runPlan(plan, source.checkpoint, registries, run.context);
    REQUIRE(report);
    REQUIRE((*report)->methods.size() == 8);
    CHECK(run.progress.done == 8);
    CHECK(run.progress.total == 8);
    std::set<std::string> labels;
    for (const MethodResult& method : (*report)->methods) {
        labels.insert(method.label);
        test::TestRun alone;
        const auto same = runPlan({"", {}, {method.spec}, 0}, source.checkpoint, registries, alone.context);
        REQUIRE(same);
        CHECK(method.metrics.relativeMse == (*same)->methods[0].metrics.relativeMse);
        CHECK(method.bytes == (*same)->methods[0].bytes);
        CHECK(method.tensors.size() == 2);
        CHECK(method.tensors[1].quantized);
    }
    CHECK(labels.size() == 8);
}

TEST_CASE("a sweep keeps codes up to its limit and the plan's own always", "[plan]") {
    const TwoMatrices source;
    const Registries registries = methods();
    test::TestRun run;
    Plan plan{"", {}, {spec("q4_0")}, 0};
    plan.sweeps = {kSweep};
    const std::uint64_t one = 2 * 32 * 64; // a byte per weight
    const auto report = runSweeps(plan, source.checkpoint, registries, run.context, nullptr, 3 * one);
    REQUIRE(report);
    std::vector<bool> kept;
    for (const MethodResult& method : (*report)->methods) {
        kept.push_back(method.tensors[0].quantized != nullptr);
        CHECK(method.tensors[0].metrics.relativeMse > 0); // what was measured stays
    }
    CHECK(kept == std::vector<bool>{true, true, true, false, false, false, false, false});
    const auto none = runSweeps(plan, source.checkpoint, registries, run.context, nullptr, 0);
    CHECK((*none)->methods[0].tensors[0].quantized);
    CHECK_FALSE((*none)->methods[1].tensors[0].quantized);
}

TEST_CASE("a combination that takes no tensor is left out with its reason", "[plan]") {
    const TwoMatrices source(8, 33); // no whole block of 32 columns
    const Registries registries = methods();
    test::TestRun run;
    Plan plan;
    plan.sweeps = {{{spec("rtn"), spec("q8_0")}, {{"bits", {"4"}}}}};
    const auto report = runPlan(plan, source.checkpoint, registries, run.context);
    REQUIRE(report);
    CHECK((*report)->methods.size() == 1);
    const auto& notes = (*report)->notes;
    CHECK(std::any_of(notes.begin(), notes.end(), [](const Diagnostic& note) {
        return note.subject == "q8_0" && note.message.starts_with("left out");
    }));
    plan.sweeps = {{{spec("q8_0")}, {}}};
    CHECK_FALSE(runPlan(plan, source.checkpoint, registries, run.context));
}

TEST_CASE("a sweep stops when asked", "[plan]") {
    const TwoMatrices source(64, 65'536);
    const Registries registries = methods();
    Plan plan;
    plan.sweeps = {
        {{spec("rtn")}, {{"bits", {"2", "3", "4", "5", "6", "7", "8"}}, {"group", {"32", "64", "128", "256"}}}}};
    test::TestRun run;
    Result<std::shared_ptr<const CompareReport>> outcome;
    std::thread worker([&] { outcome = runPlan(plan, source.checkpoint, registries, run.context); });
    while (run.progress.done == 0) std::this_thread::yield();
    run.stop.request_stop();
    worker.join();
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == ErrorCode::Cancelled);
    CHECK(run.progress.done < run.progress.total);
}
