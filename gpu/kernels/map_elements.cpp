// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/kernels/map_elements.h"

#include "gpu/kernels/real.h"

namespace qscope::gpu {
namespace {

constexpr std::uint32_t kMap[] = {
#include "gpu/shaders/map_elements.inc"
};
constexpr std::uint32_t kCombine[] = {
#include "gpu/shaders/combine_elements.inc"
};
constexpr std::uint32_t kRotate[] = {
#include "gpu/shaders/rotate_pairs.inc"
};
constexpr std::uint32_t kUnfold[] = {
#include "gpu/shaders/unfold_patches.inc"
};

static_assert(sizeof(CombinePass) == 4 * 12 && sizeof(RotatePass) == 4 * 7 && sizeof(UnfoldPass) == 4 * 14);

Program programOf(std::string_view name, std::span<const std::uint32_t> shader, std::uint32_t bindings,
                  std::size_t pushBytes, std::vector<std::uint32_t> constants) {
    return {.name = name,
            .spirv = shader,
            .bindings = bindings,
            .pushBytes = static_cast<std::uint32_t>(pushBytes),
            .workgroupSize = kWorkgroupSize,
            .constants = std::move(constants)};
}

} // namespace

void mapElements(Recorder& recorder, Function function, std::uint32_t elements, const Buffer& x, const Buffer& y) {
    const auto program = programOf("map elements", kMap, 2, sizeof(elements), {static_cast<std::uint32_t>(function)});
    dispatch(recorder, program, {{x}, {y, Access::Write}}, elements, elements);
}

void combineElements(Recorder& recorder, Combination function, const CombinePass& pass, const Buffer& a,
                     const Buffer& b, const Buffer& y) {
    const auto program =
        programOf("combine elements", kCombine, 3, sizeof(pass), {static_cast<std::uint32_t>(function)});
    dispatch(recorder, program, {{a}, {b}, {y, Access::Write}}, pass, pass.elements);
}

void rotatePairs(Recorder& recorder, Partners partners, const RotatePass& pass, const Buffer& x, const Buffer& cosines,
                 const Buffer& sines, const Buffer& y) {
    const auto program = programOf("rotate pairs", kRotate, 4, sizeof(pass), {static_cast<std::uint32_t>(partners)});
    dispatch(recorder, program, {{x}, {cosines}, {sines}, {y, Access::Write}}, pass, pass.elements);
}

void unfoldPatches(Recorder& recorder, const UnfoldPass& pass, const Buffer& x, const Buffer& y) {
    const auto program = programOf("unfold patches", kUnfold, 2, sizeof(pass), {});
    dispatch(recorder, program, {{x}, {y, Access::Write}}, pass, pass.elements);
}

} // namespace qscope::gpu
