// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/line_norms.h"
#include "engine/analysis/statistics.h"
#include "engine/analysis/stored_lines.h"
#include "engine/core/parallel.h"
#include "engine/tensor/blocks.h"
#include "engine/tensor/half.h"
#include "tests/support/random_values.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

using namespace qscope;
using namespace qscope::engine;

namespace {

TensorStatistics statisticsOf(const TensorView& tensor, const StatisticsOptions& options = {}) {
    test::TestRun run;
    const auto found = computeStatistics(tensor, options, run.context);
    REQUIRE(found);
    CHECK(run.progress.done == run.progress.total);
    return **found;
}

bool close(double a, double b, double tolerance = 1e-10) { return std::fabs(a - b) <= tolerance * std::max({1e-300, std::fabs(a), std::fabs(b)}); }

/// Every number by its definition, one value after another in double precision.
void checkAgainstDefinitions(const TensorView& tensor) {
    CAPTURE(info(tensor.dtype).name, tensor.shape);
    const TensorStatistics s = statisticsOf(tensor);
    const MatrixShape shape = asMatrix(tensor.shape);
    std::vector<double> all(static_cast<std::size_t>(elementCount(tensor.shape)));
    REQUIRE(decode(tensor, 0, std::span(all)));
    std::vector<double> finite, rows(static_cast<std::size_t>(shape.rows)), columns(static_cast<std::size_t>(shape.columns));
    std::vector<double> rowMost(rows.size()), columnMost(columns.size());
    std::int64_t nan = 0, inf = 0, zeros = 0;
    std::vector<ExtremeValue> extremes;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const double x = all[i];
        nan += std::isnan(x);
        inf += std::isinf(x);
        zeros += x == 0;
        if (!std::isfinite(x)) continue;
        finite.push_back(x);
        const auto row = static_cast<std::int64_t>(i) / shape.columns, column = static_cast<std::int64_t>(i) % shape.columns;
        rows[static_cast<std::size_t>(row)] += x * x;
        columns[static_cast<std::size_t>(column)] += x * x;
        rowMost[static_cast<std::size_t>(row)] = std::max(rowMost[static_cast<std::size_t>(row)], std::fabs(x));
        columnMost[static_cast<std::size_t>(column)] = std::max(columnMost[static_cast<std::size_t>(column)], std::fabs(x));
        extremes.push_back({row, column, x});
    }
    const auto n = static_cast<double>(finite.size());
    const double mean = std::accumulate(finite.begin(), finite.end(), 0.0) / n;
    double second = 0, fourth = 0, magnitude = 0;
    for (const double x : finite) {
        second += (x - mean) * (x - mean) / n;
        fourth += std::pow(x - mean, 4) / n;
        magnitude += std::fabs(x) / n;
    }
    const auto outliers = std::ranges::count_if(finite, [&](double x) { return std::fabs(x - mean) > 6 * std::sqrt(second); });
    CHECK(s.count == static_cast<std::int64_t>(all.size()));
    CHECK(s.nan == nan);
    CHECK(s.inf == inf);
    CHECK(s.zeros == zeros);
    CHECK(s.min == std::ranges::min(finite));
    CHECK(s.max == std::ranges::max(finite));
    CHECK(std::fabs(s.mean - mean) <= 1e-12 * magnitude);
    CHECK(close(s.std, std::sqrt(second)));
    CHECK(s.absmax == std::max(std::fabs(s.min), std::fabs(s.max)));
    CHECK((second == 0 ? s.kurtosis == 0 : close(s.kurtosis, fourth / (second * second))));
    CHECK((magnitude == 0 ? s.maxToMean == 0 : close(s.maxToMean, s.absmax / magnitude)));
    CHECK(s.outliers == outliers);

    std::vector<std::int64_t> counts(256);
    for (const double x : finite) {
        const auto above = std::ranges::upper_bound(s.histogram.edges, x) - s.histogram.edges.begin();
        ++counts[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(above - 1, 0, 255))];
    }
    CHECK(s.histogram.counts == counts);

    const auto checkLines = [](const std::vector<float>& found, const std::vector<double>& expected, double tolerance) {
        REQUIRE(found.size() == expected.size());
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < found.size(); ++i) {
            if (found[i] == static_cast<float>(expected[i])) continue; // infinite too, when single precision ends
            wrong += !close(static_cast<double>(found[i]), expected[i], tolerance);
        }
        CHECK(wrong == 0);
    };
    const auto roots = [](std::vector<double> squares) {
        for (double& square : squares) square = std::sqrt(square);
        return squares;
    };
    checkLines(s.rowAbsMax, rowMost, 1e-7);
    checkLines(s.columnAbsMax, columnMost, 1e-7);
    checkLines(s.rowNorms, roots(rows), 1e-6);
    checkLines(s.columnNorms, roots(columns), 1e-6);

    std::ranges::stable_sort(extremes, [](const auto& a, const auto& b) { return std::fabs(a.value) > std::fabs(b.value); });
    REQUIRE(s.extremes.size() == std::min<std::size_t>(64, finite.size()));
    for (std::size_t i = 0; i < s.extremes.size(); ++i) {
        REQUIRE(std::fabs(s.extremes[i].value) == std::fabs(extremes[i].value));
        REQUIRE(all[static_cast<std::size_t>(s.extremes[i].row * shape.columns + s.extremes[i].column)] == s.extremes[i].value);
    }
    REQUIRE(s.quantiles.size() == std::min<std::size_t>(1024, finite.size()));
    CHECK(std::ranges::is_sorted(s.quantiles));
    CHECK(s.quantiles.front() >= s.min);
    CHECK(s.quantiles.back() <= s.max);
}

TensorView stored(DType type, Shape shape, const std::vector<float>& values) {
    std::vector<std::byte> bytes(values.size() * 2);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::uint16_t code = type == DType::F16 ? floatToHalf(values[i]) : floatToBfloat16(values[i]);
        std::memcpy(bytes.data() + 2 * i, &code, 2);
    }
    return makeTensor(type, std::move(shape), std::move(bytes));
}

const std::vector<Shape> kShapes{{}, {1}, {5}, {300, 7}, {7, 300}, {3, 1, 20000}, {20000, 3}, {130, 9000}, {1, 300'000}, {64, 64, 3, 3}};

std::vector<float> valuesFor(const Shape& shape, unsigned seed) {
    auto values = test::normalValues(static_cast<std::size_t>(elementCount(shape)), seed, 0.02f);
    if (values.size() > 100) {
        values[50] = 1.5f; // an outlier
        values[60] = 0;
    }
    return values;
}

} // namespace

TEST_CASE("Statistics of single precision follow the definitions, whatever the shape") {
    for (const Shape& shape : kShapes) checkAgainstDefinitions(makeTensor(shape, valuesFor(shape, 1)));
}

TEST_CASE("Statistics of half precision and bfloat16 follow the definitions, whatever the shape") {
    for (const Shape& shape : kShapes)
        for (const DType type : {DType::F16, DType::BF16}) checkAgainstDefinitions(stored(type, shape, valuesFor(shape, 2)));
}

TEST_CASE("Every pattern of the types of one and of two bytes is counted") {
    for (const DTypeInfo& type : dtypeTable()) {
        if (type.blockLength != 1 || (type.blockBits != 8 && type.blockBits != 16) || !canDecode(type.type)) continue;
        const std::size_t width = type.blockBits == 8 ? 1 : 2, patterns = width == 1 ? 256 : 65536;
        std::vector<std::byte> bytes(3 * patterns * width); // patterns three times, as rows of an odd length
        for (std::size_t i = 0; i < 3 * patterns; ++i) {
            const std::size_t pattern = i * 40503 % patterns;
            std::memcpy(bytes.data() + i * width, &pattern, width);
        }
        const auto rows = static_cast<std::int64_t>(patterns);
        checkAgainstDefinitions(makeTensor(type.type, {rows, 3}, bytes));
        checkAgainstDefinitions(makeTensor(type.type, {3, rows}, std::move(bytes)));
    }
}

TEST_CASE("Values of bfloat16 whose squares leave single precision keep their norms") {
    auto values = valuesFor({200, 100}, 4);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] *= std::ldexp(1.f, i / 100 % 70 == 3 ? -110 : i % 100 == 99 ? -90 : 0);
    values[150 * 100 + 7] = 3e38f;
    checkAgainstDefinitions(stored(DType::BF16, {200, 100}, values));
}

TEST_CASE("Tensors of 16-bit floats may start at any byte") {
    const auto aligned = stored(DType::F16, {70, 33}, valuesFor({70, 33}, 5));
    std::vector<std::byte> moved(aligned.bytes.size() + 1);
    std::ranges::copy(aligned.bytes, moved.begin() + 1);
    TensorView tensor = aligned;
    tensor.bytes = std::span(moved).subspan(1);
    checkAgainstDefinitions(tensor);
}

TEST_CASE("Rows of 16-bit floats add up to the same bits by every path") {
    std::vector<std::byte> bytes(2 * 64 * 5000);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 2654435761u >> 24);
    for (const DType type : {DType::F16, DType::BF16})
        for (const std::size_t exponent : {0x00, 0x3F}) // any patterns; magnitudes below 2
            for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{64, 5000}, {7, 4113}, {4, 16}, {3, 15}, {1, 1}}) {
                CAPTURE(info(type).name, exponent, rows, columns);
                auto input = bytes;
                if (exponent != 0)
                    for (std::size_t i = 1; i < input.size(); i += 2) input[i] = (input[i] & std::byte{0x83}) | std::byte{0x3C};
                const auto found = [&, rows = rows, columns = columns](auto&& add) {
                    std::vector<std::uint32_t> counts(65536);
                    std::vector<std::uint16_t> columnMost(columns, 3), rowMost(rows);
                    std::vector<float> columnSquares(columns, 0.25f);
                    std::vector<double> rowSquares(rows);
                    const bool fit = add(type, input.data(), static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns),
                                         detail::LineSums{counts.data(), columnMost.data(), columnSquares.data(), rowMost.data(), rowSquares.data()});
                    return std::tuple(fit, counts, columnMost, rowMost, columnSquares, rowSquares);
                };
                const auto plain = found(detail::addStoredRowsPlainly);
                CHECK(plain == found(detail::addStoredRows));
                if (exponent != 0) CHECK(std::get<0>(plain));
            }
}

TEST_CASE("Special values are counted and left out of all the rest") {
    constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    for (const Shape& shape : {Shape{300, 7}, Shape{3, 20000}, Shape{20000, 3}}) {
        auto values = valuesFor(shape, 3);
        for (std::size_t i = 0; i < values.size(); i += 97) values[i] = i % 3 == 0 ? nan : i % 2 == 0 ? inf : -inf;
        checkAgainstDefinitions(makeTensor(shape, values));
        checkAgainstDefinitions(stored(DType::F16, shape, values));
        checkAgainstDefinitions(stored(DType::BF16, shape, values));
    }
}

TEST_CASE("Integers and double precision are computed in double precision") {
    std::vector<double> wide(5000);
    std::vector<std::int64_t> whole(5000);
    std::vector<std::int8_t> bytes(5000);
    for (std::size_t i = 0; i < wide.size(); ++i) {
        wide[i] = 1e6 + 1e-3 * static_cast<double>(i % 1009); // single precision would keep no digit of the deviation
        whole[i] = 4'000'000'000 + static_cast<std::int64_t>(i * i % 10007);
        bytes[i] = static_cast<std::int8_t>(i * 37 % 256);
    }
    const auto view = [](DType type, const auto& values) {
        std::vector<std::byte> raw(values.size() * sizeof values[0]);
        std::memcpy(raw.data(), values.data(), raw.size());
        return makeTensor(type, {50, 100}, std::move(raw));
    };
    checkAgainstDefinitions(view(DType::F64, wide));
    checkAgainstDefinitions(view(DType::I64, whole));
    checkAgainstDefinitions(view(DType::I8, bytes));
}

TEST_CASE("Block types and packed types are decoded first") {
    const auto values = test::normalValues(512 * 64, 7);
    std::vector<std::byte> blocks(*storedBytes(DType::Q4_0, values.size()));
    encodeBlocks(DType::Q4_0, values, {}, blocks);
    checkAgainstDefinitions(makeTensor(DType::Q4_0, {64, 512}, std::move(blocks)));
    std::vector<std::byte> packed(3000);
    for (std::size_t i = 0; i < packed.size(); ++i) packed[i] = static_cast<std::byte>(i * 89 % 256);
    checkAgainstDefinitions(makeTensor(DType::F6_E2M3, {40, 100}, std::move(packed)));
}

TEST_CASE("A constant tensor has no deviation, no outliers and no kurtosis") {
    const TensorStatistics s = statisticsOf(makeTensor({1000}, std::vector<float>(1000, 0.1f)));
    CHECK(s.std == 0);
    CHECK(s.kurtosis == 0);
    CHECK(s.outliers == 0);
    CHECK(s.maxToMean == Approx(1));
    CHECK(s.histogram.edges.front() == Approx(-0.4));
}

TEST_CASE("A tensor without a finite value has moments of zero") {
    const TensorStatistics s = statisticsOf(makeTensor({3}, std::vector<float>(3, std::numeric_limits<float>::quiet_NaN())));
    CHECK(s.nan == 3);
    CHECK(s.mean == 0);
    CHECK(s.std == 0);
    CHECK(s.histogram.counts.empty());
    CHECK(s.extremes.empty());
    CHECK(statisticsOf(makeTensor({0, 4}, std::vector<float>())).count == 0);
}

TEST_CASE("Statistics are the same on one thread and on all") {
    const Shape shape{600, 9000};
    const auto tensor = makeTensor(shape, valuesFor(shape, 8));
    const TensorStatistics all = statisticsOf(tensor);
    const ThreadLimit limit(1);
    const TensorStatistics one = statisticsOf(tensor);
    CHECK(one.mean == all.mean);
    CHECK(one.std == all.std);
    CHECK(one.kurtosis == all.kurtosis);
    CHECK(one.maxToMean == all.maxToMean);
    CHECK(one.histogram.counts == all.histogram.counts);
    CHECK(one.columnNorms == all.columnNorms);
    CHECK(one.quantiles == all.quantiles);
}

TEST_CASE("Statistics stop between runs of at most a quarter of a million elements") {
    for (const MatrixShape shape : {MatrixShape{1, 1'000'000'000}, MatrixShape{1'000'000'000, 1}, MatrixShape{100'000, 100'000}, MatrixShape{64, 10'000'000}})
        CHECK(detail::Tiling(shape).largestRun() <= 262'144);
    test::TestRun run;
    run.stop.request_stop();
    const auto stopped = computeStatistics(makeTensor({1000}, std::vector<float>(1000)), {}, run.context);
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == ErrorCode::Cancelled);
    CHECK(run.progress.done == 0);
}

TEST_CASE("Options out of range and types without a decoder are refused") {
    test::TestRun run;
    const auto tensor = makeTensor({2}, {1, 2});
    CHECK(computeStatistics(tensor, {.bins = 0}, run.context).error().code == ErrorCode::OutOfRange);
    CHECK(computeStatistics(tensor, {.bins = 10, .extremes = -1}, run.context).error().code == ErrorCode::OutOfRange);
    CHECK(computeStatistics(makeTensor(DType::C64, {1}, std::vector<std::byte>(8)), {}, run.context).error().code == ErrorCode::Unsupported);
    CHECK(statisticsOf(tensor, {.bins = 3, .extremes = 1, .quantiles = 1}).extremes.size() == 1);
}

TEST_CASE("without rows and columns all other numbers stay the same") {
    std::vector<float> values(3000);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
    for (const TensorView& tensor : {makeTensor({3000, 1}, values), makeTensor(DType::F16, {3000}, std::vector<std::byte>(6000, std::byte{0x31})),
                                     makeTensor(DType::F64, {1500}, std::vector<std::byte>(12000, std::byte{0x41}))}) {
        const TensorStatistics all = statisticsOf(tensor), few = statisticsOf(tensor, {.lines = false});
        CHECK((few.rowAbsMax.empty() && few.columnAbsMax.empty() && few.rowNorms.empty() && few.extremes.empty()));
        CHECK((few.count == all.count && few.min == all.min && few.max == all.max && few.mean == all.mean && few.std == all.std));
        CHECK((few.kurtosis == all.kurtosis && few.outliers == all.outliers && few.quantiles == all.quantiles));
        CHECK((few.histogram.edges == all.histogram.edges && few.histogram.counts == all.histogram.counts));
    }
}
