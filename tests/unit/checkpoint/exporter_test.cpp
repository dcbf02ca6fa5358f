// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/canonical.h"
#include "engine/checkpoint/writer.h"
#include "engine/core/json.h"
#include "engine/report/exporter.h"
#include "engine/tensor/blocks.h"
#include "tests/support/checkpoint_samples.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <optional>
#include <fstream>
#include <random>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

constexpr std::int64_t kWidth = 64, kRows = 64, kKeyRows = 32;

std::vector<float> randomValues(std::size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, 0.1f);
    std::vector<float> values(count);
    for (float& value : values) value = normal(random);
    return values;
}

/// A Llama model of one layer in a folder: F32 matrices, a BF16 and an F8 tensor.
std::shared_ptr<const Checkpoint> makeModel(const TemporaryFolder& folder) {
    TestRun run;
    std::vector<TensorToWrite> tensors;
    const auto add = [&](std::string name, const TensorView& view) {
        tensors.push_back({std::move(name), view.dtype, view.shape, [view]() -> Result<TensorView> { return view; }});
    };
    unsigned seed = 1;
    const std::string layer = "model.layers.0.";
    for (const auto& [name, rows] : {std::pair<std::string, std::int64_t>{"model.embed_tokens", 6}, {layer + "self_attn.q_proj", kRows},
                                     {layer + "self_attn.k_proj", kKeyRows}, {layer + "mlp.up_proj", 40}})
        add(name + ".weight", makeTensor({rows, kWidth}, randomValues(static_cast<std::size_t>(rows * kWidth), ++seed)));
    add("model.norm.weight", makeTensor(DType::BF16, {2}, {std::byte{0x80}, std::byte{0x3F}, std::byte{0}, std::byte{0x40}}));
    add("small.weight", makeTensor(DType::F8_E4M3, {1, 2}, {std::byte{0x38}, std::byte{0xC0}}));
    REQUIRE(writeSafetensors(folder / "model.safetensors", {{"format", "pt"}}, tensors, run.context));
    std::ofstream(folder / "config.json") << R"({"model_type":"llama","hidden_size":64,"intermediate_size":40,"num_hidden_layers":1,
        "num_attention_heads":4,"num_key_value_heads":2,"vocab_size":6,"max_position_embeddings":16,"tie_word_embeddings":true,"own":[1]})";
    const auto opened = makeSafetensorsReader()->open(folder / "model.safetensors", {}, run.notes);
    REQUIRE(opened);
    return *opened;
}

std::shared_ptr<const Checkpoint> read(const CheckpointReader& reader, const std::filesystem::path& path) {
    Diagnostics notes;
    const auto opened = reader.open(path, {}, notes);
    REQUIRE(opened);
    return *opened;
}

std::vector<float> valuesOf(const TensorView& view) {
    std::vector<float> values(static_cast<std::size_t>(elementCount(view.shape)));
    REQUIRE(decode(view, 0, std::span<float>(values)));
    return values;
}

std::vector<float> valuesOf(const Checkpoint& file, std::string_view name) {
    const auto place = file.find(name);
    REQUIRE(place);
    return valuesOf(file.view(*place));
}

std::vector<float> valuesOf(const QuantizedTensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(elementCount(tensor.shape)));
    REQUIRE(dequantize(tensor, 0, values));
    return values;
}

/// Random codes on a grid: what a method could have left, without one.
std::shared_ptr<const QuantizedTensor> randomGrid(const Shape& shape, UniformGrid grid, std::int64_t groupRows, std::int64_t groupColumns,
                                                  unsigned seed) {
    std::mt19937 random(seed);
    GridCodes codes{grid, {shape[0], shape[1], groupRows, groupColumns}, {}};
    const int top = (1 << (grid.bits - 1)) - 1;
    for (std::int64_t i = 0; i < shape[0] * shape[1]; ++i)
        codes.values.codes.push_back(static_cast<std::uint8_t>(
            grid.symmetric ? static_cast<int>(random() % static_cast<unsigned>(2 * top + 1)) - top
                           : static_cast<int>(random() % (1u << grid.bits))));
    for (std::int64_t i = 0; i < codes.grouping.count(); ++i) {
        // Multiples of 2^-12 below 1/4 fit in half precision; a little more does not.
        const float half = static_cast<float>(1 + random() % 1000) / 4096;
        codes.values.scales.push_back(grid.scaleType == ScaleType::F16 ? half : half * 1.0001f);
        if (!grid.symmetric) codes.values.zeros.push_back(static_cast<std::uint8_t>(random() % (1u << grid.bits)));
    }
    return std::make_shared<QuantizedTensor>(QuantizedTensor{shape, std::move(codes)});
}

std::shared_ptr<const QuantizedTensor> q8(const TensorView& view) {
    const auto values = valuesOf(view);
    BlockCodes codes{DType::Q8_0, std::vector<std::byte>(values.size() / 32 * 34)};
    encodeBlocks(DType::Q8_0, values, {}, codes.bytes);
    return std::make_shared<QuantizedTensor>(QuantizedTensor{view.shape, std::move(codes)});
}

/// A result for the three matrices of the layer, each made by `make(index, shape)`.
template<class Make>
MethodResult resultFor(const Checkpoint& source, Make make) {
    MethodResult result;
    for (std::size_t i = 0; i < source.tensors.size(); ++i) {
        if (canonicalName(source, source.tensors[i].name).find("_proj") == std::string::npos) continue;
        TensorResult entry;
        entry.tensor = i;
        entry.name = source.tensors[i].name;
        entry.quantized = make(i, source.tensors[i].shape);
        result.tensors.push_back(std::move(entry));
    }
    REQUIRE(result.tensors.size() == 3);
    return result;
}

std::size_t filesIn(const TemporaryFolder& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder / ""), {}));
}

bool sameTensors(const Checkpoint& a, const Checkpoint& b) {
    if (a.tensors.size() != b.tensors.size()) return false;
    for (std::size_t i = 0; i < a.tensors.size(); ++i) {
        const auto other = b.find(a.tensors[i].name);
        if (!other || a.view(i).dtype != b.view(*other).dtype || a.view(i).shape != b.view(*other).shape ||
            !std::ranges::equal(a.view(i).bytes, b.view(*other).bytes))
            return false;
    }
    return true;
}

} // namespace

TEST_CASE("a model goes to GGUF and back without losing a bit") {
    const TemporaryFolder folder, target;
    TestRun run;
    const auto source = makeModel(folder);
    const auto gguf = makeGgufExporter();
    const auto outcome = gguf->write(*source, nullptr, target / "m.gguf", run.context);
    REQUIRE(outcome);
    CHECK(outcome->tensors == 6);
    CHECK(outcome->verified == 6);
    CHECK(outcome->bytes == std::filesystem::file_size(target / "m.gguf"));
    CHECK(run.progress.done == run.progress.total);
    const auto written = read(*makeGgufReader(), target / "m.gguf");
    CHECK(written->architecture == "llama");
    CHECK(written->config->heads == 4);
    CHECK(written->config->kvHeads == 2);
    CHECK(written->config->tiedOutput);
    CHECK(written->find("blk.0.attn_q.weight"));
    CHECK(written->tensors[*written->find("small.weight")].dtype == DType::F16); // GGUF has no F8
    CHECK(valuesOf(*written, "small.weight") == std::vector<float>{1, -2});
    const auto heads = std::get<std::uint64_t>(find(written->metadata, "llama.rope.dimension_count")->value);
    CHECK(heads == 16);

    REQUIRE(makeSafetensorsExporter()->write(*written, nullptr, target / "model.safetensors", run.context));
    const auto back = read(*makeSafetensorsReader(), target / "model.safetensors");
    CHECK(back->architecture == "llama");
    CHECK(back->config->hidden == 40);
    for (const TensorInfo& tensor : source->tensors) {
        INFO(tensor.name);
        CHECK(valuesOf(*back, tensor.name) == valuesOf(*source, tensor.name));
        if (tensor.shape.size() > 1 && tensor.dtype != DType::F8_E4M3) CHECK(back->tensors[*back->find(tensor.name)].dtype == tensor.dtype);
    }
    REQUIRE(gguf->write(*back, nullptr, target / "again.gguf", run.context));
    CHECK(sameTensors(*read(*makeGgufReader(), target / "again.gguf"), *written));
}

TEST_CASE("block results are stored as such in GGUF, rows in its rotary order") {
    const TemporaryFolder folder;
    TestRun run;
    const auto source = makeModel(folder);
    const auto result = resultFor(*source, [&](std::size_t i, const Shape&) { return q8(source->view(i)); });
    const auto outcome = makeGgufExporter()->write(*source, &result, folder / "m.gguf", run.context);
    REQUIRE(outcome);
    CHECK(outcome->verified == 6);
    const auto written = read(*makeGgufReader(), folder / "m.gguf");
    CHECK(std::get<std::uint64_t>(find(written->metadata, "general.file_type")->value) == 7);
    CHECK(std::get<std::uint64_t>(find(written->metadata, "general.quantization_version")->value) == 2);
    for (const TensorResult& entry : result.tensors) {
        INFO(entry.name);
        const auto place = written->find(ggufName(entry.name));
        REQUIRE(place);
        CHECK(written->tensors[*place].dtype == DType::Q8_0);
        CHECK(valuesOf(*viewInLayout(*written, *place, RopeLayout::HalfSplit)) == valuesOf(*entry.quantized));
    }
    const auto codes = makeSafetensorsCodesExporter()->accepts(*source, &result);
    REQUIRE_FALSE(codes);
    CHECK(codes.error().code == ErrorCode::Unsupported);

    REQUIRE(makeSafetensorsExporter()->write(*written, nullptr, folder / "opened.safetensors", run.context));
    const auto opened = read(*makeSafetensorsReader(), folder / "opened.safetensors");
    CHECK(opened->architecture == "llama"); // from opened.config.json
    for (const TensorResult& entry : result.tensors) CHECK(valuesOf(*opened, entry.name) == valuesOf(*entry.quantized));
}

TEST_CASE("grids that a GGUF block type holds exactly are stored in it, others are refused or dequantized") {
    const TemporaryFolder folder;
    TestRun run;
    const auto source = makeModel(folder);
    struct Case {
        UniformGrid grid;
        std::int64_t group;
        std::optional<DType> stored; ///< none: refused
    };
    for (const Case& wanted : {Case{{4, true, ScaleType::F16}, 32, DType::Q4_0}, Case{{3, true, ScaleType::F16}, 32, DType::Q4_0},
                               Case{{8, true, ScaleType::F16}, 32, DType::Q8_0}, Case{{5, true, ScaleType::F16}, 32, DType::Q5_0},
                               Case{{4, true, ScaleType::F16}, 64, DType::Q4_0}, Case{{4, true, ScaleType::F32}, 32, {}},
                               Case{{4, true, ScaleType::F16}, 16, {}}, Case{{6, false, ScaleType::F16}, 32, DType::Q8_0},
                               Case{{8, false, ScaleType::F16}, 32, {}}}) {
        const auto result = resultFor(*source, [&](std::size_t i, const Shape& shape) {
            return randomGrid(shape, wanted.grid, 1, wanted.group, static_cast<unsigned>(i));
        });
        const auto gguf = makeGgufExporter();
        const auto accepted = gguf->accepts(*source, &result);
        CHECK(accepted.has_value() == wanted.stored.has_value());
        if (!accepted) {
            CHECK(accepted.error().code == ErrorCode::Unsupported);
            CHECK(accepted.error().message.find("gguf-dequantized") != std::string::npos);
            CHECK_FALSE(gguf->write(*source, &result, folder / "m.gguf", run.context));
        }
        const auto opens = makeGgufDequantizedExporter();
        REQUIRE((wanted.stored ? *gguf : *opens).write(*source, &result, folder / "m.gguf", run.context));
        const auto written = read(*makeGgufReader(), folder / "m.gguf");
        for (const TensorResult& entry : result.tensors) {
            const auto place = written->find(ggufName(entry.name));
            REQUIRE(place);
            if (wanted.stored) CHECK(written->tensors[*place].dtype == *wanted.stored);
            CHECK(valuesOf(*viewInLayout(*written, *place, RopeLayout::HalfSplit)) == valuesOf(*entry.quantized));
        }
        std::filesystem::remove(folder / "m.gguf");
    }
}

TEST_CASE("asymmetric grids keep their lowest values in GGUF where all are halves, else codes count from the zero points") {
    const TemporaryFolder folder;
    TestRun run;
    const auto source = makeModel(folder);
    for (const int bits : {4, 5}) {
        auto result = resultFor(*source, [&](std::size_t i, const Shape& shape) {
            auto made = *randomGrid(shape, {bits, false, ScaleType::F16}, 1, 32, static_cast<unsigned>(i));
            for (float& scale : std::get<GridCodes>(made.codes).values.scales) scale = std::round(scale * 64) / 64; // products stay short
            return std::make_shared<const QuantizedTensor>(std::move(made));
        });
        REQUIRE(makeGgufExporter()->write(*source, &result, folder / "m.gguf", run.context));
        const auto written = read(*makeGgufReader(), folder / "m.gguf");
        for (const TensorResult& entry : result.tensors) {
            const auto place = *written->find(ggufName(entry.name));
            CHECK(written->tensors[place].dtype == (bits == 4 ? DType::Q4_1 : DType::Q5_1));
            CHECK(valuesOf(*viewInLayout(*written, place, RopeLayout::HalfSplit)) == valuesOf(*entry.quantized));
        }
        auto longer = *result.tensors[0].quantized;
        std::get<GridCodes>(longer.codes).values.scales[3] = 1.0009765625f; // a half whose multiples are none
        std::get<GridCodes>(longer.codes).values.zeros[3] = 13;
        result.tensors[0].quantized = std::make_shared<const QuantizedTensor>(std::move(longer));
        REQUIRE(makeGgufExporter()->write(*source, &result, folder / "m.gguf", run.context));
        const auto other = read(*makeGgufReader(), folder / "m.gguf");
        const auto changed = *other->find(ggufName(result.tensors[0].name));
        CHECK(other->tensors[changed].dtype == (bits == 4 ? DType::Q5_0 : DType::Q8_0));
        CHECK(valuesOf(*viewInLayout(*other, changed, RopeLayout::HalfSplit)) == valuesOf(*result.tensors[0].quantized));
    }
}

TEST_CASE("E2M1 levels are stored as MXFP4 and NVFP4 with every value as it was") {
    const TemporaryFolder folder;
    TestRun run;
    const auto source = makeModel(folder);
    std::mt19937 random(1);
    for (const bool nv : {false, true}) {
        auto result = resultFor(*source, [&](std::size_t, const Shape& shape) {
            LevelCodes codes;
            codes.levelSet = "E2M1";
            for (const float sign : {-1.f, 1.f}) // ascending: not the order of the format's codes
                for (const float level : {6.f, 4.f, 3.f, 2.f, 1.5f, 1.f, 0.5f, 0.f}) codes.levels.push_back(sign * level);
            std::sort(codes.levels.begin(), codes.levels.end());
            codes.grouping = {shape[0], shape[1], 1, nv ? 16 : 32};
            codes.scaleType = nv ? DType::F8_E4M3 : DType::F8_E8M0;
            codes.hasTensorScale = nv;
            codes.tensorScale = 0.25f;
            for (std::int64_t i = 0; i < shape[0] * shape[1]; ++i) codes.codes.push_back(static_cast<std::uint8_t>(random() % 16));
            for (std::int64_t i = 0; i < codes.grouping.count(); ++i)
                codes.scales.push_back(nv ? static_cast<float>(8 + random() % 8) * 4 : std::ldexp(1.f, static_cast<int>(random() % 9) - 5));
            return std::make_shared<const QuantizedTensor>(QuantizedTensor{shape, std::move(codes)});
        });
        REQUIRE(makeGgufExporter()->write(*source, &result, folder / "m.gguf", run.context));
        const auto written = read(*makeGgufReader(), folder / "m.gguf");
        for (const TensorResult& entry : result.tensors) {
            const std::string name = ggufName(entry.name);
            const auto place = *written->find(name);
            if (nv) CHECK(valuesOf(*written, name.substr(0, name.size() - 6) + "scale") == std::vector<float>{0.25f});
            else CHECK(written->tensors[place].dtype == DType::MXFP4);
            CHECK(valuesOf(*viewInLayout(*written, place, RopeLayout::HalfSplit)) == valuesOf(*entry.quantized));
            const auto stored = read(*makeStoredGgufReader(), folder / "m.gguf");
            CHECK(stored->tensors[*stored->find(name)].dtype == (nv ? DType::NVFP4 : DType::MXFP4));
        }
        auto other = *result.tensors[0].quantized;
        std::get<LevelCodes>(other.codes).scaleType = DType::F32; // judged by what they are: one fits neither type
        std::get<LevelCodes>(other.codes).scales[1] = 0.3f;
        result.tensors[0].quantized = std::make_shared<const QuantizedTensor>(std::move(other));
        CHECK_FALSE(makeGgufExporter()->accepts(*source, &result));
    }
}

TEST_CASE("dequantized safetensors keep the source's type where it holds the values") {
    const TemporaryFolder folder, target;
    TestRun run;
    const auto source = makeModel(folder);
    const auto result = resultFor(*source, [](std::size_t i, const Shape& shape) {
        return randomGrid(shape, {4, true, ScaleType::F32}, 1, 16, static_cast<unsigned>(i));
    });
    const auto outcome = makeSafetensorsExporter()->write(*source, &result, target / "model.safetensors", run.context);
    REQUIRE(outcome);
    CHECK(outcome->verified == 6);
    const auto written = read(*makeSafetensorsReader(), target / "model.safetensors");
    for (const TensorResult& entry : result.tensors) CHECK(valuesOf(*written, entry.name) == valuesOf(*entry.quantized));
    CHECK(written->tensors[*written->find("small.weight")].dtype == DType::F8_E4M3);
    const auto config = readJsonFile(target / "config.json");
    REQUIRE(config);
    CHECK((*config)["own"] == Json::array({1})); // the source's description, whole

    // A BF16 source: codes times powers of two fit, other scales do not.
    Checkpoint half = *source;
    for (TensorInfo& tensor : half.tensors)
        if (tensor.dtype == DType::F32) {
            tensor.dtype = DType::BF16;
            tensor.bytes /= 2;
        }
    auto fitting = *randomGrid({40, kWidth}, {4, true, ScaleType::F32}, 40, kWidth, 1);
    std::get<GridCodes>(fitting.codes).values.scales = {0.25f};
    MethodResult exact;
    exact.tensors.push_back({});
    exact.tensors[0].tensor = *half.find("model.layers.0.mlp.up_proj.weight");
    exact.tensors[0].quantized = std::make_shared<QuantizedTensor>(fitting);
    for (const float scale : {0.25f, 0.1f}) {
        std::get<GridCodes>(fitting.codes).values.scales = {scale};
        exact.tensors[0].quantized = std::make_shared<QuantizedTensor>(fitting);
        REQUIRE(makeSafetensorsExporter()->write(half, &exact, target / "half.safetensors", run.context));
        const auto read16 = read(*makeSafetensorsReader(), target / "half.safetensors");
        const auto place = read16->find("model.layers.0.mlp.up_proj.weight");
        REQUIRE(place);
        CHECK(read16->tensors[*place].dtype == (scale == 0.25f ? DType::BF16 : DType::F32));
        CHECK(valuesOf(read16->view(*place)) == valuesOf(fitting));
    }
}

TEST_CASE("codes follow compressed-tensors where it has the grid") {
    const TemporaryFolder folder, target;
    TestRun run;
    const auto hf = makeModel(folder);
    REQUIRE(makeGgufExporter()->write(*hf, nullptr, target / "m.gguf", run.context));
    const auto gguf = read(*makeGgufReader(), target / "m.gguf");
    struct Case {
        UniformGrid grid;
        std::int64_t groupRows, groupColumns; // 0: the whole axis
        const char* format;
    };
    const Case cases[] = {{{4, true, ScaleType::F32}, 1, 16, "pack-quantized"}, {{4, false, ScaleType::F16}, 1, 32, "pack-quantized"},
                          {{4, true, ScaleType::F16}, 1, 0, "pack-quantized"},  {{8, false, ScaleType::F32}, 1, 16, "pack-quantized"},
                          {{8, true, ScaleType::F32}, 1, 0, "int-quantized"},   {{8, false, ScaleType::F32}, 1, 0, "int-quantized"},
                          {{8, false, ScaleType::F32}, 0, 0, "int-quantized"}};
    for (const auto& source : {hf, gguf})
        for (const Case& wanted : cases) {
            INFO(source->format << " " << wanted.format << " bits " << wanted.grid.bits << " group " << wanted.groupColumns);
            const auto result = resultFor(*source, [&](std::size_t i, const Shape& shape) {
                return randomGrid(shape, wanted.grid, wanted.groupRows ? 1 : shape[0], wanted.groupColumns ? wanted.groupColumns : shape[1],
                                  static_cast<unsigned>(i));
            });
            const auto outcome = makeCompressedTensorsExporter()->write(*source, &result, target / "model.safetensors", run.context);
            REQUIRE(outcome);
            CHECK(outcome->verified == outcome->tensors);
            const auto config = readJsonFile(target / "config.json");
            REQUIRE(config);
            const Json& quantization = (*config)["quantization_config"];
            CHECK(quantization["format"] == wanted.format);
            CHECK(quantization["config_groups"]["group_0"]["weights"]["symmetric"] == wanted.grid.symmetric);
            const auto file = read(*makeStoredSafetensorsReader(), target / "model.safetensors");
            for (const TensorResult& entry : result.tensors) {
                std::string name = canonicalName(*source, entry.name);
                const std::string module = name.substr(0, name.size() - 7);
                const auto& shape = entry.quantized->shape;
                const std::int64_t rows = shape[0], columns = shape[1];
                const auto scales = valuesOf(*file, module + ".weight_scale");
                const auto groups = static_cast<std::int64_t>(scales.size());
                const std::int64_t across = wanted.groupRows ? groups / rows : 1;
                // Decoded by the text of the format: value = (q - zero) * scale.
                const int middle = 1 << (wanted.grid.bits - 1);
                const bool packed = std::string_view(wanted.format) == "pack-quantized";
                const auto view = [&](const char* suffix) {
                    const auto place = file->find(module + suffix);
                    REQUIRE(place);
                    return file->view(*place);
                };
                const auto bitsAt = [&](const TensorView& words, std::int64_t word, std::int64_t bit) {
                    std::uint32_t value = 0;
                    std::memcpy(&value, words.bytes.data() + 4 * word, 4);
                    return static_cast<int>(value >> bit & ((1u << wanted.grid.bits) - 1));
                };
                const TensorView codes = view(packed ? ".weight_packed" : ".weight");
                std::vector<float> values;
                for (std::int64_t row = 0; row < rows; ++row)
                    for (std::int64_t column = 0; column < columns; ++column) {
                        const std::int64_t group = wanted.groupRows ? row * across + column / (columns / across) : 0;
                        int q = 0, zero = 0;
                        if (packed) {
                            const std::int64_t perWord = 32 / wanted.grid.bits;
                            q = bitsAt(codes, row * ((columns + perWord - 1) / perWord) + column / perWord, column % perWord * wanted.grid.bits) - middle;
                            if (!wanted.grid.symmetric) {
                                const std::int64_t g = column / (columns / across);
                                zero = bitsAt(view(".weight_zero_point"), row / perWord * across + g, row % perWord * wanted.grid.bits) - middle;
                            }
                        } else {
                            q = static_cast<std::int8_t>(codes.bytes[static_cast<std::size_t>(row * columns + column)]);
                            if (!wanted.grid.symmetric) zero = static_cast<std::int8_t>(view(".weight_zero_point").bytes[static_cast<std::size_t>(group)]);
                        }
                        values.push_back(static_cast<float>(q - zero) * scales[static_cast<std::size_t>(group)]);
                    }
                // What was meant, in the order of Hugging Face's rows.
                const auto meant = withRopeLayout(makeTensor(shape, valuesOf(*entry.quantized)), ropeHeads(*source, name),
                                                  source->ropeLayout, RopeLayout::HalfSplit);
                REQUIRE(meant);
                CHECK(values == valuesOf(*meant));
            }
        }
}

TEST_CASE("other grids go to plain codes, scales and zeros") {
    const TemporaryFolder folder, target;
    TestRun run;
    const auto source = makeModel(folder);
    struct Case {
        UniformGrid grid;
        std::int64_t groupRows, groupColumns; // 0: the whole axis
    };
    for (const Case& wanted : {Case{{3, false, ScaleType::F32}, 0, 1}, Case{{3, true, ScaleType::F16}, 1, 16}, Case{{4, true, ScaleType::F32}, 1, 48},
                               Case{{4, false, ScaleType::F32}, 0, 0}, Case{{8, false, ScaleType::F32}, 0, 1}}) {
        const auto result = resultFor(*source, [&](std::size_t i, const Shape& shape) {
            return randomGrid(shape, wanted.grid, wanted.groupRows ? 1 : shape[0], wanted.groupColumns ? wanted.groupColumns : shape[1],
                              static_cast<unsigned>(i));
        });
        REQUIRE(makeSafetensorsCodesExporter()->write(*source, &result, target / "c.safetensors", run.context));
        const auto file = read(*makeSafetensorsReader(), target / "c.safetensors");
        const auto description = parseJson(std::get<std::string>(find(file->metadata, "quantization")->value));
        REQUIRE(description);
        for (const TensorResult& entry : result.tensors) {
            const Json& said = (*description)[entry.name];
            const auto groupRows = said["group"][0].get<std::int64_t>(), groupColumns = said["group"][1].get<std::int64_t>();
            const auto codes = valuesOf(*file, entry.name + ".codes"), scales = valuesOf(*file, entry.name + ".scales");
            const auto zeros = wanted.grid.symmetric ? std::vector<float>(scales.size(), 0) : valuesOf(*file, entry.name + ".zeros");
            const std::int64_t columns = entry.quantized->shape[1];
            const std::int64_t across = (columns + groupColumns - 1) / groupColumns;
            std::vector<float> values;
            for (std::int64_t i = 0; i < static_cast<std::int64_t>(codes.size()); ++i) {
                const auto group = static_cast<std::size_t>(i / columns / groupRows * across + i % columns / groupColumns);
                values.push_back((codes[static_cast<std::size_t>(i)] - zeros[group]) * scales[group]);
            }
            CHECK(values == valuesOf(*entry.quantized));
            CHECK(said["bits"] == wanted.grid.bits);
        }
    }
}

TEST_CASE("exporters refuse before any work and name what does not fit") {
    const TemporaryFolder folder, target;
    TestRun run;
    const auto source = makeModel(folder);
    const auto gguf = makeGgufExporter(), safetensors = makeSafetensorsExporter(), codes = makeSafetensorsCodesExporter();
    CHECK(gguf->accepts(*source, nullptr));
    CHECK(safetensors->accepts(*source, nullptr));
    CHECK(codes->accepts(*source, nullptr).error().code == ErrorCode::Unsupported);
    Checkpoint other = *source;
    other.tensors[0].dtype = DType::U8;
    other.tensors[0].shape = {static_cast<std::int64_t>(other.tensors[0].bytes)};
    CHECK(gguf->accepts(other, nullptr).error().message.find("U8") != std::string::npos);
    CHECK(safetensors->accepts(other, nullptr));
    other = *source;
    other.tensors[0].name = std::string(64, 'n');
    CHECK(gguf->accepts(other, nullptr).error().code == ErrorCode::Unsupported);
    other = *source;
    other.config->heads = 0;
    CHECK(gguf->accepts(other, nullptr).error().message.find("head counts") != std::string::npos);
    CHECK(safetensors->accepts(other, nullptr));
    MethodResult foreign;
    foreign.tensors.push_back({});
    foreign.tensors[0].tensor = 99;
    for (const Exporter* exporter : {gguf.get(), safetensors.get(), codes.get()}) {
        CHECK_FALSE(exporter->accepts(*source, &foreign));
        CHECK_FALSE(exporter->write(*source, &foreign, target / "x", run.context));
        CHECK_FALSE(exporter->info().summary.empty());
    }
    CHECK(filesIn(target) == 0);
}

TEST_CASE("a cancelled export leaves nothing") {
    const TemporaryFolder folder, target;
    const auto source = makeModel(folder);
    const auto result = resultFor(*source, [](std::size_t i, const Shape& shape) {
        return randomGrid(shape, {4, true, ScaleType::F32}, 1, 16, static_cast<unsigned>(i));
    });
    for (auto* make : {makeGgufDequantizedExporter, makeSafetensorsExporter, makeSafetensorsCodesExporter, makeCompressedTensorsExporter}) {
        TestRun run;
        run.stop.request_stop();
        const auto outcome = make()->write(*source, &result, target / "model.safetensors", run.context);
        REQUIRE_FALSE(outcome);
        CHECK(outcome.error().code == ErrorCode::Cancelled);
        CHECK(filesIn(target) == 0);
    }
}

TEST_CASE("llama2.c converts to GGUF with its tokenizer, equal to the GGUF file of the same model") {
    const auto path = realData("llm-llama/stories260K.bin");
    if (!path) return;
    const TemporaryFolder target;
    TestRun run;
    const auto source = read(*makeLlama2cReader(), *path);
    const auto outcome = makeGgufExporter()->write(*source, nullptr, target / "m.gguf", run.context);
    REQUIRE(outcome);
    const auto written = read(*makeGgufReader(), target / "m.gguf");
    const auto reference = read(*makeGgufReader(), *realData("llm-llama/stories260K-f32.gguf"));
    CHECK(sameTensors(*written, *reference));
    for (const auto& [key, value] : reference->metadata) {
        if (key == "general.alignment") continue;
        INFO(key);
        const auto* same = find(written->metadata, key);
        REQUIRE(same);
        CHECK(same->type == value.type);
        CHECK(same->value == value.value);
    }
    REQUIRE(makeSafetensorsExporter()->write(*source, nullptr, target / "model.safetensors", run.context));
    CHECK(sameTensors(*read(*makeSafetensorsReader(), target / "model.safetensors"), *read(*makeSafetensorsReader(), *realData("llm-llama/hf"))));
}
