// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/torch_types.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace qscope::engine {

namespace {

using Named = std::pair<std::string_view, DType>;

constexpr auto kStorages = std::to_array<Named>({
    {"torch.DoubleStorage", DType::F64},
    {"torch.FloatStorage", DType::F32},
    {"torch.HalfStorage", DType::F16},
    {"torch.BFloat16Storage", DType::BF16},
    {"torch.ComplexFloatStorage", DType::C64},
    {"torch.LongStorage", DType::I64},
    {"torch.IntStorage", DType::I32},
    {"torch.ShortStorage", DType::I16},
    {"torch.CharStorage", DType::I8},
    {"torch.ByteStorage", DType::U8},
    {"torch.BoolStorage", DType::Bool},
    {"torch.storage.UntypedStorage", DType::U8},
    {"torch.UntypedStorage", DType::U8},
    // Written by old versions for tensors on a GPU.
    {"torch.cuda.DoubleStorage", DType::F64},
    {"torch.cuda.FloatStorage", DType::F32},
    {"torch.cuda.HalfStorage", DType::F16},
    {"torch.cuda.BFloat16Storage", DType::BF16},
    {"torch.cuda.LongStorage", DType::I64},
    {"torch.cuda.IntStorage", DType::I32},
    {"torch.cuda.ShortStorage", DType::I16},
    {"torch.cuda.CharStorage", DType::I8},
    {"torch.cuda.ByteStorage", DType::U8},
    {"torch.cuda.BoolStorage", DType::Bool},
});

constexpr auto kTypes = std::to_array<Named>({
    {"torch.float64", DType::F64},
    {"torch.float32", DType::F32},
    {"torch.float16", DType::F16},
    {"torch.bfloat16", DType::BF16},
    {"torch.float8_e4m3fn", DType::F8_E4M3},
    {"torch.float8_e5m2", DType::F8_E5M2},
    {"torch.float8_e4m3fnuz", DType::F8_E4M3FNUZ},
    {"torch.float8_e5m2fnuz", DType::F8_E5M2FNUZ},
    {"torch.float8_e8m0fnu", DType::F8_E8M0},
    {"torch.complex64", DType::C64},
    {"torch.int64", DType::I64},
    {"torch.int32", DType::I32},
    {"torch.int16", DType::I16},
    {"torch.int8", DType::I8},
    {"torch.uint64", DType::U64},
    {"torch.uint32", DType::U32},
    {"torch.uint16", DType::U16},
    {"torch.uint8", DType::U8},
    {"torch.bool", DType::Bool},
});

constexpr auto kOthers = std::to_array<std::string_view>({
    "collections.OrderedDict", "collections.defaultdict", "collections.Counter",
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state", "torch._tensor._rebuild_from_type_v2",
    "torch.Tensor", "torch.nn.parameter.Parameter",
    // Classes that the tar form notes beside its tensors.
    "torch.DoubleTensor", "torch.FloatTensor", "torch.HalfTensor", "torch.LongTensor", "torch.IntTensor",
    "torch.ShortTensor", "torch.CharTensor", "torch.ByteTensor",
    // Plain data, and the types that a defaultdict may be made of.
    "torch.Size", "torch.device", "_codecs.encode", "builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset",
    "builtins.int", "builtins.float", "builtins.list", "builtins.dict", "builtins.str",
    "__builtin__.int", "__builtin__.float", "__builtin__.list", "__builtin__.dict", "__builtin__.str",
});

std::optional<DType> lookUp(std::span<const Named> table, std::string_view name) {
    const auto found = std::ranges::find(table, name, &Named::first);
    if (found == table.end()) return std::nullopt;
    return found->second;
}

} // namespace

std::span<const std::string_view> torchGlobals() {
    static const std::vector<std::string_view> all = [] {
        std::vector<std::string_view> names(kOthers.begin(), kOthers.end());
        for (const auto& [name, type] : kStorages) names.push_back(name);
        for (const auto& [name, type] : kTypes) names.push_back(name);
        return names;
    }();
    return all;
}

std::optional<DType> torchType(std::string_view global) {
    if (const auto storage = lookUp(kStorages, global)) return storage;
    return lookUp(kTypes, global);
}

bool isTorchStorage(std::string_view global) { return lookUp(kStorages, global).has_value(); }

} // namespace qscope::engine
