// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/gguf_blocks/block_method.h"

#include "plugins/gguf_blocks/encode_tensor.h"

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
        return isHalf() ? backend.kind() == "cpu" : backend.supports(Capability::EncodeBlocks, m_type);
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t, const RunContext& context) const override {
        QSCOPE_CHECK(outline(input.subject, parameters));
        return encodeTensor(m_type, input, context);
    }

private:
    [[nodiscard]] bool isHalf() const { return m_type == DType::F16 || m_type == DType::BF16; }

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
        {"f16", DType::F16, "Half precision, rounded to the nearest."},
        {"bf16", DType::BF16, "The upper half of single precision, rounded to the nearest."},
    };
    std::vector<std::unique_ptr<QuantMethod>> methods;
    for (const Format& format : formats)
        methods.push_back(std::make_unique<BlockMethod>(format.id, format.type, format.summary));
    return methods;
}

} // namespace qscope::engine
