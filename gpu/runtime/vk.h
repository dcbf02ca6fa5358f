// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The only way to Vulkan, for source files of gpu/ alone: the header costs seconds, so it is precompiled. It loads the
// Vulkan library at run time; where there is none, making a vk::raii::Context throws.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#include <vulkan/vulkan_raii.hpp>
#pragma GCC diagnostic pop
