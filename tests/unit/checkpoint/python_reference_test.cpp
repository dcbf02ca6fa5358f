// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/checkpoint_samples.h"
#include "tests/support/npy.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

// What Python's own pickle, zipfile and NumPy read from the same files; see reference_files.py beside this file.

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace fs = std::filesystem;

namespace {

void runPython(const std::string& arguments) {
    const std::string command = QSCOPE_PYTHON " -B " QSCOPE_SOURCE_DIR "/tests/unit/checkpoint/reference_files.py " + arguments;
    INFO(command);
    REQUIRE(std::system(command.c_str()) == 0);
}

/// Values as doubles; of complex ones both parts.
std::vector<double> valuesOf(const TensorView& view) {
    const auto plain = contiguous(view);
    REQUIRE(plain);
    TensorView numbers = *plain;
    if (numbers.dtype == DType::C64) {
        numbers.dtype = DType::F32;
        numbers.shape.push_back(2);
    }
    std::vector<double> values(static_cast<std::size_t>(elementCount(numbers.shape)));
    REQUIRE(decode(numbers, 0, std::span(values)));
    if (view.source && plain->dtype != DType::C64) { // in pieces too, and in single precision
        std::vector<double> pieces(values.size());
        for (std::size_t at = 0; at < pieces.size(); at += 7)
            REQUIRE(decode(view, static_cast<std::int64_t>(at), std::span(pieces).subspan(at, std::min<std::size_t>(7, pieces.size() - at))));
        CHECK(pieces == values);
        std::vector<float> singles(values.size()), expected(values.begin(), values.end());
        REQUIRE(decode(view, 0, std::span(singles)));
        CHECK(singles == expected);
    }
    return values;
}

bool sameValues(const std::vector<double>& a, const std::vector<double>& b) {
    return std::ranges::equal(a, b, [](double x, double y) { return x == y || (x != x && y != y); });
}

/// Opens each file and compares it with what Python read.
void compareWithPython(const CheckpointReader& reader, const std::vector<fs::path>& files) {
    const TemporaryFolder folder;
    std::string arguments = "read '" + (folder / "").string() + "'";
    for (const fs::path& file : files) arguments += " '" + file.string() + "'";
    runPython(arguments);
    for (std::size_t i = 0; i < files.size(); ++i) {
        INFO(files[i]);
        CHECK(reader.recognises(files[i]));
        Diagnostics notes;
        const auto opened = reader.open(files[i], {}, notes);
        if (!opened) FAIL(describe(opened.error()));
        const Checkpoint& checkpoint = **opened;
        CHECK(inconsistency(checkpoint).empty());
        CHECK(checkpoint.format == reader.info().id);
        std::ifstream index(folder / (std::to_string(i) + ".index"));
        const std::vector<char> bytes = readBytes(folder / (std::to_string(i) + ".values"));
        std::size_t at = 0, tensor = 0;
        for (std::string line; std::getline(index, line); ++tensor) {
            INFO(line);
            std::istringstream fields(line);
            std::string name, dtype;
            std::getline(fields, name, '\t');
            std::getline(fields, dtype, '\t');
            REQUIRE(tensor < checkpoint.tensors.size());
            const std::size_t place = checkpoint.byName[tensor];
            const TensorInfo& found = checkpoint.tensors[place];
            CHECK(found.name == name);
            CHECK(info(found.source ? found.source->plainType() : found.dtype).name == dtype);
            Shape shape;
            for (std::int64_t size = 0; fields >> size;) shape.push_back(size);
            CHECK(found.shape == shape);
            const std::vector<double> values = valuesOf(checkpoint.view(place));
            std::vector<double> expected(values.size());
            REQUIRE(at + 8 * expected.size() <= bytes.size());
            if (!expected.empty()) std::memcpy(expected.data(), bytes.data() + at, 8 * expected.size());
            at += 8 * expected.size();
            if (!sameValues(values, expected)) FAIL("other values");
        }
        CHECK(tensor == checkpoint.tensors.size());
        CHECK(at == bytes.size());
    }
}

std::vector<fs::path> filesIn(const fs::path& folder, const std::vector<std::string>& extensions) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (std::ranges::find(extensions, entry.path().extension().string()) != extensions.end()) files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
}

Error refusal(const CheckpointReader& reader, const fs::path& file) {
    Diagnostics notes;
    const auto opened = reader.open(file, {}, notes);
    REQUIRE_FALSE(opened);
    return opened.error();
}

} // namespace

TEST_CASE("real PyTorch files hold what Python's pickle reads from them") {
    if (const auto folder = realData("pytorch")) {
        auto files = filesIn(*folder, {".pt", ".pth", ".th", ".tar"});
        const auto broken = std::ranges::find_if(files, [](const fs::path& path) { return path.filename() == "broken.pt"; });
        REQUIRE(broken != files.end());
        CHECK(makePytorchReader()->recognises(*broken));
        CHECK(refusal(*makePytorchReader(), *broken).code == ErrorCode::Malformed);
        files.erase(broken);
        CHECK(files.size() == 36);
        compareWithPython(*makePytorchReader(), files);
    }
}

TEST_CASE("real NumPy files hold what NumPy reads from them") {
    if (const auto folder = realData("npy")) compareWithPython(*makeNpyReader(), filesIn(*folder, {".npy", ".npz"}));
}

TEST_CASE("files that Python wrote are read as Python reads them") {
    const TemporaryFolder folder;
    runPython("make '" + (folder / "").string() + "'");
    std::vector<fs::path> torch, numpy;
    for (const fs::path& file : filesIn(folder / "", {".pt", ".tar"})) {
        if (file.stem().string().find("big-endian") == std::string::npos) torch.push_back(file);
        else CHECK(refusal(*makePytorchReader(), file).code == ErrorCode::Unsupported);
    }
    for (const fs::path& file : filesIn(folder / "", {".npy", ".npz"}))
        if (!file.stem().string().starts_with("refused")) numpy.push_back(file);
    compareWithPython(*makePytorchReader(), torch);
    compareWithPython(*makeNpyReader(), numpy);

    const auto says = [&](const char* name) { return refusal(*makeNpyReader(), folder / name); };
    CHECK(says("refused-text.npy").code == ErrorCode::Unsupported);
    CHECK_THAT(says("refused-text.npy").message, Catch::Contains("'<U2'"));
    CHECK_THAT(says("refused-record.npy").message, Catch::Contains("structured type"));
    CHECK_THAT(says("refused-object.npy").message, Catch::Contains("'|O'"));
    CHECK_THAT(says("refused-wide.npy").message, Catch::Contains("'<c16'"));

    for (int protocol = 0; protocol <= 5; ++protocol) {
        INFO(protocol);
        Diagnostics notes;
        const auto opened = makePytorchReader()->open(folder / fmt::format("protocol{}.pt", protocol), {}, notes);
        REQUIRE(opened);
        const auto shown = [&](std::string_view key) {
            const MetadataValue* value = find((*opened)->metadata, key);
            return value ? describe(*value) : "absent";
        };
        CHECK(shown("epoch") == "7");
        CHECK(shown("rate") == "0.5");
        CHECK(shown("name") == "caf\u00e9");
        CHECK(shown("best") == "true");
        CHECK(shown("nothing") == "absent");
        CHECK(shown("3.step") == "1099511627776");
        CHECK(shown("betas") == "[2 numbers]");
        CHECK(shown("order") == "[3 integers]");
        CHECK(shown("size") == "[2 integers]");
        CHECK(shown("big") == "absent");
        CHECK(shown("bytes") == "absent");
    }
}

TEST_CASE("one network saved by PyTorch and as safetensors has the same tensors") {
    const auto pt = realData("pytorch/mnist-cnn.pt"), st = realData("safetensors/mnist-cnn.safetensors");
    if (!pt || !st) return;
    Diagnostics notes;
    const auto a = makePytorchReader()->open(*pt, {}, notes), b = makeSafetensorsReader()->open(*st, {}, notes);
    REQUIRE(a);
    REQUIRE(b);
    REQUIRE((*a)->tensors.size() == (*b)->tensors.size());
    for (std::size_t i = 0; i < (*a)->tensors.size(); ++i) { // the values are of two trainings: 3752 and 7504 batches
        INFO((*a)->tensors[i].name);
        const auto other = (*b)->find((*a)->tensors[i].name);
        REQUIRE(other);
        CHECK((*a)->view(i).dtype == (*b)->view(*other).dtype);
        CHECK((*a)->view(i).shape == (*b)->view(*other).shape);
    }
}
