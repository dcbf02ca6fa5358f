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
    std::vector<std::unique_ptr<QuantMethod>> methods;
    methods.push_back(std::make_unique<BlockMethod>(
        "q4_0", DType::Q4_0, "32 weights share a half-precision scale, 4-bit codes; the weight of largest magnitude "
                             "falls on the end of the grid. The reference encoder's bytes."));
    methods.push_back(std::make_unique<BlockMethod>(
        "q8_0", DType::Q8_0, "32 weights share a half-precision scale, 8-bit codes. The reference encoder's bytes."));
    methods.push_back(std::make_unique<BlockMethod>(
        "q4_k", DType::Q4_K, "256 weights in 8 groups with 6-bit scales and minima, 4-bit codes; a search for the least "
                             "weighted squared error."));
    methods.push_back(std::make_unique<BlockMethod>(
        "q6_k", DType::Q6_K, "256 weights in 16 groups with 8-bit scales, 6-bit codes; a search for the least weighted "
                             "squared error."));
    methods.push_back(std::make_unique<BlockMethod>("f16", DType::F16, "Half precision, rounded to the nearest."));
    methods.push_back(std::make_unique<BlockMethod>("bf16", DType::BF16, "The upper half of single precision, rounded to the nearest."));
    return methods;
}

} // namespace qscope::engine
