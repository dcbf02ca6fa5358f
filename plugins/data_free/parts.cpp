// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/data_free/parts.h"

#include "engine/core/parallel.h"

#include <algorithm>
#include <numeric>

namespace qscope::engine {

ParamSpec bitsRow(std::int64_t standard, int least, int most) {
    return {"bits",
            "Bits",
            ParamType::Integer,
            standard,
            static_cast<double>(least),
            static_cast<double>(most),
            {},
            "Width of one code.",
            "bit"};
}

ParamSpec groupRow(std::int64_t standard) {
    return {"group",
            "Group size",
            ParamType::Integer,
            standard,
            0,
            1 << 20,
            {},
            "Weights along a row that share a scale; 0 or more than there are: the whole row.",
            "weights"};
}

ParamSpec choiceRow(std::string key, std::string label, std::vector<std::string> choices, std::string help) {
    std::string standard = choices.front();
    return {std::move(key),
            std::move(label),
            ParamType::Choice,
            std::move(standard),
            0,
            0,
            std::move(choices),
            std::move(help),
            ""};
}

int bitsOf(const ParamValues& parameters) { return static_cast<int>(valueOf<std::int64_t>(parameters, "bits")); }

Grouping rowGroups(const Shape& shape, const ParamValues& parameters) {
    const MatrixShape matrix = asMatrix(shape);
    const std::int64_t asked = valueOf<std::int64_t>(parameters, "group");
    return {matrix.rows, matrix.columns, 1, asked == 0 ? matrix.columns : std::min(asked, matrix.columns)};
}

Result<void> requireElements(const Shape& shape) {
    if (elementCount(shape) == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
    return {};
}

Result<void> requireMatrix(const Shape& shape) {
    QSCOPE_CHECK(requireElements(shape));
    if (shape.size() != 2)
        return fail(ErrorCode::Unsupported, "it has {} axes, and only a matrix multiplies inputs", shape.size());
    return {};
}

Result<std::span<const double>> momentsOf(const QuantInput& input, std::int64_t columns) {
    if (!input.calibration || input.calibration->secondMoments.empty())
        return fail(ErrorCode::Unsupported, "the calibration text sends no inputs into it");
    if (input.calibration->channels != columns)
        return fail(ErrorCode::Unsupported, "its inputs have {} channels and it has {} columns",
                    input.calibration->channels, columns);
    return std::span<const double>(input.calibration->secondMoments);
}

Result<double> outputError(std::span<const float> difference, std::span<const double> moments, std::int64_t columns,
                           const RunContext& context) {
    const auto size = static_cast<std::size_t>(columns), rows = difference.size() / size;
    std::vector<double> ofRows(rows);
    QSCOPE_CHECK(eachRow(static_cast<std::int64_t>(rows), 4, context, [&](std::int64_t row) {
        const auto d = difference.subspan(static_cast<std::size_t>(row) * size, size);
        double sum = 0;
        for (std::size_t i = 0; i < size; ++i) { // M is symmetric: half of it is enough
            const double* line = moments.data() + i * size;
            double before = 0;
            for (std::size_t j = 0; j < i; ++j) before += line[j] * static_cast<double>(d[j]);
            sum += static_cast<double>(d[i]) * (2 * before + line[i] * static_cast<double>(d[i]));
        }
        ofRows[static_cast<std::size_t>(row)] = sum;
    }));
    return std::accumulate(ofRows.begin(), ofRows.end(), 0.0);
}

Result<void> eachRow(std::int64_t rows, std::int64_t grain, const RunContext& context,
                     const std::function<void(std::int64_t)>& use) {
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    return parallelChunks(rows, grain, quiet, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        for (std::int64_t row = begin; row < end; ++row) use(row);
        return {};
    });
}

} // namespace qscope::engine
