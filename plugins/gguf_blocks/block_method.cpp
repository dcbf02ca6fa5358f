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
        for (std::int64_t first = 0; first < count; first += kStreamElements) {
            const std::int64_t taken = std::min(kStreamElements, count - first);
            QSCOPE_TRY(const auto values, stream.read(first, taken, context));
            QSCOPE_CHECK(requireFinite(values, first, tensor.shape, context));
            QSCOPE_TRY(const auto step, context.backend.encodeBlocks(m_type, values, length, {}, context));
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
    return methods;
}

} // namespace qscope::engine
