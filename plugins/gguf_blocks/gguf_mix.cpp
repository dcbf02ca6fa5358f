// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/gguf_blocks/gguf_mix.h"

#include "plugins/gguf_blocks/encode_tensor.h"
#include "plugins/gguf_blocks/mix_rules.h"

namespace qscope::engine {

namespace {

class MixMethod final : public QuantMethod {
public:
    explicit MixMethod(const MixInfo& mix)
        : m_mix(mix), m_info{std::string(mix.id), fmt::format("{} mix", mix.name), "GGUF mixes",
                             "llama-quantize of the ggml project, 2023 to 2026",
                             fmt::format("The types that llama-quantize chooses for {}: {} for most matrices, more bits where its "
                                         "rules find that they count, norms and routers as they are; F16 for rows that fit no block.",
                                         mix.name, qscope::info(mix.base).name),
                             {}} {
        m_info.needsImportance = mixNeedsImportance(mix.mix, mix.base);
    }

    [[nodiscard]] const MethodInfo& info() const override { return m_info; }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject, const ParamValues&) const override {
        if (elementCount(subject.shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
        QSCOPE_TRY(const DType type, mixType(m_mix.mix, subject));
        if (!canEncodeTensor(type))
            return fail(ErrorCode::Unsupported, "{} wants {} here, for which there is no encoder", m_info.name,
                        qscope::info(type).name);
        return QuantizedTensor{subject.shape, BlockCodes{type, {}}};
    }

    [[nodiscard]] bool runsOn(const ComputeBackend& backend, const ParamValues&) const override {
        // Any rule may ask for any of these; a mix does not change the device from tensor to tensor.
        for (const DType type : {m_mix.base, DType::Q4_0, DType::Q5_0, DType::Q5_1, DType::Q8_0, DType::Q3_K, DType::Q4_K, DType::Q5_K, DType::Q6_K})
            if (canEncodeTensor(type) && !backend.supports(Capability::EncodeBlocks, type)) return false;
        return true;
    }

    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters, std::uint64_t,
                                                   const RunContext& context) const override {
        QSCOPE_TRY(const auto form, outline(input.subject, parameters));
        return encodeTensor(std::get<BlockCodes>(form.codes).type, input, context);
    }

private:
    const MixInfo& m_mix;
    MethodInfo m_info;
};

} // namespace

std::vector<std::unique_ptr<QuantMethod>> makeMixMethods() {
    std::vector<std::unique_ptr<QuantMethod>> methods;
    for (const MixInfo& mix : mixes())
        if (canEncodeTensor(mix.base)) methods.push_back(std::make_unique<MixMethod>(mix));
    return methods;
}

} // namespace qscope::engine
