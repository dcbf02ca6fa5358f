// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/fuzz/reader_property.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto reader = qscope::engine::makePytorchReader();
    qscope::test::checkReader(*reader, data, size);
    return 0;
}
