// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/report/export_common.h"
#include "engine/report/stored_codes.h"
#include "engine/tensor/code_layouts.h"

#include <span>

namespace qscope::engine {

// How quantized matrices become tensors of a safetensors file. Not for users of exports.

/// One tensor to be written as codes: a method's result, or what the source has coded already.
struct Treated {
    std::size_t index = 0; ///< in the source
    std::string name;      ///< in the target
    DType sourceType = DType::F32;
    bool isBlock = false;  ///< stored in blocks, which may be written as plain values too
    std::shared_ptr<const QuantizedTensor> outline; ///< without values, or with all of them
    /// Its values as far as asked for, rows in the target's order.
    std::function<Result<std::shared_ptr<const QuantizedTensor>>(CodedValues)> read;

    [[nodiscard]] std::string module() const { return name.substr(0, name.size() - std::string_view(".weight").size()); }
};

/// The tensors of the source that have codes, in its order: those of the result, and stored ones; without a result also
/// stored blocks that are codes. Errors name a coded tensor that cannot be taken over.
[[nodiscard]] Result<std::vector<Treated>> treatedTensors(const Checkpoint& source, const MethodResult* result);

/// Why no tensor is treated: "Q4_K blocks, which are no codes with one scale and zero point" where the source has such.
[[nodiscard]] std::string whyUntreated(const Checkpoint& source, std::string_view format);

/// One format's rules for codes; all formats are asked by them which can hold a tensor.
class CodedLayout {
public:
    virtual ~CodedLayout() = default;
    [[nodiscard]] virtual const ExporterInfo& info() const = 0;
    /// Why the format cannot hold the tensor: "a 3-bit grid does not fit AWQ, which has 4 bits"; empty when it can.
    [[nodiscard]] virtual std::string misfit(const QuantizedTensor& outline, std::string_view name) const = 0;
    /// Why tensors that fit each by itself cannot share a file; empty when they can.
    [[nodiscard]] virtual std::string misfitTogether(std::span<const Treated>) const { return {}; }
    virtual void addTensors(const Treated& treated, std::vector<TensorToWrite>& tensors) const = 0;
    /// The quantization_config, or null; `untreated` are the names of the other matrices.
    [[nodiscard]] virtual Json config(std::span<const Treated> treated, const std::vector<std::string>& untreated) const = 0;
    /// What the file's own metadata says under "quantization"; null: nothing.
    [[nodiscard]] virtual Json inFile(std::span<const Treated>) const { return {}; }
    /// A second file that repeats the configuration, beside model.safetensors; empty: none.
    [[nodiscard]] virtual std::string configCopy() const { return {}; }
};

[[nodiscard]] std::unique_ptr<CodedLayout> makeCompressedLayout();
[[nodiscard]] std::unique_ptr<CodedLayout> makeGptqLayout(bool second);
[[nodiscard]] std::unique_ptr<CodedLayout> makeAwqLayout();
[[nodiscard]] std::unique_ptr<CodedLayout> makeBitsandbytesLayout();
[[nodiscard]] std::unique_ptr<CodedLayout> makePlainLayout();

/// "gptq, compressed-tensors hold it": every exporter that stores the tensor's codes as they are, but for `other`.
[[nodiscard]] std::string whoHolds(const QuantizedTensor& outline, std::string_view name, std::string_view other = {});

// What layouts share.

/// Why a tensor is no matrix of a module; empty when it is one.
[[nodiscard]] std::string matrixMisfit(const QuantizedTensor& outline, std::string_view name, std::string_view format);

/// Adds a tensor that `make` makes from the treated one's values when its turn comes.
template<class Make>
void addTensor(std::vector<TensorToWrite>& tensors, const Treated& treated, std::string name, DType type, Shape shape, CodedValues values,
               Make make) {
    tensors.push_back({std::move(name), type, shape, [read = treated.read, values, type, shape, make]() -> Result<TensorView> {
                           QSCOPE_TRY(const auto quantized, read(values));
                           TensorView view = make(*quantized);
                           view.dtype = type;
                           view.shape = shape;
                           return view;
                       }});
}

[[nodiscard]] TensorView wordsOf(const PackedCodes& layout, std::span<const std::uint8_t> codes, int add);
[[nodiscard]] TensorView bytesOf(std::span<const std::uint8_t> values);

/// What makes a grid's stored codes count from 0: half their range when it is symmetric.
[[nodiscard]] int fromZero(const GridCodes& codes);
/// Zero points among codes that count from 0, one per group.
[[nodiscard]] std::vector<std::uint8_t> zerosFromZero(const GridCodes& codes);
/// Scales [outputs, groups] in the grid's scale type, or transposed.
[[nodiscard]] TensorView scalesOf(const GridCodes& codes, bool transposed);
[[nodiscard]] DType dtypeOf(ScaleType type);
/// Group of each column, I32.
[[nodiscard]] TensorView groupIndex(const GridCodes& codes);
[[nodiscard]] TensorView text(const std::string& text);

[[nodiscard]] bool wholeRows(const Grouping& grouping);
[[nodiscard]] bool wholeMatrix(const Grouping& grouping);

} // namespace qscope::engine
