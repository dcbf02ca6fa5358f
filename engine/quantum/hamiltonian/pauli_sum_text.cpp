// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/hamiltonian/pauli_sum.h"

#include "engine/quantum/sim/simulation.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr int kMostQubits = 64;
constexpr std::size_t kMostTerms = 1'000'000;

/// A term as written.
struct Written {
    double coefficient = 1;
    std::string string;
};

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool letter(char c) { return c == 'I' || c == 'X' || c == 'Y' || c == 'Z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }

class Reader {
public:
    explicit Reader(std::string_view text) : m_text(text) {}

    Result<std::vector<Written>> all() {
        std::vector<Written> terms;
        for (bool first = true;; first = false) {
            const bool fresh = skip(); // a new line or the beginning
            if (m_at == m_text.size()) break;
            double sign = 1;
            bool signs = false;
            for (; m_at < m_text.size() && (m_text[m_at] == '+' || m_text[m_at] == '-'); skip()) {
                if (m_text[m_at++] == '-') sign = -sign;
                signs = true;
            }
            if (!signs && !fresh && !first) return wrong("'+' or '-' is missing");
            QSCOPE_TRY(Written written, term());
            written.coefficient *= sign;
            terms.push_back(std::move(written));
            if (terms.size() > kMostTerms) return fail(ErrorCode::OutOfRange, "more than {} terms", kMostTerms);
        }
        return terms;
    }

private:
    /// Blanks, new lines and comments; whether a new line was among them.
    bool skip() {
        bool line = false;
        for (; m_at < m_text.size(); ++m_at) {
            if (m_text[m_at] == '#')
                while (m_at + 1 < m_text.size() && m_text[m_at + 1] != '\n') ++m_at;
            else if (m_text[m_at] == '\n') line = true;
            else if (!blank(m_text[m_at])) break;
        }
        return line;
    }
    void blanks() {
        while (m_at < m_text.size() && blank(m_text[m_at])) ++m_at;
    }

    Result<Written> term() {
        Written written;
        const bool number = m_at < m_text.size() && (digit(m_text[m_at]) || m_text[m_at] == '.');
        if (number) {
            const auto [end, error] = std::from_chars(m_text.data() + m_at, m_text.data() + m_text.size(), written.coefficient);
            if (error != std::errc{} || !std::isfinite(written.coefficient)) return wrong("a number cannot be read");
            m_at = static_cast<std::size_t>(end - m_text.data());
            blanks();
            if (m_at < m_text.size() && m_text[m_at] == '*') {
                ++m_at;
                blanks();
                if (m_at == m_text.size() || !letter(m_text[m_at])) return wrong("a Pauli string is missing after '*'");
            }
        }
        const std::size_t begin = m_at;
        while (m_at < m_text.size() && (letter(m_text[m_at]) || digit(m_text[m_at]) || blank(m_text[m_at]))) ++m_at;
        written.string = m_text.substr(begin, m_at - begin);
        while (!written.string.empty() && blank(written.string.back())) written.string.pop_back();
        if (!number && written.string.empty()) return wrong("a term is missing");
        if (!written.string.empty() && !letter(written.string.front())) return wrong("a Pauli string begins with a digit");
        return written;
    }

    [[nodiscard]] tl::unexpected<Error> wrong(std::string_view what) const {
        const auto line = std::count(m_text.begin(), m_text.begin() + static_cast<std::ptrdiff_t>(std::min(m_at, m_text.size())), '\n') + 1;
        return fail(ErrorCode::Malformed, "line {} of a Pauli sum: {}", line, what);
    }

    std::string_view m_text;
    std::size_t m_at = 0;
};

/// As many qubits as the strings speak of.
int qubitsOf(const std::vector<Written>& terms) {
    int qubits = 1;
    for (const Written& term : terms) {
        const bool indexed = std::ranges::any_of(term.string, digit);
        if (!indexed) qubits = std::max(qubits, static_cast<int>(std::min<std::size_t>(term.string.size(), kMostQubits + 1)));
        for (std::size_t at = 0; indexed && at < term.string.size(); ++at) {
            int index = 0;
            if (!digit(term.string[at])) continue;
            const auto [end, error] = std::from_chars(term.string.data() + at, term.string.data() + term.string.size(), index);
            if (error != std::errc{} || index >= kMostQubits) return kMostQubits + 1;
            qubits = std::max(qubits, index + 1);
            at = static_cast<std::size_t>(end - term.string.data()) - 1;
        }
    }
    return qubits;
}

Result<PauliSum> made(const std::vector<Written>& terms, int qubits) {
    if (qubits == 0) qubits = qubitsOf(terms);
    if (qubits < 1 || qubits > kMostQubits) return fail(ErrorCode::OutOfRange, "Pauli sums reach to {} qubits", kMostQubits);
    PauliSum sum{qubits, {}};
    for (const Written& term : terms) {
        PauliString string;
        if (!term.string.empty()) {
            QSCOPE_TRY(string, parsePauli(term.string, qubits));
        }
        sum.terms.push_back({string, term.coefficient});
    }
    sum = simplified(std::move(sum));
    for (const PauliTerm& term : sum.terms)
        if (!std::isfinite(term.coefficient)) return fail(ErrorCode::OutOfRange, "the coefficients of a Pauli string sum beyond all numbers");
    return sum;
}

} // namespace

Result<PauliSum> parsePauliSum(std::string_view text, int qubits) {
    QSCOPE_TRY(const auto terms, Reader(text).all());
    return made(terms, qubits);
}

Result<PauliSum> pauliSumFromJson(const Json& json) {
    if (!json.is_object() || !json.contains("terms") || !json["terms"].is_array() || json["terms"].size() > kMostTerms)
        return fail(ErrorCode::Malformed, "a Pauli sum without a list of 'terms'");
    int qubits = 0;
    if (json.contains("qubits")) {
        const Json& said = json["qubits"];
        if (!said.is_number_integer() || said.get<std::int64_t>() < 1 || said.get<std::int64_t>() > kMostQubits)
            return fail(ErrorCode::Malformed, "'qubits' of a Pauli sum is not a number from 1 to {}", kMostQubits);
        qubits = json["qubits"].get<int>();
    }
    std::vector<Written> terms;
    for (const Json& term : json["terms"]) {
        if (!term.is_array() || term.size() != 2 || !term[0].is_string() || !term[1].is_number() || !std::isfinite(term[1].get<double>()))
            return fail(ErrorCode::Malformed, "term {} of a Pauli sum is not a string and a number", terms.size() + 1);
        terms.push_back({term[1].get<double>(), term[0].get<std::string>()});
    }
    return made(terms, qubits);
}

std::string letters(const PauliString& string, int qubits) {
    std::string text;
    for (int qubit = qubits - 1; qubit >= 0; --qubit)
        text += "IXZY"[(string.x >> qubit & 1) | (string.z >> qubit & 1) << 1];
    return text;
}

std::string toText(const PauliSum& sum) {
    std::string text;
    for (const PauliTerm& term : sum.terms) text += fmt::format("{:+.17g} {}\n", term.coefficient, letters(term.string, sum.qubits));
    return text;
}

Json toJson(const PauliSum& sum) {
    Json terms = Json::array();
    for (const PauliTerm& term : sum.terms) terms.push_back(Json::array({letters(term.string, sum.qubits), term.coefficient}));
    return {{"qubits", sum.qubits}, {"terms", std::move(terms)}};
}

} // namespace qscope::engine
