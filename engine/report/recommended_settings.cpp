// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/recommended_settings.h"

#include <algorithm>
#include <array>

namespace qscope::engine {

namespace {

struct Row {
    std::string_view method;
    RecommendedSetting setting;
};

/// The settings of a method are neighbours.
constexpr Row kRows[] = {
    {"rtn", {"rtn:bits=4,group=128,symmetric=false", "What papers call RTN at 4 bits with groups."}},
    {"rtn", {"rtn:bits=8,granularity=output-channel", "8 bits per channel, as the whitepaper finds near lossless."}},
    {"minmax",
     {"minmax:bits=8", "The whitepaper's advice for weights of convolutions: 8 bits, symmetric, per channel."}},
    {"cle", {"cle:bits=8,granularity=layer", "One scale per layer, for which equalization was made (Nagel et al.)."}},
    {"minifloat", {"minifloat:bits=8,exponent=4", "E4M3: at 8 bits floats and integers hardly differ."}},
    {"minifloat", {"minifloat:bits=4,exponent=2,fit=mse", "E2M1 with searched ranges, the better split at 4 bits."}},
    {"levels", {"levels:grid=apot,bits=4,scale=f16", "Additive powers of two at the paper's 4 bits."}},
    {"levels", {"levels:grid=nf,bits=4,group=64,scale=f16", "Normal quantiles in groups of QLoRA's size."}},
    {"bitmod", {"bitmod:bits=3,group=128", "The paper's groups, at the width where it gains most."}},
    {"bitmod", {"bitmod:bits=4,group=128", "The paper's groups at 4 bits."}},
    {"llmfp4", {"llmfp4", "Weights and activations in searched FP4, the paper's W4A4 with its 100 candidates."}},
    {"post", {"post:bits=4", "4-bit powers of the square root of two per channel, as in the paper."}},
    {"fpdiffusion",
     {"fpdiffusion:bits=4", "4-bit floats with learned rounding, formats and ranges searched per channel."}},
    {"fp4dit", {"fp4dit:bits=4,group=128", "FP4 weights in groups of 128, as the authors' code has them."}},
    {"bfp",
     {"bfp:mantissa=4,block=32,sort=true", "The paper's block of 32; sorting gains nothing at the size of a head."}},
    {"blocks", {"blocks:element=e2m1,scale=e8m0,block=32", "MXFP4 of the OCP specification."}},
    {"blocks", {"blocks:element=e2m1,scale=e4m3,block=16,tensor-scale=true", "NVFP4."}},
    {"fp8", {"fp8:granularity=output-channel", "One scale per row, as servers of FP8 models store them."}},
    {"nf4", {"nf4:block=64,double=true", "QLoRA's: blocks of 64 with scales in 8 bits."}},
    {"fp4", {"fp4:block=64", "The library's default block."}},
    {"dynamic8", {"dynamic8:block=2048", "The paper's block."}},
    {"hqq", {"hqq:bits=4,group=64", "The authors' default."}},
    {"hqq", {"hqq:bits=2,group=64", "Their groups at 2 bits."}},
    {"easyquant",
     {"easyquant:bits=4,outliers=0.3",
      "4 bits per channel with less than one weight in a hundred kept, as in the paper."}},
    {"finequant", {"finequant:bits=4,smallest=64", "Groups down to 64, the paper's smallest."}},
    {"powerquant", {"powerquant:bits=4", "The exponent searched for each tensor, as in the paper."}},
    {"nupes", {"nupes:bits=4", "4 bits per channel, exponent and rounding learned."}},
    {"adadim", {"adadim:bits=3,group=128", "The paper's groups; it gains most at 3 bits."}},
    {"adadim", {"adadim:bits=4,group=128", "The paper's groups at 4 bits."}},
    {"splitquant", {"splitquant:bits=2", "The width at which the paper's split pays."}},
    {"double_rounding", {"double_rounding:bits=8,lowest=2", "8, 6, 4 and 2 bits from one stored integer."}},
    {"gptq", {"gptq:bits=4,group=128,act_order=true", "What most published 4-bit checkpoints use."}},
    {"gptq",
     {"gptq:bits=4,group=128,act_order=true,static_groups=true", "The same without a list of groups per column."}},
    {"gptq", {"gptq:bits=3,group=128,symmetric=false", "With a zero point, which counts at 3 bits."}},
    {"foem", {"foem:bits=3,group=128,symmetric=false,beta=0.2", "The authors' pull (0.1 to 0.25 advised) at 3 bits."}},
    {"foem", {"foem:bits=4,group=128,alpha=0.25", "With GPTAQ's correction added, as the authors offer it."}},
    {"gptaq", {"gptaq:bits=4,group=128,act_order=true,alpha=0.25", "The part that the authors' code applies."}},
    {"decoupleq", {"decoupleq:bits=2,group=64", "2 bits in groups of 64, the authors' default."}},
    {"decoupleq_block",
     {"decoupleq:bits=2,group=64+decoupleq_block:epochs=4,rate=0.00001", "Both steps as in the LLaMA script."}},
    {"awq",
     {"awq:ratios=20+awq_clip:bits=4,group=128",
      "Scales and clipping searched, then rounded: the authors' 4-bit models."}},
    {"awq_clip", {"awq:ratios=20+awq_clip:bits=3,group=128", "The paper's 3 bits."}},
    {"adaround_block",
     {"adaround_block:bits=4,group=128,steps=600", "More steps than the default; the paper takes 20,000 on GPUs."}},
    {"pd_quant",
     {"pd_quant:bits=4,lambda-r=0.1", "The weight of the prediction's difference in the authors' scripts."}},
    {"omniquant", {"omniquant:bits=3,group=128", "Learned clipping of weights alone at 3 bits."}},
    {"omniquant", {"omniquant:bits=2,group=128,augment=true", "2 bits with the second loss, as the paper has it."}},
    {"gsq", {"gsq:bits=2,group=128", "2 bits in the paper's groups, from GPTQ's codes."}},
    {"discquant",
     {"discquant:bits=3,group=128,strength=200,limit=0.5,rate=0.1",
      "The strength, limit and rate of the authors' README."}},
    {"llm_int8", {"llm_int8:threshold=6", "The paper's threshold."}},
    {"smooth",
     {"smooth:alpha=0.5+rtn:bits=8,granularity=output-channel,activations=8", "SmoothQuant's W8A8 for most models."}},
    {"squeezellm",
     {"squeezellm:bits=3", "3 bits with 0.45 % of the weights in 16 bits, the paper's dense-and-sparse."}},
    {"squeezellm", {"squeezellm:bits=4,sensitive=0,outliers=0", "Codebooks alone, its dense variant."}},
    {"gwq", {"gwq:bits=4,group=128,share=1", "One weight in a hundred kept, the paper's share."}},
    {"lorc", {"rtn:bits=4,group=128+lorc:rank=8", "Rank 8, of the size that the paper takes."}},
    {"lrec", {"gptq:bits=2,group=128+lrec:rank=32", "On 2-bit GPTQ, rank 32, as in the paper."}},
    {"lq_lora", {"lq_lora:bits=4,rank=64", "The paper's rank."}},
    {"lq_lora", {"lq_lora:budget=2.75,rank=64", "A mean of 2.75 bits shared out among matrices."}},
    {"svdquant", {"svdquant:bits=4,rank=32,group=64", "The authors' rank and groups for weights and activations."}},
    {"pvq", {"pvq:group=16,pulses=24", "About 4 bits per weight."}},
    {"bcq", {"bcq:bits=4,group=128", "The example of LUT-GEMM's authors."}},
    {"trilm", {"trilm:storage=tq1_0", "Packed for files of llama.cpp. For models trained ternary."}},
    {"qmoe", {"qmoe:percdamp=0.1", "The authors' damping."}},
    {"ptq161", {"ptq161:kept=20", "A fifth of the input channels at 4 bits: 1.61 bits per weight."}},
};

} // namespace

std::span<const RecommendedSetting> recommendedSettings(std::string_view method) {
    static const auto settings = [] {
        std::array<RecommendedSetting, std::size(kRows)> all;
        std::ranges::transform(kRows, all.begin(), &Row::setting);
        return all;
    }();
    const auto* first = std::ranges::find(kRows, method, &Row::method);
    const auto* last = std::find_if_not(first, std::end(kRows), [&](const Row& row) { return row.method == method; });
    return std::span(settings).subspan(static_cast<std::size_t>(first - std::begin(kRows)),
                                       static_cast<std::size_t>(last - first));
}

} // namespace qscope::engine
