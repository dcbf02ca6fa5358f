// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace qscope::engine::library {

/// Statements of OpenQASM, line by line.
class ProgramText {
public:
    explicit ProgramText(int version)
        : m_version(version) {
        m_text =
            version == 2 ? "OPENQASM 2.0;\ninclude \"qelib1.inc\";\n" : "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n";
    }
    template<class... Args>
    void line(fmt::format_string<Args...> format, Args&&... args) {
        m_text += fmt::format(format, std::forward<Args>(args)...) + '\n';
    }
    void qubits(std::string_view name, int count) {
        m_version == 2 ? line("qreg {}[{}];", name, count) : line("qubit[{}] {};", count, name);
    }
    void bits(std::string_view name, int count) {
        m_version == 2 ? line("creg {}[{}];", name, count) : line("bit[{}] {};", count, name);
    }
    /// Registers of the same size, or a qubit and a bit.
    void measure(std::string_view from, std::string_view to) {
        m_version == 2 ? line("measure {} -> {};", from, to) : line("{} = measure {};", to, from);
    }
    [[nodiscard]] std::string take() { return std::move(m_text); }

private:
    int m_version;
    std::string m_text;
};

/// "q[3]"
[[nodiscard]] inline std::string element(std::string_view name, int index) {
    return fmt::format("{}[{}]", name, index);
}
/// "q[0]", "q[1]", ...
[[nodiscard]] inline std::vector<std::string> elements(std::string_view name, int count) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.push_back(element(name, i));
    return names;
}

/// pi * numerator / denominator in lowest terms: "-3*pi/4".
[[nodiscard]] inline std::string piFraction(std::int64_t numerator, std::int64_t denominator) {
    const std::int64_t divisor = std::max<std::int64_t>(1, std::gcd(numerator, denominator));
    const std::int64_t above = numerator / divisor, below = denominator / divisor;
    if (above == 0) return "0";
    std::string text = above == 1 ? "pi" : above == -1 ? "-pi" : fmt::format("{}*pi", above);
    return below == 1 ? text : text + fmt::format("/{}", below);
}

struct FourierForm {
    bool inverse = false;
    bool swaps = true; ///< bring the result into the order of the input
    int reach = 64;    ///< rotations between qubits further apart are left out: the approximate transform
};
/// The Fourier transform |x> -> 2^{-n/2} sum_y e^{2 pi i x y / 2^n} |y>, the first wire the lowest bit.
void writeFourier(ProgramText& text, std::span<const std::string> wires, FourierForm form);

} // namespace qscope::engine::library
