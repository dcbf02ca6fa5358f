// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/tensor/coded_weight.h"

#include <unordered_map>

namespace qscope::engine {

/// The tensors of a checkpoint as they are stored, by name.
class StoredTensors {
public:
    explicit StoredTensors(const Checkpoint& checkpoint);
    [[nodiscard]] const Checkpoint& checkpoint() const { return m_checkpoint; }
    [[nodiscard]] const TensorInfo* find(const std::string& name) const;

private:
    const Checkpoint& m_checkpoint;
    std::unordered_map<std::string_view, std::size_t> m_byName;
};

/// One weight while a format's reader puts it together from stored tensors.
class WeightParts {
public:
    /// What is shown of a part: "codes", "scales", ...
    struct Shown {
        std::string name;
        TensorView view;
        std::uint64_t bytes = 0;
    };

    WeightParts(const StoredTensors& stored, std::string module)
        : m_stored(&stored)
        , m_module(std::move(module)) {}

    [[nodiscard]] const std::string& module() const { return m_module; }
    [[nodiscard]] const TensorInfo* find(std::string_view suffix) const;
    [[nodiscard]] bool has(std::string_view suffix) const { return find(suffix) != nullptr; }

    /// The stored tensor `<module><suffix>`, which becomes part of the weight; Malformed when it is absent.
    [[nodiscard]] Result<TensorView> take(std::string_view suffix);
    /// The same, of this shape and one of these types; Malformed otherwise.
    [[nodiscard]] Result<TensorView> take(std::string_view suffix, std::initializer_list<DType> types,
                                          const Shape& shape);

    /// Lists `<weight>.<name>` after the weight; `bytes` are those it takes in the file.
    void show(std::string name, TensorView view, std::uint64_t bytes) {
        m_shown.push_back({std::move(name), std::move(view), bytes});
    }

    /// The weight stands: its codes, scales, zero points, column groups and tensor scale are listed, those that come
    /// from codes of their own excepted, which the caller shows.
    [[nodiscard]] Result<void> complete(CodedWeight weight, Shape shape, std::string form);

    /// The weight stands, with values that are no codes; the caller has shown its parts.
    void complete(TensorView whole, std::string form) {
        m_whole = std::move(whole);
        m_form = std::move(form);
    }

    /// The weight is called as the module is.
    void keepName() { m_keepsName = true; }
    [[nodiscard]] std::string name() const; ///< `<module>.weight`, or the module when it ends so
    [[nodiscard]] const std::vector<std::size_t>& taken() const { return m_taken; }
    [[nodiscard]] const std::vector<Shown>& shown() const { return m_shown; }
    [[nodiscard]] const TensorView& whole() const { return m_whole; }
    [[nodiscard]] const std::string& form() const { return m_form; }
    [[nodiscard]] std::uint64_t bytes() const { return m_bytes; }
    [[nodiscard]] std::uint64_t memory() const { return m_memory; } ///< of numbers that were read at opening

private:
    const StoredTensors* m_stored; ///< asked while the weight is put together, not after
    std::string m_module;
    bool m_keepsName = false;
    std::vector<std::size_t> m_taken;
    std::vector<Shown> m_shown;
    TensorView m_whole;
    std::string m_form;
    std::uint64_t m_bytes = 0;
    std::uint64_t m_memory = 0;
};

/// A rows x columns matrix of E2M1 codes, two per byte, the even column in the low nibble. Its scales are still to
/// come.
[[nodiscard]] CodedWeight floatNibbles(std::string scheme, TensorView bytes, std::int64_t rows, std::int64_t columns);

/// Scales or zero points of rows x columns weights, stored row-major: one number per `high` x `wide` block.
[[nodiscard]] GroupValues groupsOf(TensorView values, std::int64_t rows, std::int64_t columns, std::int64_t high,
                                   std::int64_t wide);

/// A group size that cuts `columns` into `groups` groups: the first of `claimed` that does (-1: whole rows), or without
/// claims the one that follows from the numbers. Malformed when none does.
[[nodiscard]] Result<std::int64_t> groupSize(std::int64_t columns, std::int64_t groups,
                                             std::span<const std::int64_t> claimed);

/// "groups of 128", "a scale per output channel".
[[nodiscard]] std::string describeGroups(std::int64_t columns, std::int64_t size);

} // namespace qscope::engine
