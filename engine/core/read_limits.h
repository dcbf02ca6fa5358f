// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace qscope {

/// Upper bounds that every reader applies before it allocates. They are far above any real file and far below what would hurt.
struct ReadLimits {
    std::uint64_t headerBytes = 100'000'000; ///< the safetensors reference reader's own cap
    std::uint64_t tensors = 1'000'000;       ///< the largest public checkpoints have about 100,000
    std::uint64_t nameBytes = 4096;          ///< a path through nested modules
    int rank = 8;                            ///< no checkpoint format in use stores more axes
    int nestingDepth = 64;                   ///< JSON, expressions, gate bodies
    std::uint64_t stringBytes = 16'000'000;  ///< a chat template or licence text in metadata
    std::uint64_t arrayItems = 16'000'000;   ///< tokenizer vocabularies have up to about 1,000,000
    std::uint64_t qubits = 1'000'000;        ///< of one circuit, and its classical bits; the largest published ones have thousands
    std::uint64_t operations = 4'000'000;    ///< of one circuit with its gates opened up; each takes about 200 bytes
    std::uint64_t textBytes = 256'000'000;   ///< a circuit or a plan
};

} // namespace qscope
