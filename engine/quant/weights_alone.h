// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace qscope::engine {

/// Mark of a method (a second base of a `QuantMethod`) whose `quantize` looks at the weights alone: neither importance
/// nor what a calibration saw changes its result. A plan of nothing else need not run its calibration text.
class WeightsAlone {
public:
    virtual ~WeightsAlone() = default;
};

} // namespace qscope::engine
