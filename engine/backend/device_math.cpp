// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/device_math.h"

#include "engine/backend/compute_backend.h"

namespace qscope::engine {

MathDevice* mathDevice(const RunContext& context) { return dynamic_cast<MathDevice*>(&context.backend); }

} // namespace qscope::engine
