// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/pipeline.h"

#include "engine/quant/forms.h"
#include "plugins/round_to_nearest/rtn_method.h"
#include "tests/support/random_values.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::engine;

namespace {

/// Multiplies column c by `base` + c.
class Slope final : public QuantMethod {
public:
    Slope() {
        m_info.id = "slope";
        m_info.stage = Stage::Transform;
        m_info.parameters = {{"base", "Base", ParamType::Integer, std::int64_t{1}, 1, 9, {}, "", ""}};
    }
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject, const ParamValues&) const override { return QuantizedTensor{subject.shape, {}}; }
    [[nodiscard]] Result<InputTransform> transform(const QuantInput& input, const ParamValues& parameters, std::uint64_t, const RunContext&) const override {
        InputTransform made;
        for (std::int64_t c = 0; c < asMatrix(input.weight.shape).columns; ++c)
            made.factors.push_back(static_cast<float>(valueOf<std::int64_t>(parameters, "base") + c));
        made.factorBits = 16;
        return made;
    }

private:
    MethodInfo m_info;
};

/// Adds the whole error back as a product: rank = rows.
class Exact final : public QuantMethod {
public:
    Exact() {
        m_info.id = "exact";
        m_info.stage = Stage::Repair;
    }
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject&, const ParamValues&) const override { return fail(ErrorCode::Unsupported, "repairs"); }
    [[nodiscard]] Result<QuantizedTensor> outlineRepair(QuantizedTensor result, const Subject& subject, const ParamValues&) const override {
        LowRankSum form;
        form.rank = asMatrix(subject.shape).rows;
        form.base = std::make_shared<const QuantizedTensor>(std::move(result));
        return tensorOf(subject.shape, std::move(form));
    }
    [[nodiscard]] Result<QuantizedTensor> repair(QuantizedTensor result, const QuantInput& input, const ParamValues&, std::uint64_t, const RunContext&) const override {
        const MatrixShape matrix = asMatrix(input.weight.shape);
        LowRankSum form;
        form.rank = matrix.rows;
        form.left.resize(static_cast<std::size_t>(matrix.rows * matrix.rows));
        for (std::int64_t r = 0; r < matrix.rows; ++r) form.left[static_cast<std::size_t>(r * matrix.rows + r)] = 1;
        form.right.resize(static_cast<std::size_t>(matrix.rows * matrix.columns));
        std::vector<float> rounded(form.right.size());
        QSCOPE_CHECK(decode(input.weight, 0, form.right));
        QSCOPE_CHECK(dequantize(result, 0, rounded));
        for (std::size_t i = 0; i < rounded.size(); ++i) form.right[i] -= rounded[i];
        form.base = std::make_shared<const QuantizedTensor>(std::move(result));
        return tensorOf(input.weight.shape, std::move(form));
    }

private:
    MethodInfo m_info;
};

const Slope kSlope;
const Exact kExact;

std::shared_ptr<const Pipeline> chain(std::vector<const QuantMethod*> steps) {
    auto made = Pipeline::of(std::move(steps));
    REQUIRE(made);
    return *made;
}

std::vector<float> gaussian(std::size_t count) { return test::normalValues(count, 1); }

ParamValues parametersFor(const QuantMethod& method, const std::string& text) {
    const auto spec = parseMethodSpec(text);
    REQUIRE(spec);
    CHECK(toText(*spec) == text);
    const auto values = resolveParameters(method.info().parameters, *spec);
    if (!values) FAIL(values.error().message);
    return *values;
}

std::vector<float> valuesOf(const QuantizedTensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(elementCount(tensor.shape)));
    REQUIRE(dequantize(tensor, 0, values));
    return values;
}

} // namespace

TEST_CASE("a chain transforms, rounds and repairs, and gives numbers in the layer's own terms", "[quant]") {
    const auto rtn = makeRoundToNearest();
    const auto weights = gaussian(4 * 8);
    test::TestRun run;

    const auto scaled = chain({&kSlope, rtn.get()});
    const auto parameters = parametersFor(*scaled, "slope:base=2+rtn:bits=3,group=4");
    const auto result = scaled->quantize(inputOf(makeTensor({4, 8}, weights)), parameters, 0, run.context);
    REQUIRE(result);
    // By hand: round the scaled matrix, divide the columns.
    std::vector<float> by = weights;
    for (std::size_t i = 0; i < by.size(); ++i) by[i] *= static_cast<float>(2 + i % 8);
    const auto alone = rtn->quantize(inputOf(makeTensor({4, 8}, by)), parametersFor(*rtn, "rtn:bits=3,group=4"), 0, run.context);
    REQUIRE(alone);
    auto expected = valuesOf(*alone);
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] *= 1.0F / static_cast<float>(2 + i % 8);
    CHECK(valuesOf(*result) == expected);
    CHECK(storedBits(*result) == storedBits(*alone) + 8 * 16);

    const auto repaired = chain({&kSlope, rtn.get(), &kExact});
    CHECK(repaired->info().id == "slope+rtn+exact");
    const auto whole = repaired->quantize(inputOf(makeTensor({4, 8}, weights)), parametersFor(*repaired, "slope+rtn:bits=2+exact"), 0, run.context);
    REQUIRE(whole);
    const auto values = valuesOf(*whole);
    for (std::size_t i = 0; i < values.size(); ++i) CHECK(values[i] == Approx(weights[i]).margin(1e-5));
}

TEST_CASE("a chain's outline is as large as its result", "[quant]") {
    const auto rtn = makeRoundToNearest();
    const auto repaired = chain({rtn.get(), &kExact});
    const auto parameters = parametersFor(*repaired, "rtn:bits=2+exact");
    test::TestRun run;
    const auto result = repaired->quantize(inputOf(makeTensor({4, 8}, gaussian(32))), parameters, 0, run.context);
    const auto outline = repaired->outline({{4, 8}}, parameters);
    REQUIRE(result);
    REQUIRE(outline);
    CHECK(storedBits(*outline) == storedBits(*result));
}

TEST_CASE("a chain has one rounding, in its place, and nothing twice", "[quant]") {
    const auto rtn = makeRoundToNearest();
    CHECK_FALSE(Pipeline::of({&kSlope}));
    CHECK_FALSE(Pipeline::of({rtn.get(), &kSlope}));
    CHECK_FALSE(Pipeline::of({&kExact, rtn.get()}));
    CHECK_FALSE(Pipeline::of({rtn.get(), &kExact, &kExact}));
    test::TestRun run;
    const auto lonely = kExact.quantize(inputOf(makeTensor({1, 2}, {1, 2})), {}, 0, run.context);
    REQUIRE_FALSE(lonely);
    CHECK(lonely.error().message.find("rtn+lorc") != std::string::npos);
}

TEST_CASE("statistics of inputs follow a transform", "[quant]") {
    InputStatistics inputs;
    inputs.channels = 2;
    inputs.channelMax = {4, 6};
    inputs.meanSquares = {4, 9};
    inputs.samples = {2, 3, 4, 6};
    inputs.secondMoments = {20, 30, 30, 45};
    const std::vector<float> factors{2, 3};
    const InputStatistics scaled = transformed(inputs, factors);
    CHECK(scaled.channelMax == std::vector<float>{2, 2});
    CHECK(scaled.meanSquares == std::vector<float>{1, 1});
    CHECK(scaled.samples == std::vector<float>{1, 1, 2, 2});
    CHECK(scaled.secondMoments == std::vector<double>{5, 5, 5, 5}); // of the scaled samples
}
