// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/runtime/recorder.h"

namespace qscope::gpu {

/// Functions of one number, in the order of the shader. The two Gelus are x times the normal distribution function,
/// exact and in Hendrycks and Gimpel's tanh form.
enum class Function : std::uint32_t {
    Negate,
    Absolute,
    SquareRoot,
    Reciprocal,
    Exponential,
    Logarithm,
    Tanh,
    Sigmoid,
    Relu,
    Silu,
    Gelu,
    GeluTanh,
    Erf
};
/// Functions of two numbers, in the order of the shader.
enum class Combination : std::uint32_t { Add, Subtract, Multiply, Divide, Maximum, Minimum };

/// y = f(x) for singles; x and y may be the same buffer.
void mapElements(Recorder& recorder, Function function, std::uint32_t elements, const Buffer& x, const Buffer& y);

/// Four axes, outermost first; a step of 0 repeats an array along an axis. Laid out like the shader's.
struct CombinePass {
    std::uint32_t elements = 0;
    std::uint32_t sizes[3] = {1, 1, 1}; ///< of the axes but the outermost
    std::uint32_t stepsA[4] = {0, 0, 0, 0};
    std::uint32_t stepsB[4] = {0, 0, 0, 0};
};
void combineElements(Recorder& recorder, Combination function, const CombinePass& pass, const Buffer& a,
                     const Buffer& b, const Buffer& y);

/// Turns pairs of elements (u, v) of vectors: (u cos - v sin, v cos + u sin). Vectors are numbered outer * middle *
/// inner; the row of angles is outer * outerStep + token. Laid out like the shader's.
struct RotatePass {
    std::uint32_t elements = 0;
    std::uint32_t size = 0;  ///< of a vector
    std::uint32_t pairs = 0; ///< of a vector that are turned; the rest is copied
    std::uint32_t inner = 1;
    std::uint32_t middle = 1;
    std::uint32_t tokenIsInner = 0; ///< whether the token is the inner number, not the middle one
    std::uint32_t outerStep = 0;    ///< rows of angles between outer numbers; 0: the same for all
};
enum class Partners : std::uint32_t { HalfApart, Neighbours };
void rotatePairs(Recorder& recorder, Partners partners, const RotatePass& pass, const Buffer& x, const Buffer& cosines,
                 const Buffer& sines, const Buffer& y);

/// Patches of a picture [channels, height, width] as columns: row (channel, y, x in the window), column (place of the
/// window); 0 outside the picture. Laid out like the shader's.
struct UnfoldPass {
    std::uint32_t elements = 0; ///< of the result
    std::uint32_t offset = 0;   ///< of the first channel
    std::uint32_t height = 0, width = 0;
    std::uint32_t windowHeight = 1, windowWidth = 1;
    std::uint32_t outHeight = 0, outWidth = 0;
    std::uint32_t strideY = 1, strideX = 1;
    std::uint32_t dilationY = 1, dilationX = 1;
    std::int32_t padTop = 0, padLeft = 0;
};
void unfoldPatches(Recorder& recorder, const UnfoldPass& pass, const Buffer& x, const Buffer& y);

} // namespace qscope::gpu
