// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/error.h"

#include <fmt/format.h>
#include <tl/expected.hpp>

#include <utility>

namespace qscope {

/// A value, or the reason why there is none. Used for everything the world can break: files, devices, user input.
template<class T>
using Result = tl::expected<T, Error>;

/// `return fail(ErrorCode::Malformed, "header says {} bytes, the file has {}", said, has);`
template<class... Args>
[[nodiscard]] tl::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> text, Args&&... args) {
    return tl::unexpected<Error>(Error{code, fmt::format(text, std::forward<Args>(args)...), {}});
}

/// The same error with one more step of its trail, for the next layer up.
[[nodiscard]] inline tl::unexpected<Error> during(Error error, std::string step) {
    error.trail.push_back(std::move(step));
    return tl::unexpected<Error>(std::move(error));
}

} // namespace qscope

#define QSCOPE_CONCAT_(a, b) a##b
#define QSCOPE_CONCAT(a, b) QSCOPE_CONCAT_(a, b)

/// `QSCOPE_TRY(const auto size, reader.u64());` declares `size`, or returns the error from the enclosing function.
#define QSCOPE_TRY(declaration, expression)                                                                            \
    auto QSCOPE_CONCAT(tried_, __LINE__) = (expression);                                                               \
    if (!QSCOPE_CONCAT(tried_, __LINE__))                                                                              \
        return tl::unexpected<::qscope::Error>(std::move(QSCOPE_CONCAT(tried_, __LINE__)).error());                    \
    declaration = *std::move(QSCOPE_CONCAT(tried_, __LINE__))

/// `QSCOPE_CHECK(writer.commit());` returns the error of a `Result<void>` from the enclosing function. The expression
/// may hold a lambda that checks results of its own.
#define QSCOPE_CHECK(expression) QSCOPE_CHECK_(QSCOPE_CONCAT(checked_, __COUNTER__), expression)
#define QSCOPE_CHECK_(name, expression)                                                                                \
    do {                                                                                                               \
        if (auto name = (expression); !name) return tl::unexpected<::qscope::Error>(std::move(name).error());          \
    } while (false)
