// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/reader.h"
#include "engine/quant/method.h"
#include "engine/quantum/sim/simulation.h"
#include "engine/report/exporter.h"

#include <memory>
#include <string_view>
#include <vector>

namespace qscope::engine {

namespace detail {
template<class T>
std::string idOf(const T& item) {
    if constexpr (requires { item.info().id; }) return item.info().id;
    else return item.id();
}
} // namespace detail

/// Things of one kind, by id, in the order in which they were added.
template<class T>
class Registry {
public:
    /// OutOfRange when the id is taken.
    [[nodiscard]] Result<void> add(std::unique_ptr<T> item) {
        if (find(detail::idOf(*item))) return fail(ErrorCode::OutOfRange, "'{}' is registered twice", detail::idOf(*item));
        m_items.push_back(std::move(item));
        return {};
    }
    [[nodiscard]] const T* find(std::string_view id) const {
        for (const auto& item : m_items)
            if (detail::idOf(*item) == id) return item.get();
        return nullptr;
    }
    [[nodiscard]] const std::vector<std::unique_ptr<T>>& items() const { return m_items; }
    /// Whether `merge` would succeed: OutOfRange when an id of `other` is taken.
    [[nodiscard]] Result<void> canMerge(const Registry& other) const {
        for (const auto& item : other.m_items)
            if (find(detail::idOf(*item)))
                return fail(ErrorCode::OutOfRange, "'{}' is registered already", detail::idOf(*item));
        return {};
    }
    /// Takes everything out of `other`; no id of it may be taken.
    void merge(Registry&& other) {
        for (auto& item : other.m_items) m_items.push_back(std::move(item));
        other.m_items.clear();
    }

private:
    std::vector<std::unique_ptr<T>> m_items;
};

/// Everything the engine can be extended with. Built-in parts and plugins register in the same way.
struct Registries {
    Registry<CheckpointReader> readers;
    Registry<QuantMethod> methods;
    Registry<Exporter> exporters;
    Registry<Simulator> simulators;

    /// Takes everything out of `other`; OutOfRange when an id is taken, and then nothing has moved.
    [[nodiscard]] Result<void> merge(Registries&& other) {
        QSCOPE_CHECK(readers.canMerge(other.readers));
        QSCOPE_CHECK(methods.canMerge(other.methods));
        QSCOPE_CHECK(exporters.canMerge(other.exporters));
        QSCOPE_CHECK(simulators.canMerge(other.simulators));
        readers.merge(std::move(other.readers));
        methods.merge(std::move(other.methods));
        exporters.merge(std::move(other.exporters));
        simulators.merge(std::move(other.simulators));
        return {};
    }
};

/// The method of this id, or the chain of methods that an id like "smooth+gptq+lorc" names. OutOfRange, naming the methods
/// there are or what is wrong with the chain. The registries must outlive it.
[[nodiscard]] Result<std::shared_ptr<const QuantMethod>> findMethod(const Registries& registries, std::string_view id);

/// What was opened, in one line: "GGUF, llama, 5768448 parameters in 56 tensors: 43 BF16, 13 F32".
[[nodiscard]] std::string recognised(const Checkpoint& checkpoint, const Registries& registries);

/// Opens a checkpoint file or folder with the first reader that recognises it; Unsupported names the known formats.
[[nodiscard]] Result<std::shared_ptr<const Checkpoint>> openCheckpoint(const std::filesystem::path& path,
                                                                       const Registries& registries, Diagnostics& notes,
                                                                       const ReadLimits& limits = {});

} // namespace qscope::engine
