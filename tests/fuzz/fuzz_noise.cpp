// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/hamiltonian/pauli_sum.h"
#include "engine/quantum/sim/noise_json.h"

#include <cstdlib>
#include <string_view>

using namespace qscope;
using namespace qscope::engine;

namespace {

void hold(bool property) {
    if (!property) std::abort();
}

} // namespace

/// Any bytes are a noise model, a preset or a Pauli sum, or are refused; what is read is the same after it was written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)makeNoisePreset(text);
    if (const auto sum = parsePauliSum(text)) {
        const auto again = parsePauliSum(toText(*sum), sum->qubits);
        hold(again && toJson(*again) == toJson(*sum));
    }
    const auto json = parseJson(text);
    if (!json) return 0;
    if (const auto model = noiseFromJson(*json)) {
        const Json written = toJson(*model);
        const auto again = noiseFromJson(written);
        hold(again && toJson(*again) == written);
    }
    if (const auto sum = pauliSumFromJson(*json)) {
        const auto again = pauliSumFromJson(toJson(*sum));
        hold(again && toText(*again) == toText(*sum));
    }
    return 0;
}
