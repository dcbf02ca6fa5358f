// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm/parse.h"
#include "engine/report/circuit_report.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::engine;

namespace {

CircuitReport bellReport() {
    CircuitReport report;
    report.source = "/tmp/<b>bell</b>.qasm";
    report.text =
        "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[2];\nh q[0];\ncx q[0],q[1]; // <script>alert(1)</script>\n";
    report.circuit = parseQasm(report.text).circuit;
    REQUIRE(report.circuit);
    report.steps = 2;
    auto result = std::make_shared<SimulationResult>();
    result->method = "statevector";
    result->device = "CPU";
    result->qubits = 2;
    result->probabilities = {{0, 0.5}, {3, 0.5}};
    result->counts = {{"00", 40}, {"11", 60}};
    result->expectations = {{"ZZ", 1.0}};
    report.simulation = result;
    report.request.shots = 100;
    report.bloch = {{0, 0, 0}, {0, 0, 0}};
    return report;
}

} // namespace

TEST_CASE("the page of a circuit tells state, counts and settings, and lets nothing of the source become markup",
          "[report]") {
    const auto page = htmlReport(bellReport(), "<svg id=\"drawing\"/>", {"1.2.3", "2026-01-02 03:04", {}, {}, {}});
    for (const char* wanted :
         {"<svg id=\"drawing\"/>", ">0.5<", ">11<", "60", "statevector", "none, the ideal circuit",
          "Quantoscope 1.2.3", "2026-01-02 03:04", "qreg q[2];\n", "&lt;script&gt;", "&lt;b&gt;bell"}) {
        CAPTURE(wanted);
        CHECK(page.find(wanted) != std::string::npos);
    }
    CHECK(page.find("<script") == std::string::npos);
    CHECK(page.find("<b>") == std::string::npos);
}

TEST_CASE("without a state the page says why", "[report]") {
    auto report = bellReport();
    report.simulation = nullptr;
    report.problem = "60 qubits are too many.";
    CHECK(htmlReport(report, {}, {}).find("No state: 60 qubits are too many.") != std::string::npos);
    CHECK(toJson(report).at("simulation").is_null());
}

TEST_CASE("the numbers of a circuit's report name bits with qubit 0 rightmost", "[report]") {
    auto report = bellReport();
    auto result = std::make_shared<SimulationResult>(*report.simulation);
    result->probabilities = {{1, 1.0}};
    report.simulation = result;
    const Json json = toJson(report);
    CHECK(json.at("qubits") == 2);
    CHECK(json.at("gates").size() == 2);
    CHECK(json.at("gates").at("h") == 1);
    CHECK(json.at("gates").at("cx") == 1);
    CHECK(json.at("simulation").at("probabilities").at(0).at("bits") == "01");
    CHECK(json.at("simulation").at("counts").at("11") == 60);
    CHECK(json.at("noise") == "");
}

TEST_CASE("pictures in a page are base64 of RFC 4648", "[report]") {
    const auto encoded = [](std::string bytes) {
        const auto section = pictureSection({{"a \"view\"", std::move(bytes)}});
        CHECK(section.find("alt=\"a &quot;view&quot;\"") != std::string::npos);
        const auto begin = section.find("base64,") + 7;
        return section.substr(begin, section.find('"', begin) - begin);
    };
    // The vectors of section 10.
    CHECK(encoded("f") == "Zg==");
    CHECK(encoded("fo") == "Zm8=");
    CHECK(encoded("foo") == "Zm9v");
    CHECK(encoded("foob") == "Zm9vYg==");
    CHECK(encoded("foobar") == "Zm9vYmFy");
    CHECK(encoded("\xFB\xFF") == "+/8=");
    CHECK(pictureSection({}).empty());
}
