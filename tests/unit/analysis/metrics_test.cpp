// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/metrics.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <set>

using namespace qscope::engine;

TEST_CASE("Every metric has a unique key, a name, a formula, a meaning and a source") {
    std::set<std::string_view> keys;
    for (const MetricInfo& row : metricTable()) {
        CAPTURE(row.key);
        CHECK(keys.insert(row.key).second);
        CHECK_FALSE(row.name.empty());
        CHECK_FALSE(row.formula.empty());
        CHECK_FALSE(row.source.empty());
        REQUIRE_FALSE(row.meaning.empty());
        CHECK(row.meaning.back() == '.');
        CHECK(&metric(row.key) == &row);
    }
}

TEST_CASE("The metrics that results are shown with are in the table") {
    for (const char* key : {"count", "min", "max", "mean", "std", "absmax", "kurtosis", "max_to_mean", "zeros", "nan", "inf",
                            "outliers", "bits_per_weight", "bytes", "relative_mse", "sqnr_db", "max_error", "cosine", "seconds",
                            "probability", "expectation", "norm", "entropy", "bloch_length"})
        CHECK(metric(key).key == key);
}

TEST_CASE("Error metrics follow from the sums as their formulas say") {
    // w = (3, 4), result (3, 2): differences (0, 2).
    const ErrorMetrics metrics = metricsOf({2, 25, 4, 17, 13, 2});
    CHECK(metrics.relativeMse == Approx(0.16));
    CHECK(metrics.sqnrDb == Approx(-10 * std::log10(0.16)));
    CHECK(metrics.maxError == 2);
    CHECK(metrics.cosine == Approx(17 / std::sqrt(25.0 * 13.0)));
}

TEST_CASE("An exact result has infinite SQNR and a cosine of one") {
    const ErrorMetrics metrics = metricsOf({2, 25, 0, 25, 25, 0});
    CHECK(metrics.relativeMse == 0);
    CHECK(metrics.sqnrDb == std::numeric_limits<double>::infinity());
    CHECK(metrics.cosine == 1);
    CHECK(metricsOf({}).cosine == 1);
    CHECK(metricsOf({2, 25, 25, 0, 0, 4}).cosine == 0);
}
