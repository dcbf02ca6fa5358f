// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/zip_directory.h"
#include "engine/report/export_common.h"
#include "engine/report/stored_codes.h"

#include <algorithm>

namespace qscope::engine {

namespace {

/// A tensor's values as NumPy has them: in the stored type, or in F32 where that has no name there.
Result<TensorView> numpyView(const TensorView& stored) {
    QSCOPE_TRY(const auto plain, contiguous(stored));
    if (numpyHolds(plain.dtype)) return plain;
    return decoded(plain);
}

DType numpyType(const TensorInfo& tensor) {
    const DType own = tensor.source ? tensor.source->plainType() : tensor.dtype;
    return numpyHolds(own) ? own : DType::F32;
}

class NumpyExporter final : public Exporter {
public:
    NumpyExporter(bool archive, ExporterInfo info) : m_archive(archive), m_info(std::move(info)) {}

    const ExporterInfo& info() const override { return m_info; }

    Result<void> accepts(const Checkpoint& source, const MethodResult* result) const override {
        QSCOPE_TRY(const auto replaced, replacements(source, result));
        const auto whole = std::ranges::count_if(source.tensors, &TensorInfo::isWhole);
        if (!m_archive && whole != 1)
            return fail(ErrorCode::Unsupported, "an .npy file holds one array, and the checkpoint has {} tensors; npz holds them", whole);
        for (std::size_t i = 0; i < source.tensors.size(); ++i) {
            const TensorInfo& tensor = source.tensors[i];
            if (!tensor.isWhole()) continue;
            if (m_archive && !isZipName(tensor.name))
                return fail(ErrorCode::Unsupported, "tensor '{}': the name leads out of an archive; safetensors holds it", printable(tensor.name));
            if (!replaced[i] && !numpyHolds(tensor.dtype) && !canDecode(tensor.dtype))
                return fail(ErrorCode::Unsupported, "tensor '{}': NumPy has no type for {}, and it cannot be decoded; safetensors holds it",
                            printable(tensor.name), qscope::info(tensor.dtype).name);
        }
        return {};
    }

    Result<ExportOutcome> write(const Checkpoint& source, const MethodResult* result, const std::filesystem::path& target,
                                const RunContext& context, const ExportOptions& options) const override {
        if (options.maximumShardBytes > 0) return fail(ErrorCode::Unsupported, "NumPy files are written in one piece");
        QSCOPE_CHECK(accepts(source, result));
        QSCOPE_TRY(const auto replaced, replacements(source, result));
        std::vector<TensorToWrite> tensors;
        std::size_t codes = 0, widened = 0;
        for (std::size_t i = 0; i < source.tensors.size(); ++i) {
            const TensorInfo& stored = source.tensors[i];
            if (!stored.isWhole()) continue;
            if (context.cancelled()) return cancelled();
            if (replaced[i]) {
                QSCOPE_TRY(auto tensor, resultTensor(stored, *replaced[i]));
                tensors.push_back(std::move(tensor));
                continue;
            }
            if (isQuantized(source.view(i))) ++codes;
            else if (numpyType(stored) != stored.dtype && !stored.source) ++widened;
            tensors.push_back({stored.name, numpyType(stored), stored.shape, [view = source.view(i)] { return numpyView(view); }});
        }
        if (codes > 0)
            context.notes.note(fmt::format("{} quantized tensors are stored as their values in F32; a format of codes keeps the codes", codes));
        if (widened > 0) context.notes.note(fmt::format("{} tensors of types that NumPy lacks are stored in F32, exactly", widened));
        startProgress(tensors, context);
        ExportOutcome outcome;
        const auto check = [&](const std::filesystem::path& written) { return verify(written, tensors, outcome, context); };
        QSCOPE_CHECK(m_archive ? writeNpz(target, tensors, context, check) : writeNpy(target, tensors.front(), context, check));
        return outcome;
    }

private:
    /// In the source's type where NumPy has it and it holds the values exactly, else in F32.
    static Result<TensorToWrite> resultTensor(const TensorInfo& stored, const QuantizedTensor& quantized) {
        QSCOPE_TRY(const auto values, dequantized(quantized));
        const DType type = numpyHolds(stored.dtype) && holdsExactly(stored.dtype, values) ? stored.dtype : DType::F32;
        return TensorToWrite{stored.name, type, stored.shape, [&quantized, type]() -> Result<TensorView> {
                                 QSCOPE_TRY(const auto single, dequantized(quantized));
                                 return type == DType::F32 ? single : narrowed(single, type);
                             }};
    }

    Result<void> verify(const std::filesystem::path& written, std::vector<TensorToWrite> meant, ExportOutcome& outcome,
                        const RunContext& context) const {
        const auto reader = makeNpyReader();
        if (!m_archive) { // a single array has the name of its file
            Diagnostics unused;
            QSCOPE_TRY(const auto opened, reader->open(written, {}, unused));
            meant.front().name = opened->tensors.front().name;
        }
        return verifyWritten(written, *reader, meant, outcome, context);
    }

    bool m_archive;
    ExporterInfo m_info;
};

} // namespace

std::unique_ptr<Exporter> makeNpyExporter() {
    return std::make_unique<NumpyExporter>(false, ExporterInfo{"npy", "NumPy, one array", "npy",
                                                               "The values of a checkpoint's only tensor, in its type or, where NumPy lacks it, in F32.",
                                                               "NumPy and whatever reads its files"});
}

std::unique_ptr<Exporter> makeNpzExporter() {
    return std::make_unique<NumpyExporter>(true, ExporterInfo{"npz", "NumPy, archive", "npz",
                                                              "The values of every tensor as an array of its name, in its type or, where NumPy lacks it, in F32.",
                                                              "NumPy and whatever reads its files"});
}

} // namespace qscope::engine
