// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/pyramid.h"
#include "tests/support/random_values.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

using namespace qscope;
using namespace qscope::engine;

namespace {

/// The definition: the value of largest magnitude in a square of cells, NaN above all.
float strongest(const std::vector<float>& values, MatrixShape shape, std::int64_t row, std::int64_t column, std::int64_t factor) {
    float best = 0;
    for (std::int64_t r = row * factor; r < std::min(shape.rows, (row + 1) * factor); ++r)
        for (std::int64_t c = column * factor; c < std::min(shape.columns, (column + 1) * factor); ++c) {
            const float value = values[static_cast<std::size_t>(r * shape.columns + c)];
            if (std::isnan(best)) continue;
            if (std::isnan(value) || std::fabs(value) > std::fabs(best)) best = value;
        }
    return best;
}

void checkAgainstDefinition(MatrixShape shape, const std::vector<float>& values) {
    CAPTURE(shape.rows, shape.columns);
    test::TestRun run;
    const auto pyramid = buildPyramid(makeTensor({shape.rows, shape.columns}, values), run.context);
    REQUIRE(pyramid);
    const Pyramid& p = **pyramid;
    std::int64_t factor = p.baseFactor;
    for (const PyramidLevel& level : p.levels) {
        REQUIRE(level.rows == (shape.rows + factor - 1) / factor);
        REQUIRE(level.columns == (shape.columns + factor - 1) / factor);
        std::size_t wrong = 0;
        for (std::int64_t r = 0; r < level.rows; ++r)
            for (std::int64_t c = 0; c < level.columns; ++c) {
                const float found = level.cells[static_cast<std::size_t>(r * level.columns + c)];
                const float expected = strongest(values, shape, r, c, factor);
                // Two values of equal magnitude and opposite sign: either may stand for both.
                wrong += std::isnan(expected) ? !std::isnan(found) : std::fabs(found) != std::fabs(expected);
            }
        CHECK(wrong == 0);
        factor *= 2;
    }
    CHECK(p.levels.back().cells.size() == 1);
    CHECK(run.progress.done == shape.rows * shape.columns);
}

} // namespace

TEST_CASE("Each cell of a pyramid holds the value of largest magnitude that it covers") {
    for (const MatrixShape shape : {MatrixShape{1, 1}, MatrixShape{1, 1000}, MatrixShape{1000, 1}, MatrixShape{37, 53}, MatrixShape{64, 64}})
        checkAgainstDefinition(shape, test::normalValues(static_cast<std::size_t>(shape.rows * shape.columns), 9));
}

TEST_CASE("Large matrices start at a reduced level of at most four million cells") {
    const MatrixShape shape{3001, 3100};
    const auto values = test::normalValues(static_cast<std::size_t>(shape.rows * shape.columns), 4);
    test::TestRun run;
    const auto pyramid = buildPyramid(makeTensor({shape.rows, shape.columns}, values), run.context);
    REQUIRE(pyramid);
    CHECK((*pyramid)->baseFactor == 2);
    CHECK((*pyramid)->levels[0].cells.size() <= (std::size_t{4} << 20));
    for (const auto& [row, column] : {std::pair{0, 0}, std::pair{1500, 1549}, std::pair{700, 31}})
        CHECK((*pyramid)->levels[0].cells[static_cast<std::size_t>(row * (*pyramid)->levels[0].columns + column)] ==
              strongest(values, shape, row, column, 2));
    checkAgainstDefinition({2, 9'000'000}, test::normalValues(18'000'000, 6));
}

TEST_CASE("Special values stay visible at every level and do not count as the maximum") {
    std::vector<float> values(100 * 100, 0.5f);
    values[5050] = std::numeric_limits<float>::quiet_NaN();
    values[17] = -std::numeric_limits<float>::infinity();
    values[9999] = -7;
    checkAgainstDefinition({100, 100}, values);
    test::TestRun run;
    const auto pyramid = buildPyramid(makeTensor({100, 100}, values), run.context);
    CHECK((*pyramid)->absoluteMaximum == 7);
    CHECK(std::isnan((*pyramid)->levels.back().cells[0]));
}

TEST_CASE("A stopped pyramid is cancelled before it reads anything") {
    test::TestRun run;
    run.stop.request_stop();
    const auto pyramid = buildPyramid(makeTensor({100, 100}, std::vector<float>(10000)), run.context);
    REQUIRE_FALSE(pyramid);
    CHECK(pyramid.error().code == ErrorCode::Cancelled);
    CHECK(run.progress.done == 0);
}

TEST_CASE("An empty tensor has an empty pyramid") {
    test::TestRun run;
    const auto pyramid = buildPyramid(makeTensor({0, 5}, std::vector<float>()), run.context);
    REQUIRE(pyramid);
    CHECK((*pyramid)->levels.empty());
}
