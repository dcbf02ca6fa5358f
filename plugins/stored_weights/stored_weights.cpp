// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/stored_weights/stored_weights.h"

#include "engine/checkpoint/canonical.h"
#include "engine/checkpoint/catalogue.h"
#include "engine/plan/common_names.h"
#include "engine/plan/weight_orientation.h"
#include "engine/report/stored_codes.h"

#include <map>
#include <mutex>

namespace qscope::engine {

namespace {

const MethodInfo& describeStoredWeights() {
    static const MethodInfo info{
        .id = "file",
        .name = "Weights of a file",
        .group = "Baselines",
        .paper = "Not a published method",
        .summary = "The weights that another checkpoint of the same model has stored, whatever its format: what somebody else's quantized "
                   "file does to a model, measured and drawn like any result.",
        .parameters = {{"path", "File or folder", ParamType::Choice, std::string(), 0, 0, {}, "The other checkpoint, of any format that opens.", ""}},
        .help = {.objective = "Nothing is minimised: ŵ is what the file says.",
                 .steps = {"Opens the file and finds each tensor under the name that the model's family gives it in either world.",
                           "Puts the rows of queries and keys into the order of this checkpoint where the two differ.",
                           "Takes codes, scales and zero points as they are stored; their bits are counted as for any other result."},
                 .cost = "Reading the file once."}};
    return info;
}

/// A stored tensor whose values are no codes of a known form, or have lost it when their rows moved.
class StoredValues final : public CodeForm {
public:
    StoredValues(TensorView values, std::uint64_t bits, std::string form) : m_values(std::move(values)), m_bits(bits), m_form(std::move(form)) {}
    std::uint64_t storedBits(const Shape&) const override { return m_bits; }
    std::string describe() const override { return m_form; }
    Result<void> dequantize(const Shape&, std::int64_t first, std::span<float> out) const override { return decode(m_values, first, out); }

private:
    TensorView m_values;
    std::uint64_t m_bits;
    std::string m_form;
};

class BoundWeights final : public QuantMethod {
public:
    BoundWeights(const Checkpoint& source, std::shared_ptr<const Checkpoint> other) : m_layout(source.ropeLayout), m_other(std::move(other)) {
        std::map<std::string, std::size_t> byName;
        for (std::size_t i = 0; i < m_other->tensors.size(); ++i)
            if (m_other->tensors[i].isWhole()) byName.emplace(weightName(*m_other, modelFamily(*m_other), m_other->tensors[i].name), i);
        for (std::size_t i = 0; i < source.tensors.size(); ++i) {
            const std::string& name = source.tensors[i].name;
            if (const auto found = byName.find(weightName(source, modelFamily(source), name)); found != byName.end())
                m_places.emplace(name, Place{found->second, whyOtherwise(source, i, found->second)});
        }
    }

    const MethodInfo& info() const override { return describeStoredWeights(); }

    Result<QuantizedTensor> outline(const Subject& subject, const ParamValues&) const override {
        QSCOPE_TRY(const std::size_t tensor, placeOf(subject));
        return stored(tensor, m_other->view(tensor), CodedValues::None);
    }

    Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues&, std::uint64_t, const RunContext& context) const override {
        QSCOPE_TRY(const std::size_t tensor, placeOf(input.subject));
        QSCOPE_TRY(const auto view, viewInLayout(*m_other, tensor, m_layout));
        if (context.cancelled()) return cancelled();
        auto made = stored(tensor, view, CodedValues::All);
        context.progress.done += elementCount(input.subject.shape);
        return made;
    }

private:
    struct Place {
        std::size_t tensor = 0;
        std::string refusal; ///< why its values are not the weight's
    };

    bool movesRows(std::size_t tensor) const {
        return m_layout != m_other->ropeLayout && ropeHeads(*m_other, canonicalName(*m_other, m_other->tensors[tensor].name)) > 0;
    }

    std::string whyOtherwise(const Checkpoint& source, std::size_t index, std::size_t place) const {
        const auto seen = [](const Checkpoint& checkpoint, std::size_t tensor) {
            Shape shape = checkpoint.tensors[tensor].shape;
            if (isStoredTransposed(checkpoint, tensor)) std::swap(shape[0], shape[1]);
            return shape;
        };
        const Shape there = seen(*m_other, place), here = seen(source, index);
        if (there != here)
            return fmt::format("the file has it as [{}], here it is [{}]", fmt::join(there, ", "), fmt::join(here, ", "));
        const std::string& name = source.tensors[index].name;
        const bool hasOrder = ropeHeads(source, canonicalName(source, name)) > 0;
        if (hasOrder && m_layout != m_other->ropeLayout && !movesRows(place))
            return "the file does not say how many heads its rotary rows have";
        return {};
    }

    Result<std::size_t> placeOf(const Subject& subject) const {
        const auto found = m_places.find(subject.name);
        if (found == m_places.end()) return fail(ErrorCode::Unsupported, "{} has no such tensor", m_other->path.string());
        if (!found->second.refusal.empty()) return fail(ErrorCode::Unsupported, "{}", found->second.refusal);
        return found->second.tensor;
    }

    /// `view`: the tensor with its rows in the order of the source.
    Result<QuantizedTensor> stored(std::size_t tensor, const TensorView& view, CodedValues wanted) const {
        const TensorInfo& entry = m_other->tensors[tensor];
        const bool turns = isStoredTransposed(*m_other, tensor);
        const bool losesCodes = turns || (entry.source && movesRows(tensor));
        if (!losesCodes && isQuantized(view))
            if (auto codes = storedCodes(view, wanted)) return codes;
        const auto form = entry.form.empty() ? std::string(qscope::info(entry.dtype).name) : entry.form;
        QSCOPE_TRY(auto values, turns ? turned(view) : Result<TensorView>(view));
        Shape shape = values.shape;
        return QuantizedTensor{std::move(shape), std::make_shared<const StoredValues>(std::move(values), 8 * entry.bytes, form + ", as stored")};
    }

    RopeLayout m_layout;
    std::shared_ptr<const Checkpoint> m_other;
    std::map<std::string, Place> m_places; ///< by the source's names
};

class StoredWeights final : public UnboundMethod {
public:
    const MethodInfo& info() const override { return describeStoredWeights(); }

    Result<QuantizedTensor> outline(const Subject&, const ParamValues&) const override {
        return fail(ErrorCode::Unsupported, "no file is chosen");
    }

    Result<std::shared_ptr<const QuantMethod>> bind(const Checkpoint& source, const ParamValues& parameters,
                                                    const Registries& registries) const override {
        const auto& path = valueOf<std::string>(parameters, "path");
        if (path.empty()) return fail(ErrorCode::OutOfRange, "method 'file' needs a file: file:path=model.gguf");
        auto other = opened(path, registries);
        if (!other) return during(std::move(other).error(), "method 'file': " + path);
        return std::make_shared<const BoundWeights>(source, *std::move(other));
    }

private:
    /// A plan is bound whenever it is looked at, so that the last file stays open until it changes.
    Result<std::shared_ptr<const Checkpoint>> opened(const std::string& path, const Registries& registries) const {
        std::error_code failed;
        const auto changed = std::filesystem::last_write_time(path, failed);
        const std::lock_guard lock(m_mutex);
        if (m_open && !failed && m_path == path && m_changed == changed) return m_open;
        Diagnostics notes;
        QSCOPE_TRY(m_open, openCheckpoint(path, registries, notes));
        m_path = path;
        m_changed = changed;
        return m_open;
    }

    mutable std::mutex m_mutex;
    mutable std::string m_path;
    mutable std::filesystem::file_time_type m_changed;
    mutable std::shared_ptr<const Checkpoint> m_open;
};

} // namespace

std::unique_ptr<QuantMethod> makeStoredWeights() { return std::make_unique<StoredWeights>(); }

} // namespace qscope::engine
