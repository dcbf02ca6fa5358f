// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/support/checkpoint_samples.h"

namespace qscope::test {

// Pieces of pickles, in the opcodes that PyTorch writes.
[[nodiscard]] std::string pickledText(std::string_view text);
[[nodiscard]] std::string pickledNumber(std::int32_t number);
[[nodiscard]] std::string pickledTuple(const std::vector<std::string>& items);
[[nodiscard]] std::string pickledNumbers(const std::vector<std::int32_t>& numbers);
[[nodiscard]] std::string pickledDict(const std::vector<std::pair<std::string, std::string>>& items);
[[nodiscard]] inline std::string pickled(const std::string& value) { return "\x80\x02" + value + "."; }

/// The identity of a storage, such as "FloatStorage"; `last` is what the legacy form adds to it.
[[nodiscard]] std::string pickledStorage(const std::string& type, const std::string& key, std::int32_t elements, const std::string& last = {});
[[nodiscard]] std::string pickledTensor(const std::string& storage, std::int32_t first, const std::vector<std::int32_t>& shape,
                                        const std::vector<std::int32_t>& strides);

/// A PyTorch file of the zip form; storages by key.
[[nodiscard]] std::string torchZip(const std::string& value, const std::vector<std::pair<std::string, std::string>>& storages);
[[nodiscard]] std::string torchLegacy(const std::string& value, const std::vector<std::string>& keys, const std::string& data,
                                      const std::string& littleEndian = "\x88");
[[nodiscard]] std::string torchTar(const std::vector<std::pair<std::string, std::string>>& members);
/// Values 0, 1, 2, ... in single precision.
[[nodiscard]] std::string countedFloats(std::size_t count);

/// A NumPy file with this header text.
[[nodiscard]] std::string npyFile(std::string_view header, std::string_view data, int version = 1);
/// The start of a ggmf file, and a parameter of it.
[[nodiscard]] Bytes ggmfStart(std::uint32_t version = 101, std::int32_t type = 0);
Bytes& putGgmfTensor(Bytes& bytes, std::string_view name, const std::vector<std::int32_t>& sizes, std::int32_t type, std::string_view data);

// One small valid file of each kind.
[[nodiscard]] std::string sampleTorchZip();
[[nodiscard]] std::string sampleTorchLegacy();
[[nodiscard]] std::string sampleTorchTar();
[[nodiscard]] std::string sampleNpy();
[[nodiscard]] std::string sampleNpz();
[[nodiscard]] std::string sampleGgmf();

} // namespace qscope::test
