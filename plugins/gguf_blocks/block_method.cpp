// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/gguf_blocks/block_method.h"

#include "engine/quant/element_stream.h"

#include <algorithm>

namespace qscope::engine {

namespace {

MethodInfo describeFormat(std::string id, DType type, std::string summary) {
    return {std::move(id), std::string(qscope::info(type).name), "GGUF blocks",
            "The GGUF file format of the ggml project, 2023", std::move(summary), {}};
}

class BlockMethod final : public QuantMethod {
public:
    BlockMethod(std::string id, DType type, std::string summary)
        : m_info(describeFormat(std::move(id), type, std::move(summary))), m_type(type) {}

    [[nodiscard]] const MethodInfo& info() const override { return m_info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject, const ParamValues&) const override {
        const std::int64_t columns = asMatrix(subject.shape).columns;
        const std::int32_t length = qscope::info(m_type).blockLength;
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        if (columns % length != 0)
            return fail(ErrorCode::Unsupported, "{} takes rows of a multiple of {} weights, this tensor's have {}",
                        m_info.name, length, columns);
        return QuantizedTensor{subject.shape, BlockCodes{m_type, {}}};
    }

    [[nodiscard]] bool runsOn(const ComputeBackend& backend, const ParamValues&) const override {
        return backend.supports(Capability::EncodeBlocks, m_type);
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_TRY(auto quantized, outline(input.subject, parameters));
        const TensorView& tensor = input.weight;
        // Blocks do not know of rows, so that a step may end inside one.
        const std::int64_t count = elementCount(tensor.shape);
        const std::int64_t length = qscope::info(m_type).blockLength;
        auto& codes = std::get<BlockCodes>(quantized.codes);
        codes.bytes.reserve(static_cast<std::size_t>(storedBytes(m_type, static_cast<std::uint64_t>(count)).value_or(0)));
        ElementStream stream(tensor);
        if (!input.importance.empty() && static_cast<std::int64_t>(input.importance.size()) != asMatrix(tensor.shape).columns)
            return fail(ErrorCode::OutOfRange, "{} importance weights for {} columns", input.importance.size(),
                        asMatrix(tensor.shape).columns);
        std::vector<float> importance(input.importance.empty() ? 0 : static_cast<std::size_t>(std::min(count, kStreamElements)));
        for (std::int64_t first = 0; first < count; first += kStreamElements) {
            const std::int64_t taken = std::min(kStreamElements, count - first);
            QSCOPE_TRY(const auto values, stream.read(first, taken, context));
            QSCOPE_CHECK(requireFinite(values, first, tensor.shape, context));
            // To the backend a step is one row, with the importance of each of its values.
            for (std::size_t i = 0; i < importance.size(); ++i)
                importance[i] = input.importance[(static_cast<std::size_t>(first) + i) % input.importance.size()];
            const auto weights = std::span<const float>(importance).first(importance.empty() ? 0 : values.size());
            QSCOPE_TRY(const auto step, context.backend.encodeBlocks(m_type, values, weights.empty() ? length : taken, weights, context));
            codes.bytes.insert(codes.bytes.end(), step.begin(), step.end());
            context.progress.done.fetch_add(taken, std::memory_order_relaxed);
        }
        return quantized;
    }

private:
    MethodInfo m_info;
    DType m_type;
};

} // namespace

std::vector<std::unique_ptr<QuantMethod>> makeBlockMethods() {
    struct Format {
        const char* id;
        DType type;
        const char* summary;
    };
    const Format formats[]{
        {"q4_0", DType::Q4_0, "32 weights share a scale, 4-bit codes; the weight of largest magnitude falls on the end of the "
                              "grid, as in the reference encoder. With importance, a search for the least weighted error."},
        {"q4_1", DType::Q4_1, "32 weights share a scale and a minimum, 4-bit codes from the least weight to the largest, as in "
                              "the reference encoder. With importance, a search for the least weighted error."},
        {"q5_0", DType::Q5_0, "32 weights share a scale, 5-bit codes; the weight of largest magnitude falls on the end of the "
                              "grid, as in the reference encoder. With importance, a search for the least weighted error."},
        {"q5_1", DType::Q5_1, "32 weights share a scale and a minimum, 5-bit codes from the least weight to the largest, as in "
                              "the reference encoder. With importance, a search for the least weighted error."},
        {"q8_0", DType::Q8_0, "32 weights share a scale, 8-bit codes. The reference encoder's bytes."},
        {"q2_k", DType::Q2_K, "256 weights in 16 groups with 4-bit scales and minima, 2-bit codes; a search for the least "
                              "weighted squared error."},
        {"q3_k", DType::Q3_K, "256 weights in 16 groups with 6-bit scales, 3-bit codes; a search for the least weighted squared "
                              "error."},
        {"q4_k", DType::Q4_K, "256 weights in 8 groups with 6-bit scales and minima, 4-bit codes; a search for the least "
                              "weighted squared error."},
        {"q5_k", DType::Q5_K, "256 weights in 8 groups with 6-bit scales and minima, 5-bit codes; a search for the least "
                              "weighted squared error."},
        {"q6_k", DType::Q6_K, "256 weights in 16 groups with 8-bit scales, 6-bit codes; a search for the least weighted squared "
                              "error."},
        {"iq4_nl", DType::IQ4_NL, "32 weights share a scale, 4-bit codes of sixteen uneven levels; a search for the least "
                                  "weighted squared error."},
        {"iq4_xs", DType::IQ4_XS, "256 weights in 8 groups with 6-bit scales, 4-bit codes of sixteen uneven levels; a search for "
                                  "the least weighted squared error."},
        {"tq1_0", DType::TQ1_0, "256 weights share their largest magnitude as scale and are rounded to -1, 0 or 1, five to a byte. "
                                "The reference encoder's bytes; made for models trained on three levels."},
        {"tq2_0", DType::TQ2_0, "256 weights share their largest magnitude as scale and are rounded to -1, 0 or 1, four to a byte. "
                                "The reference encoder's bytes; made for models trained on three levels."},
        {"mxfp4", DType::MXFP4, "32 weights share a power of two, 4-bit floats (E2M1). The reference encoder's bytes."},
        {"nvfp4", DType::NVFP4, "16 weights share an 8-bit float (E4M3) that puts the largest on 6, 4-bit floats (E2M1); no scale of "
                                "the whole tensor."},
        {"q1_0", DType::Q1_0, "128 weights share their mean magnitude as scale, one bit of sign each."},
        {"q2_0", DType::Q2_0, "64 weights share their largest magnitude as scale and are rounded to -1, 0 or 1 in 2-bit codes."},
    };
    std::vector<std::unique_ptr<QuantMethod>> methods;
    for (const Format& format : formats)
        methods.push_back(std::make_unique<BlockMethod>(format.id, format.type, format.summary));
    return methods;
}

} // namespace qscope::engine
