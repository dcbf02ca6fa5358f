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

private:
    std::vector<std::unique_ptr<T>> m_items;
};

/// Everything the engine can be extended with. Built-in parts and plugins register in the same way.
struct Registries {
    Registry<CheckpointReader> readers;
    Registry<QuantMethod> methods;
    Registry<Exporter> exporters;
    Registry<Simulator> simulators;
};

/// Opens a checkpoint file or folder with the first reader that recognises it; Unsupported names the known formats.
[[nodiscard]] Result<std::shared_ptr<const Checkpoint>> openCheckpoint(const std::filesystem::path& path,
                                                                       const Registries& registries, Diagnostics& notes,
                                                                       const ReadLimits& limits = {});

} // namespace qscope::engine
