// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/method.h"

namespace qscope::engine {

namespace {

tl::unexpected<Error> notOf(const QuantMethod& method, std::string_view what) {
    return fail(ErrorCode::Unsupported, "method '{}' {}", method.info().id, what);
}

} // namespace

Result<QuantizedTensor> QuantMethod::quantize(const QuantInput&, const ParamValues&, std::uint64_t, const RunContext&) const {
    switch (info().stage) {
    case Stage::Transform: return notOf(*this, "prepares weights for another: write it in front of one that rounds, as in 'smooth+rtn'");
    case Stage::Repair: return notOf(*this, "repairs what another left: write it behind one that rounds, as in 'rtn+lorc'");
    case Stage::Rounding: break;
    }
    return notOf(*this, "works on a whole model: it needs a calibration text and a network that runs");
}

Result<InputTransform> QuantMethod::transform(const QuantInput&, const ParamValues&, std::uint64_t, const RunContext&) const {
    return notOf(*this, "is no transform");
}

Result<QuantizedTensor> QuantMethod::repair(QuantizedTensor, const QuantInput&, const ParamValues&, std::uint64_t, const RunContext&) const {
    return notOf(*this, "is no repair");
}

Result<QuantizedTensor> QuantMethod::outlineRepair(QuantizedTensor, const Subject&, const ParamValues&) const {
    return notOf(*this, "is no repair");
}

Result<void> QuantMethod::quantizeModel(ModelAccess&, const ParamValues&, std::uint64_t, const RunContext&) const {
    return notOf(*this, "treats tensors one by one");
}

} // namespace qscope::engine
