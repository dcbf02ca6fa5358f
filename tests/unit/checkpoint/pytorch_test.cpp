// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/array_samples.h"
#include "tests/support/zip_file.h"

#include <catch2/catch.hpp>

#include <numeric>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;
using namespace std::string_literals;

namespace {

std::vector<double> values(const Checkpoint& checkpoint, std::string_view name) {
    const auto found = checkpoint.find(name);
    if (!found) return {-99};
    std::vector<double> read(static_cast<std::size_t>(elementCount(checkpoint.tensors[*found].shape)));
    REQUIRE(decode(checkpoint.view(*found), 0, std::span(read)));
    return read;
}

Result<std::shared_ptr<const Checkpoint>> openState(const std::string& state) {
    return openBytes(*makePytorchReader(), torchZip(state, {{"0", countedFloats(6)}}));
}

const std::string kFloats = pickledStorage("FloatStorage", "0", 6);

void expectRefused(const Result<std::shared_ptr<const Checkpoint>>& opened, ErrorCode code, const std::string& says) {
    INFO(says);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == code);
    CHECK_THAT(describe(opened.error()), Catch::Contains(says));
    CHECK(describe(opened.error()).find('\n') == std::string::npos);
}

} // namespace

TEST_CASE("the three forms of PyTorch files hold tensors under their paths, tied and strided ones too") {
    for (const std::string& bytes : {sampleTorchZip(), sampleTorchLegacy()}) {
        const auto opened = openBytes(*makePytorchReader(), bytes);
        if (!opened) FAIL(describe(opened.error()));
        const Checkpoint& file = **opened;
        CHECK(inconsistency(file).empty());
        CHECK(file.tensors.size() == 3);
        CHECK(values(file, "model.a.weight") == std::vector<double>{0, 1, 2, 3, 4, 5});
        CHECK(values(file, "model.turned") == std::vector<double>{0, 3, 1, 4, 2, 5});
        CHECK(typeName(file.tensors[*file.find("model.turned")]) == "F32, strided");
        CHECK(file.tensors[*file.find("model.a.weight")].dtype == DType::F32);
        CHECK(values(file, "list.0") == std::vector<double>{-6});
        CHECK(describe(*find(file.metadata, "epoch")) == "7");
        CHECK(file.metadata.size() == 4);
    }
    const auto tar = openBytes(*makePytorchReader(), sampleTorchTar());
    if (!tar) FAIL(describe(tar.error()));
    CHECK(values(**tar, "a") == std::vector<double>{0, 1, 2, 3, 4, 5});
    CHECK(values(**tar, "b") == std::vector<double>{3, 4, 5});
}

TEST_CASE("a saved tensor, list or storage has a name") {
    const std::string tensor = pickledTensor(kFloats, 2, {2}, {1});
    CHECK(values(**openState(tensor), "tensor") == std::vector<double>{2, 3});
    CHECK(values(**openState("](" + tensor + tensor + "e"), "1") == std::vector<double>{2, 3});
    CHECK(values(**openState(pickledDict({{"s", kFloats}})), "s") == std::vector<double>{0, 1, 2, 3, 4, 5});
    CHECK(values(**openState("ctorch._utils\n_rebuild_parameter\n" + pickledTuple({tensor, "\x88", "}"}) + "R"), "tensor") ==
          std::vector<double>{2, 3});
}

TEST_CASE("tensors that leave their storage, and state that is no data, are refused") {
    using enum ErrorCode;
    const auto tensor = [](int first, const std::vector<std::int32_t>& shape, const std::vector<std::int32_t>& strides) {
        return openState(pickledDict({{"w", pickledTensor(kFloats, first, shape, strides)}}));
    };
    REQUIRE(tensor(0, {6}, {1}));
    REQUIRE(tensor(6, {0}, {1}));
    expectRefused(tensor(1, {6}, {1}), Malformed, "tensor 'w'");
    expectRefused(tensor(-1, {2}, {1}), Malformed, "negative");
    expectRefused(tensor(0, {2}, {-1}), Malformed, "negative");
    expectRefused(tensor(0, {-2}, {1}), Malformed, "negative");
    expectRefused(tensor(0, {2, 3}, {1}), Malformed, "1 strides for 2 axes");
    expectRefused(tensor(0, {2, 2}, {5, 1}), Malformed, "past the 6");
    expectRefused(tensor(0, {2147483647, 2147483647, 2147483647}, {0, 0, 0}), Malformed, "overflows");
    expectRefused(tensor(0, {2147483647}, {0}), Unsupported, "repeats");
    expectRefused(tensor(0, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}), Malformed, "9 axes");
    REQUIRE(tensor(5, {1000}, {0}));
    CHECK(values(**tensor(5, {3}, {0}), "w") == std::vector<double>{5, 5, 5});

    const auto state = [](const std::string& value) { return openState(pickledDict({{"x", value}})); };
    const auto call = [](const std::string& function, const std::vector<std::string>& arguments) {
        return "ctorch._utils\n" + function + "\n" + pickledTuple(arguments) + "R";
    };
    expectRefused(state(call("_rebuild_qtensor", {kFloats})), Unsupported, "it asks for 'torch._utils._rebuild_qtensor', which is not run");
    expectRefused(state(call("_rebuild_sparse_tensor", {})), Unsupported, "torch._utils._rebuild_sparse_tensor");
    expectRefused(state("c__main__\nNet\n)\x81}b"), Unsupported, "'__main__.Net'");
    expectRefused(state("ctorch.nn.modules.linear\nLinear\n)\x81}b"), Unsupported, "'torch.nn.modules.linear.Linear'");
    expectRefused(state("cos\nsystem\n" + pickledTuple({pickledText("true")}) + "R"), Unsupported, "'os.system'");
    expectRefused(state("ctorch\nFloatStorage\n)R"), Unsupported, "it calls 'torch.FloatStorage'");
    expectRefused(state("ctorch\nQInt8Storage\n"), Unsupported, "'torch.QInt8Storage'");
    expectRefused(state(call("_rebuild_tensor_v2", {kFloats})), Malformed, "too few arguments");
    expectRefused(state(call("_rebuild_tensor_v2", {kFloats, "K\x01", "K\x02", "K\x03"})), Malformed, "no tuple");
    expectRefused(state(call("_rebuild_tensor_v2", {"K\x07", pickledNumber(0), ")", ")"})), Unsupported, "no storage");
    expectRefused(state(call("_rebuild_tensor_v2", {kFloats, pickledNumber(0), ")", ")", "\x89", "}", pickledDict({{"conj", "\x88"}})})), Unsupported,
                  "conjugated");
    expectRefused(state(call("_rebuild_tensor_v3", {kFloats, pickledNumber(0), ")", ")", "\x89", "}"})), Malformed, "no element type");
    expectRefused(state(call("_rebuild_parameter", {"N"})), Malformed, "holds no tensor");
    expectRefused(state(pickledStorage("FloatStorage", "9", 6)), Malformed, "storage '9' is not in the file");
    expectRefused(state(pickledStorage("FloatStorage", "0", 7)), Malformed, "7 elements of F32 are expected");
    expectRefused(state(pickledStorage("FloatStorage", "0", -1)), Malformed, "-1");
    expectRefused(state(pickledStorage("FloatStorage", "../0", 6)), Malformed, "not in the file");
    expectRefused(state(pickledTuple({pickledText("module")}) + "Q"), Unsupported, "no storage");
    std::string wrapped = pickledTensor(kFloats, 0, {6}, {1});
    for (int i = 0; i < 9; ++i) wrapped = call("_rebuild_parameter", {wrapped, "\x88", "}"});
    expectRefused(state(wrapped), Malformed, "wrapped too often");
    expectRefused(openState(pickledDict({{"a", kFloats}, {"a", kFloats}})), Malformed, "'a' appears twice");
    expectRefused(openState(pickledDict({{"a", "K\x01"}, {"a", "K\x01"}})), Malformed, "'a' appears twice");
    expectRefused(state("M"), Malformed, "offset");
}

TEST_CASE("files that are no PyTorch checkpoint, or of another machine, are refused") {
    using enum ErrorCode;
    const auto open = [](const std::string& bytes) { return openBytes(*makePytorchReader(), bytes); };
    expectRefused(open(""), Malformed, "neither a zip archive");
    expectRefused(open("abc"), Malformed, "neither a zip archive");
    expectRefused(open(ZipFile().add("a/b", "").finish()), Unsupported, "no data.pkl");
    expectRefused(open(ZipFile().add("m/data.pkl", pickled("N")).add("m/byteorder", "big").finish()), Unsupported, "byte order is 'big'");
    expectRefused(open(ZipFile().add("m/data.pkl", "").finish()), Malformed, "offset 0");
    expectRefused(open(torchLegacy("N", {}, "", "\x89")), Unsupported, "big-endian");
    expectRefused(open(torchLegacy("N", {"7"}, "")), Malformed, "no tensor names");
    const std::string named = pickledDict({{"w", pickledStorage("FloatStorage", "7", 2, "N")}});
    REQUIRE(open(torchLegacy(named, {"7"}, Bytes().put(std::int64_t{2}).data + countedFloats(2))));
    expectRefused(open(torchLegacy(named, {"7"}, Bytes().put(std::int64_t{3}).data + countedFloats(2))), Malformed, "storage '7'");
    expectRefused(open(torchLegacy(named, {"7"}, Bytes().put(std::int64_t{1}).data + countedFloats(1))), Malformed, "2 elements");
    expectRefused(open(torchLegacy(named, {"7"}, Bytes().put(std::int64_t{-1}).data)), Malformed, "-1 elements");
    expectRefused(open(torchLegacy(named, {"7", "7"}, (Bytes().put(std::int64_t{0}).put(std::int64_t{0})).data)), Malformed, "stored twice");
    expectRefused(open(torchTar({{"pickle", "x"}})), Unsupported, "'storages' is missing");
    std::string tar = sampleTorchTar();
    tar[512 + 512 + 130] = '9'; // the size of the second member
    expectRefused(open(tar), Malformed, "no tar header at offset 1024");
}

TEST_CASE("a legacy storage may be a part of another one") {
    const std::string part = pickledStorage("FloatStorage", "7", 6, pickledTuple({pickledText("8"), pickledNumber(2), pickledNumber(3)}));
    const auto opened = openBytes(*makePytorchReader(), torchLegacy(pickledDict({{"w", pickledTensor(part, 1, {2}, {1})}}), {"7"},
                                                                    Bytes().put(std::int64_t{6}).data + countedFloats(6)));
    if (!opened) FAIL(describe(opened.error()));
    CHECK(values(**opened, "w") == std::vector<double>{3, 4});
}

TEST_CASE("structures that hold themselves or share their parts do not unfold") {
    using enum ErrorCode;
    expectRefused(openState("]q\x00h\x00" "a"s), Malformed, "holds itself");
    expectRefused(openState("}q\x00("s + pickledText("deep") + "h\x00u"s), Malformed, "holds itself");
    // 2^40 values in 40 lists of the same two.
    std::string laughs = "](K\x01Neq\x00"s;
    for (char i = 1; i <= 40; ++i) laughs += "](h"s + static_cast<char>(i - 1) + "h" + static_cast<char>(i - 1) + "eq" + i;
    expectRefused(openState(laughs), Unsupported, "unfold");
    expectRefused(openState(std::string(100, ']') + std::string(99, 'a')), Malformed, "nested too deeply");
    // A long text under a million names.
    std::string texts = "](" + pickledText(std::string(100'000, 't')) + "q\x00"s;
    for (int i = 0; i < 10'000; ++i) texts += "h\x00"s;
    expectRefused(openState(texts + "e"), Unsupported, "unfolds");
}

TEST_CASE("calls in calls are not followed however deep they go") {
    const std::string global = "ctorch\nSize\nq\0000N"s;
    std::string calls;
    for (int i = 0; i < 100'000; ++i) calls += "\x85q\1" "0h\0h\1R"s; // Size(Size(...(None)))
    expectRefused(openState(global + calls), ErrorCode::Malformed, "nested too deeply");
}

TEST_CASE("tensors that repeat the elements of a small file are bounded together, not one by one") {
    const std::string wide = pickledTensor(kFloats, 0, {2000, 2000}, {0, 0});
    CHECK(openState(pickledDict({{"a", wide}, {"b", wide}})));
    std::string many = wide + "q\0000]("s;
    for (int i = 0; i < 20; ++i) many += "h\0"s;
    expectRefused(openState(many + "e"), ErrorCode::Unsupported, "far more elements");
}

TEST_CASE("what takes little in the file and much in memory is counted before it is made") {
    std::string tensors = pickledTensor(kFloats, 0, {2}, {1}) + "q\0000}("s;
    for (int i = 0; i < 200'000; ++i) tensors += pickledNumber(i) + "h\0"s;
    expectRefused(openState(tensors + "u"), ErrorCode::Unsupported, "far more than its size");
    std::string pairs = "NN\x86q\0000]("s;
    for (int i = 0; i < 1'500'000; ++i) pairs += "h\0"s;
    expectRefused(openState(pairs + "eq\1ccollections\nOrderedDict\nh\1h\1\x86R"), ErrorCode::Unsupported, "far more than its size");
}
