// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/expert_stacks.h"

#include "engine/checkpoint/catalogue.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace qscope::engine {

namespace {

constexpr std::string_view kStack = "_exps.";
constexpr std::int64_t kMostExperts = 1 << 16;

struct Place {
    std::string stack; ///< "blk.0.ffn_gate_exps.weight"
    std::int64_t expert = 0;
};

/// Where "blk.0.ffn_gate.3.weight" belongs; nothing for other names.
std::optional<Place> placeOf(std::string_view name) {
    const std::size_t kind = name.rfind('.');
    const std::size_t number = kind == name.npos || kind == 0 ? name.npos : name.rfind('.', kind - 1);
    if (number == name.npos || !name.starts_with("blk.") || name.find(".ffn_") > number) return std::nullopt;
    Place place;
    const char* end = name.data() + kind;
    const auto [read, error] = std::from_chars(name.data() + number + 1, end, place.expert);
    if (error != std::errc() || read != end || place.expert < 0 || place.expert >= kMostExperts) return std::nullopt;
    place.stack.append(name.substr(0, number)).append(kStack).append(name.substr(kind + 1));
    return place;
}

/// The experts' bytes, one after another.
Result<TensorView> stacked(const std::vector<TensorToWrite>& experts, const Shape& shape) {
    std::vector<std::byte> bytes;
    for (const TensorToWrite& expert : experts) {
        QSCOPE_TRY(const auto matrix, expert.bytes());
        if (bytes.empty()) bytes.reserve(matrix.bytes.size() * experts.size());
        bytes.insert(bytes.end(), matrix.bytes.begin(), matrix.bytes.end());
    }
    return makeTensor(experts.front().dtype, shape, std::move(bytes));
}

} // namespace

Result<std::vector<TensorToWrite>> stackExperts(std::vector<TensorToWrite> tensors) {
    std::map<std::string, std::map<std::int64_t, TensorToWrite>> stacks;
    std::vector<TensorToWrite> all;
    for (TensorToWrite& tensor : tensors) {
        const auto place = placeOf(tensor.name);
        if (!place) {
            all.push_back(std::move(tensor));
            continue;
        }
        if (!stacks.contains(place->stack)) all.push_back({place->stack, tensor.dtype, {}, {}});
        stacks[place->stack].emplace(place->expert, std::move(tensor));
    }
    for (TensorToWrite& stack : all) {
        const auto found = stacks.find(stack.name);
        if (found == stacks.end()) continue;
        const auto refuse = [&](std::string_view why) { return fail(ErrorCode::Unsupported, "tensor '{}': {}", printable(stack.name), why); };
        std::vector<TensorToWrite> experts;
        for (auto& [number, expert] : found->second) {
            if (number != std::ssize(experts)) return refuse(fmt::format("expert {} is missing", experts.size()));
            if (expert.dtype != stack.dtype || expert.shape != found->second.begin()->second.shape)
                return refuse("its experts have several shapes or types, and GGUF has one tensor for all of them");
            experts.push_back(expert);
        }
        // The scale of a whole expert, one number, becomes one number of a vector.
        const Shape& one = experts.front().shape;
        stack.shape = one == Shape{1} ? Shape{} : one;
        stack.shape.insert(stack.shape.begin(), std::ssize(experts));
        stack.bytes = [experts = std::move(experts), shape = stack.shape] { return stacked(experts, shape); };
    }
    return all;
}

bool isExpertStack(const TensorInfo& tensor) {
    return tensor.shape.size() == 3 && tensor.name.starts_with("blk.") && tensor.name.find(kStack) != tensor.name.npos;
}

std::string expertName(std::string_view stack, std::int64_t expert) {
    const std::size_t at = stack.find(kStack);
    return fmt::format("{}.{}.{}", stack.substr(0, at), expert, stack.substr(at + kStack.size()));
}

Result<TensorView> expertOf(const TensorView& stack, std::int64_t expert) {
    Shape shape(stack.shape.begin() + 1, stack.shape.end());
    const std::uint64_t size = stack.bytes.size() / static_cast<std::uint64_t>(stack.shape.front());
    if (stack.source || storedBytes(stack.dtype, static_cast<std::uint64_t>(elementCount(shape))) != size)
        return fail(ErrorCode::Unsupported, "a stack of experts that cannot be cut");
    const auto bytes = stack.bytes.subspan(static_cast<std::size_t>(expert) * size, size);
    return TensorView{stack.dtype, std::move(shape), bytes, stack.keepAlive};
}

} // namespace qscope::engine
