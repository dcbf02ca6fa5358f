// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"
#include "engine/core/run_context.h"
#include "engine/quant/parameters.h"
#include "engine/quant/quantized_tensor.h"

#include <memory>
#include <string>
#include <vector>

namespace qscope::engine {

/// What a method tells about itself; everything users read about it comes from here.
struct MethodInfo {
    std::string id;      ///< on the command line: "rtn"
    std::string name;    ///< short name in the window: "Round to nearest"
    std::string group;   ///< in the method browser: "Number formats"
    std::string paper;   ///< authors, title, year
    std::string summary; ///< one or two sentences; says where it simplifies its paper
    std::vector<ParamSpec> parameters;
    bool needsCalibration = false;
    bool quantizesActivations = false;
};

/// One published method. Stateless: the same tensor, parameters and seed give the same codes on any number of threads.
class QuantMethod {
public:
    virtual ~QuantMethod() = default;
    [[nodiscard]] virtual const MethodInfo& info() const = 0;
    /// Whether the method can run on a tensor of this shape with these parameters, or why not.
    [[nodiscard]] virtual Result<void> accepts(const Shape& shape, const ParamValues& parameters) const = 0;
    /// Bits per weight that the parameters will cost on this shape, before any work.
    [[nodiscard]] virtual double expectedBits(const Shape& shape, const ParamValues& parameters) const = 0;
    /// Whether `backend` can do the heavy work with these parameters; true for the CPU's. Whoever runs a method gives it a
    /// backend for which this holds and names that one as the device. A method that leaves the backend alone runs on the CPU.
    [[nodiscard]] virtual bool runsOn(const ComputeBackend& backend, const ParamValues&) const {
        return backend.kind() == "cpu";
    }
    /// Adds each weight to the context's progress once. OutOfRange or Unsupported when the values do not suit the method.
    [[nodiscard]] virtual Result<QuantizedTensor> quantize(const TensorView& tensor, const ParamValues& parameters,
                                                           std::uint64_t seed, const RunContext& context) const = 0;
};

} // namespace qscope::engine
