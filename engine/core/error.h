// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

namespace qscope {

enum class ErrorCode {
    Cancelled,   ///< the user asked to stop; nothing was published
    Io,          ///< the operating system refused a file operation
    Malformed,   ///< input breaks its own format
    Unsupported, ///< input is well formed, but not something this program does
    OutOfRange,  ///< a parameter or selector lies outside what is allowed
    OutOfMemory, ///< the request does not fit; nothing was allocated
    Device       ///< a compute device failed or is absent
};

/// What went wrong, where, and what was expected, in one line; `trail` holds the steps that led there, innermost first.
struct Error {
    ErrorCode code;
    std::string message;
    std::vector<std::string> trail;
};

/// "outermost: ...: innermost: message", one line.
[[nodiscard]] std::string describe(const Error& error);

} // namespace qscope
