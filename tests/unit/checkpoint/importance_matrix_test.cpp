// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/importance_matrix.h"

#include "tests/support/checkpoint_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <limits>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

Result<ImportanceMatrix> readBytes(const std::string& bytes) {
    const MemoryFile file(bytes);
    return readImportance(file.path());
}

void save(const std::filesystem::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

using Floats = std::vector<float>;

/// A legacy file of one entry with these fields.
std::string legacy(std::int32_t entries, std::string_view name, std::int32_t calls, std::int32_t values, const Floats& stored) {
    Bytes bytes;
    bytes.put(entries).put(static_cast<std::int32_t>(name.size()));
    bytes.data += name;
    bytes.put(calls).put(values);
    for (const float value : stored) bytes.put(value);
    return bytes.data;
}

/// A GGUF importance matrix with one tensor of sums and one of counts.
std::string gguf(std::string_view sumsName, const std::vector<std::uint64_t>& sums, std::string_view countsName,
                 const std::vector<std::uint64_t>& counts, float value = 1, std::uint32_t type = 0) {
    Bytes bytes = ggufStart(2, 1);
    bytes.text("general.type").put(8u).text("imatrix");
    putGgufTensor(bytes, sumsName, sums, type, 0);
    putGgufTensor(bytes, countsName, counts, 0, 32);
    bytes.alignTo(32);
    for (int i = 0; i < 16; ++i) bytes.put(value);
    return bytes.data;
}

} // namespace

TEST_CASE("both forms of an importance matrix give the mean squares") {
    for (const auto& bytes : {sampleImportanceGguf(), sampleImportanceDat()}) {
        const auto matrix = readBytes(bytes);
        REQUIRE(matrix);
        CHECK(matrix->chunks == 3);
        CHECK(matrix->datasets.back() == "two.txt");
        REQUIRE(matrix->entries.size() == 2);
        const auto* dense = find(*matrix, "blk.0.ffn_up.weight");
        REQUIRE(dense);
        CHECK(meanSquares(*dense) == Floats{1, 2, 0.5f});
        // The second expert was never used: every column counts alike.
        CHECK(meanSquares(*find(*matrix, "blk.1.ffn_up_exps.weight")) == Floats{1, 0.25f, 1, 1});
        CHECK(find(*matrix, "blk.0") == nullptr);
    }
    CHECK(readBytes(sampleImportanceGguf())->chunkTokens == 4);
    CHECK(readBytes(sampleImportanceGguf())->form == ImportanceForm::Gguf);
    CHECK(readBytes(sampleImportanceDat())->form == ImportanceForm::Legacy);
}

TEST_CASE("an importance matrix converts to the legacy form byte for byte and keeps its weights on the way back") {
    const TemporaryFolder folder;
    TestRun run;
    const auto matrix = readBytes(sampleImportanceGguf());
    REQUIRE(matrix);
    REQUIRE(writeImportance(folder / "a.dat", *matrix, ImportanceForm::Legacy, run.context));
    CHECK(contents(folder / "a.dat") == sampleImportanceDat());
    const auto old = readImportance(folder / "a.dat");
    REQUIRE(old);
    REQUIRE(writeImportance(folder / "b.gguf", *old, ImportanceForm::Gguf, run.context));
    const auto back = readImportance(folder / "b.gguf");
    REQUIRE(back);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(back->entries[i].name == matrix->entries[i].name);
        CHECK(meanSquares(back->entries[i]) == meanSquares(matrix->entries[i]));
    }
    REQUIRE(writeImportance(folder / "c.gguf", *matrix, ImportanceForm::Gguf, run.context));
    const auto same = readImportance(folder / "c.gguf");
    REQUIRE(same);
    CHECK(same->chunkTokens == 4);
    CHECK(same->datasets == matrix->datasets);
    CHECK(same->entries[1].counts == Floats{8, 0});
}

TEST_CASE("importance files are told from models") {
    const TemporaryFolder folder;
    save(folder / "a.gguf", sampleImportanceGguf());
    save(folder / "b.dat", sampleImportanceDat());
    save(folder / "c.imatrix", sampleImportanceDat());
    save(folder / "d.gguf", sampleGguf());
    save(folder / "e.dat", "not one");
    save(folder / "f.bin", sampleImportanceDat());
    for (const char* name : {"a.gguf", "b.dat", "c.imatrix"}) CHECK(isImportanceFile(folder / name));
    for (const char* name : {"d.gguf", "e.dat", "f.bin", "none"}) CHECK_FALSE(isImportanceFile(folder / name));
}

TEST_CASE("importance files that break a rule are refused") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::string good = legacy(1, "w", 1, 2, {1, 2});
    REQUIRE(readBytes(good));
    struct Case {
        const char* rule;
        std::string bytes;
        ErrorCode code = ErrorCode::Malformed;
    };
    const std::vector<Case> cases = {
        {"empty", ""},
        {"no entries", legacy(0, "w", 1, 2, {1, 2})},
        {"more entries than bytes", legacy(2'000'000'000, "w", 1, 2, {1, 2})},
        {"negative entries", legacy(-1, "w", 1, 2, {1, 2})},
        {"fewer entries than said", legacy(2, "w", 1, 2, {1, 2})},
        {"empty name", legacy(1, "", 1, 2, {1, 2})},
        {"name not UTF-8", legacy(1, "\xFF", 1, 2, {1, 2})},
        {"negative calls", legacy(1, "w", -1, 2, {1, 2})},
        {"no values", legacy(1, "w", 1, 0, {})},
        {"more values than bytes", legacy(1, "w", 1, 2'000'000'000, {1, 2})},
        {"negative value", legacy(1, "w", 1, 2, {1, -2})},
        {"value not a number", legacy(1, "w", 1, 2, {1, nan})},
        {"name twice", legacy(2, "w", 1, 1, {1}) + legacy(0, "w", 1, 1, {1}).substr(4)},
        {"bytes after the end", good + Bytes{}.put(1).put(0).put(std::uint8_t{0}).data},
        {"data set longer than the file", good + Bytes{}.put(1).put(9).data},
        {"GGUF of a model", sampleGguf(), ErrorCode::Unsupported},
        {"no counts", gguf("w.in_sum2", {2}, "v.counts", {1})},
        {"a count too many", gguf("w.in_sum2", {2}, "w.counts", {2})},
        {"sums of another type", gguf("w.in_sum2", {2}, "w.counts", {1}, 1, 26)},
        {"empty sums", gguf("w.in_sum2", {8, 0}, "w.counts", {0})},
        {"negative sum", gguf("w.in_sum2", {2}, "w.counts", {1}, -1)},
        {"infinite sum", gguf("w.in_sum2", {2}, "w.counts", {1}, std::numeric_limits<float>::infinity())},
    };
    for (const Case& broken : cases) {
        INFO(broken.rule);
        const auto matrix = readBytes(broken.bytes);
        REQUIRE_FALSE(matrix);
        CHECK(matrix.error().code == broken.code);
        CHECK(describe(matrix.error()).find('\n') == std::string::npos);
    }
    CHECK(readBytes(gguf("w.in_sum2", {2}, "w.counts", {1})));
}

TEST_CASE("an importance file damaged in any bit is read with sound weights or refused") {
    for (const std::string& good : {sampleImportanceGguf(), sampleImportanceDat()}) {
        const auto check = [](const std::string& bytes) {
            const auto matrix = readBytes(bytes);
            if (!matrix) return matrix.error().code == ErrorCode::Malformed || matrix.error().code == ErrorCode::Unsupported;
            for (const ImportanceEntry& entry : matrix->entries) {
                const auto means = meanSquares(entry);
                if (means.empty() || means.size() != entry.sums.size()) return false;
                for (const float mean : means)
                    if (!(mean >= 0)) return false;
            }
            return true;
        };
        for (std::size_t at = 0; at < good.size(); ++at) {
            INFO(at);
            for (int bit = 0; bit < 8; ++bit) {
                std::string changed = good;
                changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
                if (!check(changed)) FAIL("bit " << bit);
            }
            if (!check(good.substr(0, at))) FAIL("cut");
        }
    }
}

TEST_CASE("the entry of a tensor is found under its own name and under its name in GGUF") {
    const auto matrix = readBytes(sampleImportanceDat());
    REQUIRE(matrix);
    Checkpoint checkpoint;
    checkpoint.architecture = "llama";
    checkpoint.naming = Naming::HuggingFace;
    checkpoint.tensors.push_back({"model.layers.0.mlp.up_proj.weight", DType::F32, {2, 3}});
    checkpoint.tensors.push_back({"blk.0.ffn_up.weight", DType::F32, {2, 3}});
    checkpoint.tensors.push_back({"other", DType::F32, {2, 3}});
    CHECK(importanceOf(*matrix, checkpoint, 0) == &matrix->entries[0]);
    CHECK(importanceOf(*matrix, checkpoint, 1) == &matrix->entries[0]);
    CHECK(importanceOf(*matrix, checkpoint, 2) == nullptr);
    CHECK(checkImportance(matrix->entries[0], {2, 3}));
    CHECK_FALSE(checkImportance(matrix->entries[0], {3, 2}));
    CHECK(checkImportance(matrix->entries[1], {2, 5, 2}));
    CHECK(checkImportance(matrix->entries[1], {7, 5, 4}));
    CHECK_FALSE(checkImportance(matrix->entries[1], {3, 5, 2}));
    CHECK_FALSE(checkImportance(matrix->entries[1], {2, 5, 0}));
}
