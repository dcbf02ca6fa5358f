// SPDX-License-Identifier: GPL-3.0-or-later
// The arithmetic behind the views, against definitions written out here.
#include "plugins/view_distribution/binned_counts.h"
#include "plugins/view_heatmap/matrix_source.h"
#include "tests/unit/views/sample_model.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace qscope;
using namespace qscope::test;

TEST_CASE("Bin edges hold every level, cover all values and ascend") {
    const std::vector<float> levels{-0.3F, -0.1F, 0.0F, 0.15F};
    const auto edges = edgesOnLevels(levels, {-1, 0.5}, 30);
    CHECK(std::is_sorted(edges.begin(), edges.end()));
    CHECK(std::adjacent_find(edges.begin(), edges.end()) == edges.end());
    for (const float level : levels) CHECK(std::count(edges.begin(), edges.end(), static_cast<double>(level)) == 1);
    CHECK(edges.front() <= -1);
    CHECK(edges.back() >= 0.5);
    CHECK(edgesOnLevels({}, {2, 2}, 10).size() == 11);
}

TEST_CASE("Counts over uneven edges equal a search of every value") {
    const SampleModel& sample = sampleModel();
    const auto& quantized = *sample.report->methods[0].tensors[3].quantized;
    const auto edges = edgesOnLevels(engine::gridLevels(quantized, 5, 70), {-0.4, 0.4}, 64);
    TestRun run;
    const auto counts = countBoth(sample.checkpoint->view(3), quantized, edges, run.context);
    REQUIRE(counts);
    std::vector<float> values(128 * 192);
    REQUIRE(engine::decode(sample.checkpoint->view(3), 0, std::span<float>(values)));
    std::vector<double> naive(edges.size() - 1);
    for (const float value : values)
        for (std::size_t bin = 0; bin < naive.size(); ++bin)
            if (static_cast<double>(value) >= edges[bin] &&
                (static_cast<double>(value) < edges[bin + 1] || bin + 1 == naive.size())) {
                ++naive[bin];
                break;
            }
    CHECK(counts->original == naive);
}

TEST_CASE("Normal quantiles invert the distribution function") {
    CHECK(normalQuantile(0.5) == Approx(0).margin(1e-12));
    CHECK(normalQuantile(0.975) == Approx(1.959963984540054));
    for (const double p : {1e-5, 0.01, 0.3, 0.9, 0.9999})
        CHECK(0.5 * std::erfc(-normalQuantile(p) / std::sqrt(2.0)) == Approx(p));
}

TEST_CASE("A tile's cells are the values of largest magnitude, in any order and at any factor") {
    const std::int64_t rows = 37, columns = 53;
    std::vector<float> values(static_cast<std::size_t>(rows * columns));
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(std::sin(static_cast<double>(i) * 1.7) * (1 + static_cast<double>(i % 13)));
    values[500] = std::nanf("");
    std::vector<float> rowNorms(static_cast<std::size_t>(rows)), columnNorms(static_cast<std::size_t>(columns));
    for (std::size_t i = 0; i < rowNorms.size(); ++i) rowNorms[i] = static_cast<float>((i * 17) % 37);
    for (std::size_t i = 0; i < columnNorms.size(); ++i) columnNorms[i] = static_cast<float>((i * 29) % 53);
    const MatrixSource source = storedValues(engine::makeTensor({rows, columns}, values));
    for (const bool sorted : {false, true}) {
        DrawnOrder order;
        if (sorted) order = {descendingOrder(rowNorms), descendingOrder(columnNorms)};
        TestRun run;
        const auto prepared = prepareMatrix(source, order, run.context);
        REQUIRE(prepared);
        for (const TileRequest request :
             {TileRequest{0, rows, 0, columns, 1, 1}, TileRequest{0, rows, 0, columns, 4, 2},
              TileRequest{8, 16, 16, 37, 8, 16}, TileRequest{4, 33, 0, 53, 2, 8}}) {
            for (const auto& tile :
                 {drawTile(**prepared, request, run.context), reduceTile(source, order, request, run.context)}) {
                REQUIRE(tile);
                REQUIRE(tile->cells.size() == static_cast<std::size_t>(request.cellRows() * request.cellColumns()));
                for (std::int64_t i = 0; i < request.cellRows(); ++i)
                    for (std::int64_t j = 0; j < request.cellColumns(); ++j) {
                        double largest = 0;
                        for (std::int64_t y = i * request.rowFactor;
                             y < std::min(request.rows, (i + 1) * request.rowFactor); ++y)
                            for (std::int64_t x = j * request.columnFactor;
                                 x < std::min(request.columns, (j + 1) * request.columnFactor); ++x) {
                                const double value = static_cast<double>(values[static_cast<std::size_t>(
                                    order.row(request.row + y) * columns + order.column(request.column + x))]);
                                largest = std::isnan(value) || std::isnan(largest) ? std::nan("")
                                                                                   : std::max(largest, std::abs(value));
                            }
                        const double cell = std::abs(
                            static_cast<double>(tile->cells[static_cast<std::size_t>(i * request.cellColumns() + j)]));
                        CHECK((std::isnan(largest) ? std::isnan(cell) : cell == largest));
                    }
            }
        }
    }
}

TEST_CASE("A stopped heatmap publishes nothing") {
    TestRun run;
    run.stop.request_stop();
    const auto prepared = prepareMatrix(storedValues(sampleModel().checkpoint->view(0)), {}, run.context);
    REQUIRE_FALSE(prepared);
    CHECK(prepared.error().code == ErrorCode::Cancelled);
}
