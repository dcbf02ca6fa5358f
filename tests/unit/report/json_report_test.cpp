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
