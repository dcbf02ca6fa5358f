// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend_gpu/gate_plan.h"
#include "engine/backend_gpu/slabs.h"
#include "engine/backend_gpu/submissions.h"
#include "gpu/kernels/group_extrema.h"
#include "gpu/runtime/shards.h"
#include "gpu/runtime/size_class.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <set>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::engine::vulkan;

TEST_CASE("Shards are as large as a binding allows and cover every index once") {
    const auto small = gpu::shardLayout(4, 8, 128u << 20);
    CHECK(small.localBits == 4);
    CHECK(small.shards() == 1);
    CHECK(gpu::shardLayout(30, 8, 128u << 20).localBits == 24); // 24 qubits of complex singles in 128 MiB
    CHECK(gpu::shardLayout(30, 16, 128u << 20).localBits == 23);
    CHECK(gpu::shardLayout(30, 8, (128u << 20) - 1).localBits == 23);
    CHECK(gpu::shardLayout(40, 8, std::uint64_t{1} << 40).localBits == 31); // local indices are 32-bit numbers
    const gpu::ShardLayout layout{10, 7};
    CHECK(layout.shards() == 8);
    std::set<std::pair<std::uint64_t, std::uint64_t>> places;
    for (std::uint64_t index = 0; index < 1024; ++index) {
        const auto shard = layout.shardOf(index), local = layout.localOf(index);
        CHECK((shard < layout.shards() && local < layout.perShard()));
        CHECK(shard * layout.perShard() + local == index);
        places.emplace(shard, local);
    }
    CHECK(places.size() == 1024);
}

TEST_CASE("Size classes hold the request and waste at most an eighth of it") {
    for (std::uint64_t bytes = 1; bytes < (std::uint64_t{1} << 40); bytes = bytes * 5 / 4 + 1) {
        const auto size = gpu::sizeClass(bytes);
        CHECK(size >= bytes);
        CHECK(size % 256 == 0);
        if (bytes >= 2048) CHECK(size - bytes <= bytes / 8);
        CHECK(gpu::sizeClass(size) == size);
    }
    CHECK(gpu::sizeClass(128u << 20) == 128u << 20);
}

TEST_CASE("Ordered keys sort like the numbers, with what is not finite at the ends") {
    const auto infinity = std::numeric_limits<float>::infinity();
    const std::vector<float> ascending{-infinity, -3e38f, -1, -1e-40f, -0.f, 0, 1e-45f, 1e-40f, 1, 3e38f, infinity};
    for (std::size_t i = 0; i < ascending.size(); ++i) {
        CHECK(std::bit_cast<std::uint32_t>(gpu::fromOrderedKey(gpu::orderedKey(ascending[i]))) ==
              std::bit_cast<std::uint32_t>(ascending[i]));
        if (i > 0) CHECK(gpu::orderedKey(ascending[i - 1]) < gpu::orderedKey(ascending[i]));
    }
    CHECK(gpu::orderedKey(std::numeric_limits<float>::quiet_NaN()) > gpu::orderedKey(infinity));
    CHECK(gpu::orderedKey(-std::numeric_limits<float>::quiet_NaN()) < gpu::orderedKey(-infinity));
}

TEST_CASE("Slabs cover a matrix once, in order, without parting groups that fit") {
    for (const std::int64_t rows : {1, 5, 24})
        for (const std::int64_t columns : {1, 7, 30})
            for (const std::int64_t groupRows : {1, 3, 24})
                for (const std::int64_t groupColumns : {1, 4, 30})
                    for (const std::int64_t limit : {1, 6, 45, 1000}) {
                        const Grouping grouping{rows, columns, std::min(groupRows, rows),
                                                std::min(groupColumns, columns)};
                        std::int64_t next = 0;
                        for (const auto& slab : cutSlabs(grouping, limit)) {
                            REQUIRE(slab.firstRow * columns + slab.firstColumn == next);
                            REQUIRE(slab.elements() <= limit);
                            REQUIRE((slab.columns == columns || slab.rows == 1));
                            next += slab.elements();
                            const auto shape = shapeOf(slab, grouping);
                            for (std::int64_t row = 0; row < slab.rows; ++row)
                                for (std::int64_t column = 0; column < slab.columns; ++column) {
                                    const auto inside =
                                        row / shape.groupRows * shape.groupsAcross() + column / shape.groupColumns;
                                    REQUIRE(groupOf(slab, grouping, shape, static_cast<std::uint32_t>(inside)) ==
                                            grouping.indexOf(slab.firstRow + row, slab.firstColumn + column));
                                }
                        }
                        REQUIRE(next == rows * columns);
                    }
}

TEST_CASE("Extrema are dealt out so that every element of a group has one invocation") {
    for (const auto& shape : {gpu::GroupShape{1, 1, 1, 1}, gpu::GroupShape{4096, 4096, 1, 128},
                              gpu::GroupShape{1000, 4096, 1000, 1}, gpu::GroupShape{1024, 4096, 1024, 4096},
                              gpu::GroupShape{3, 5, 2, 2}, gpu::GroupShape{1, 4194304, 1, 4194304}}) {
        const auto pass = gpu::planExtrema(shape);
        const std::uint64_t elements = std::uint64_t{shape.groupRows} * shape.groupColumns;
        CHECK(std::has_single_bit(pass.lanes));
        CHECK(pass.partLength % pass.lanes == 0);
        CHECK(std::uint64_t{pass.parts} * pass.partLength >= elements);
        CHECK(std::uint64_t{pass.parts - 1} * pass.partLength < elements);
        CHECK(pass.lanes <= shape.groupColumns);
    }
}

TEST_CASE("A dense gate is planned with ascending targets of which only the last crosses shards") {
    const gpu::ShardLayout layout{12, 6};
    const FusedGate gate{
        FusedGate::Form::Dense, {11, 2, 9, 7, 5}, 1u << 4 | 1u << 8, std::vector<std::complex<double>>(1024)};
    const auto plan = planDense(gate, layout);
    CHECK(plan.swaps == std::vector<std::pair<int, int>>{{4, 7}, {3, 9}});
    CHECK(plan.gate.targets == std::vector<int>{2, 3, 4, 5, 11});
    CHECK(plan.gate.controlMask == (1u << 7 | 1u << 8)); // the control on 4 went along to 7
}

TEST_CASE("Gates that do not fit a state are refused with the reason") {
    const std::vector<std::complex<double>> four(4);
    CHECK(checkGate({FusedGate::Form::Dense, {3}, 0, four}, 4));
    CHECK(!checkGate({FusedGate::Form::Dense, {4}, 0, four}, 4));
    CHECK(!checkGate({FusedGate::Form::Dense, {3}, 8, four}, 4));
    CHECK(!checkGate({FusedGate::Form::Dense, {3}, 0, {}}, 4));
}

TEST_CASE("Submissions grow on a fast device and shrink on a slow one, to about 20 ms") {
    for (const double unitsPerSecond : {1e6, 1e8, 1e12}) {
        Pacer pacer;
        for (int k = 0; k < 40; ++k) pacer.took(pacer.budget(), static_cast<double>(pacer.budget()) / unitsPerSecond);
        const double seconds = static_cast<double>(pacer.budget()) / unitsPerSecond;
        CHECK(seconds <= 0.07);
        if (unitsPerSecond > 1e7) CHECK(seconds >= 0.01);
    }
}
