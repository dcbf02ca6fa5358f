// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/json_report.h"

#include "tests/unit/report/sample_report.h"

#include <catch2/catch.hpp>

#include <limits>

using namespace qscope;
using namespace qscope::engine;

TEST_CASE("a report as JSON holds every number under its name", "[report]") {
    const CompareReport report = test::sampleReport();
    const Json json = toJson(report);
    CHECK(json["source"] == report.source);
    REQUIRE(json["rows"].size() == 2);
    const Json& row = json["rows"][1];
    CHECK(row["method"] == "rtn:bits=4");
    CHECK(row["label"] == "rtn bits=4");
    CHECK(row["bits_per_weight"] == 4.25);
    CHECK(row["bytes"] == 372);
    CHECK(row["seconds"] == 0.25);
    CHECK(row["device"] == "CPU <16> threads");
    CHECK(row["relative_mse"] == report.methods[1].metrics.relativeMse);
    CHECK(row["sqnr_db"] == report.methods[1].metrics.sqnrDb);
    REQUIRE(row["tensors"].size() == 7);
    const Json& tensor = row["tensors"][2];
    CHECK(tensor["name"] == "layers.1.<w&2>");
    CHECK(tensor["layer"] == 1);
    CHECK(tensor["bits"] == 4.25);
    for (const char* key : {"relative_mse", "sqnr_db", "max_error", "cosine"}) CHECK(tensor[key].is_number());
    CHECK_FALSE(row["tensors"][6].contains("layer"));
    CHECK(json["notes"][0] == Json{{"severity", "warning"}, {"message", "left out: rows of <172>"}, {"subject", "layers.0 & 1"}});
    CHECK_FALSE(summaryJson(report.methods[0]).contains("tensors"));
}

TEST_CASE("an exact result and a name that is no UTF-8 still give valid JSON", "[report]") {
    CompareReport report = test::sampleReport();
    report.methods[0].metrics.sqnrDb = std::numeric_limits<double>::infinity();
    report.methods[0].tensors[0].name = "w\xFF";
    const auto parsed = parseJson(toJson(report).dump());
    REQUIRE(parsed);
    CHECK((*parsed)["rows"][0]["sqnr_db"].is_null());
    CHECK((*parsed)["rows"][0]["tensors"][0]["name"] == "w\xEF\xBF\xBD");
}

TEST_CASE("what a text tells is in the JSON, and null without one", "[report]") {
    CompareReport report = test::sampleReport();
    CHECK(toJson(report)["rows"][0]["perplexity"].is_null());
    CHECK_FALSE(toJson(report).contains("text"));
    test::addText(report);
    const Json json = toJson(report);
    CHECK(json["text"]["scoring"] == "second-half");
    CHECK(json["text"]["perplexity"] == 20.0);
    CHECK(json["rows"][1]["perplexity"] == 22.0);
    CHECK(json["rows"][1]["kl_divergence"] == 0.25);
    CHECK(json["rows"][1]["top1_agreement"] == 0.5);
    CHECK(json["calibration"]["silent_channels"] == 3);
}

TEST_CASE("error propagation as JSON has the places in order, and attribution where there is one", "[report]") {
    MethodPropagation result;
    result.spec = {"rtn", {{"bits", "4"}}};
    for (int i = 0; i < 2; ++i) {
        PropagatedPlace place;
        place.layer = i;
        place.name = "layers." + std::to_string(i);
        place.metrics.relativeMse = 0.5;
        place.kurtosis = 4 + i;
        place.tokenError = {0.25F, std::numeric_limits<float>::infinity()};
        place.worst.assign(2 * kWorstChannels, {7, 0.5F});
        result.layers.push_back(place);
    }
    result.logits.klDivergence = 0.125;
    Json json = toJson(result);
    CHECK(json["layers"][1]["index"] == 1);
    CHECK(json["layers"][1]["kurtosis"] == 5.0);
    CHECK(json["layers"][0]["token_error"] == Json{0.25, nullptr});
    CHECK(json["layers"][0]["worst_channels"][1] == Json{7, 7, 7, 7});
    CHECK(json["logits"]["kl_divergence"] == 0.125);
    CHECK_FALSE(json.contains("attribution"));
    result.attribution.push_back({1, {0.1, 0.2}, {0.3, 0.4}, {0.5, 0.6}});
    json = toJson(result);
    CHECK(json["attribution"][0]["up_to"]["kl_divergence"] == 0.3);
    CHECK(json["attribution"][0]["without"]["relative_mse"] == 0.6);
}
