// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/gguf_types.h"

#include "engine/checkpoint/writer.h"

#include <algorithm>
#include <array>

namespace qscope::engine {

namespace {

struct Row {
    std::uint32_t id;
    DType type;
    int fileType; ///< -1: none
};

using enum DType;
constexpr std::array kTable{
    Row{0, F32, 0},      Row{1, F16, 1},      Row{2, Q4_0, 2},     Row{3, Q4_1, 3},     Row{6, Q5_0, 8},
    Row{7, Q5_1, 9},     Row{8, Q8_0, 7},     Row{9, Q8_1, -1},    Row{10, Q2_K, 10},   Row{11, Q3_K, 11},
    Row{12, Q4_K, 14},   Row{13, Q5_K, 16},   Row{14, Q6_K, 18},   Row{15, Q8_K, -1},   Row{16, IQ2_XXS, 19},
    Row{17, IQ2_XS, 20}, Row{18, IQ3_XXS, 23}, Row{19, IQ1_S, 24}, Row{20, IQ4_NL, 25}, Row{21, IQ3_S, 26},
    Row{22, IQ2_S, 28},  Row{23, IQ4_XS, 30}, Row{24, I8, -1},     Row{25, I16, -1},    Row{26, I32, -1},
    Row{27, I64, -1},    Row{28, F64, -1},    Row{29, IQ1_M, 31},  Row{30, BF16, 32},   Row{34, TQ1_0, 36},
    Row{35, TQ2_0, 37},  Row{39, MXFP4, 38},  Row{40, NVFP4, 39},  Row{41, Q1_0, 40},   Row{42, Q2_0, 41},
};

} // namespace

std::optional<DType> dtypeFromGguf(std::uint32_t id) {
    const auto row = std::ranges::find(kTable, id, &Row::id);
    if (row == kTable.end()) return std::nullopt;
    return row->type;
}

std::optional<std::uint32_t> ggufId(DType type) {
    const auto row = std::ranges::find(kTable, type, &Row::type);
    if (row == kTable.end()) return std::nullopt;
    return row->id;
}

bool ggufIdWasRemoved(std::uint32_t id) {
    return id == 4 || id == 5 || (id >= 31 && id <= 33) || (id >= 36 && id <= 38);
}

std::optional<std::uint32_t> ggufFileType(DType type) {
    const auto row = std::ranges::find(kTable, type, &Row::type);
    if (row == kTable.end() || row->fileType < 0) return std::nullopt;
    return static_cast<std::uint32_t>(row->fileType);
}

bool ggufHolds(DType type) { return ggufId(type).has_value(); }

} // namespace qscope::engine
