// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/channels.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;
using Numbers = std::map<std::string, double>;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr double kTolerance = 1e-8; ///< of probabilities and of completeness, as written in files

const DenseMatrix& pauli(char letter) {
    static const DenseMatrix kI{1, 0, 0, 1}, kX{0, 1, 1, 0}, kY{0, Complex(0, -1), Complex(0, 1), 0}, kZ{1, 0, 0, -1};
    return letter == 'X' ? kX : letter == 'Y' ? kY : letter == 'Z' ? kZ : kI;
}

DenseMatrix scaled(double factor, DenseMatrix matrix) {
    for (Complex& entry : matrix) entry *= factor;
    return matrix;
}

/// `high` on the second qubit, `low` on the first.
DenseMatrix joined(const DenseMatrix& high, const DenseMatrix& low) {
    DenseMatrix matrix(16);
    for (std::size_t row = 0; row < 4; ++row)
        for (std::size_t column = 0; column < 4; ++column)
            matrix[row * 4 + column] = high[row / 2 * 2 + column / 2] * low[row % 2 * 2 + column % 2];
    return matrix;
}

DenseMatrix product2x2(const DenseMatrix& a, const DenseMatrix& b) {
    return {a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3], a[2] * b[0] + a[3] * b[2], a[2] * b[1] + a[3] * b[3]};
}

/// Adds a Kraus matrix that does something.
void add(Channel& channel, double weight, DenseMatrix matrix) {
    if (weight > 0) channel.kraus.push_back(scaled(std::sqrt(weight), std::move(matrix)));
}

/// The strings of a mixture with their chances; whatever is left belongs to the identity, which comes first.
Channel mixture(int qubits, const std::vector<std::pair<std::string, double>>& strings) {
    Channel channel;
    channel.qubits = qubits;
    double rest = 1;
    for (const auto& [text, chance] : strings) rest -= chance;
    const auto put = [&](const std::string& text, double chance) {
        if (chance <= 0) return;
        add(channel, chance, qubits == 1 ? pauli(text[0]) : joined(pauli(text[0]), pauli(text[1])));
        channel.chances.push_back(chance);
        channel.paulis.push_back(text);
    };
    put(std::string(static_cast<std::size_t>(qubits), 'I'), std::max(rest, 0.0));
    for (const auto& [text, chance] : strings) put(text, chance);
    return channel;
}

Channel uniformMixture(int qubits, double p) {
    std::vector<std::pair<std::string, double>> strings;
    const double each = p / (qubits == 1 ? 3 : 15);
    for (const char high : std::string_view(qubits == 1 ? " " : "IXYZ"))
        for (const char low : std::string_view("IXYZ")) {
            const std::string text = qubits == 1 ? std::string(1, low) : std::string{high, low};
            if (text.find_first_not_of('I') != std::string::npos) strings.emplace_back(text, each);
        }
    return mixture(qubits, strings);
}

/// Fills in `chances` when every Kraus matrix is a multiple of a unitary: then branches can be drawn without a state.
Channel recognised(Channel channel) {
    const std::size_t size = channel.qubits == 1 ? 2 : 4;
    std::vector<double> chances;
    for (const DenseMatrix& matrix : channel.kraus) {
        double chance = 0;
        for (std::size_t k = 0; k < size; ++k) chance += std::norm(matrix[k * size]);
        for (std::size_t row = 0; row < size; ++row)
            for (std::size_t column = 0; column < size; ++column) {
                Complex sum = row == column ? -chance : 0;
                for (std::size_t k = 0; k < size; ++k) sum += std::conj(matrix[k * size + row]) * matrix[k * size + column];
                if (std::abs(sum) > 1e-12) return channel;
            }
        chances.push_back(chance);
    }
    channel.chances = std::move(chances);
    return channel;
}

/// Decay by `gamma` toward |0>, or toward |1> with the share `excited`; then the off-diagonals shrink by `coherence` more.
Channel damping(double gamma, double excited, double coherence) {
    const double keep = std::sqrt(1 - gamma), jump = std::sqrt(gamma);
    const double flip = (1 - coherence) / 2;
    Channel channel;
    for (const auto& [letter, part] : {std::pair('I', 1 - flip), std::pair('Z', flip)}) {
        const auto put = [&, phase = letter, weight = part](double share, const DenseMatrix& matrix) {
            if (std::ranges::any_of(matrix, [](const Complex& entry) { return entry != 0.0; }))
                add(channel, share * weight, product2x2(pauli(phase), matrix));
        };
        put(1 - excited, {1, 0, 0, keep});
        put(excited, {keep, 0, 0, 1});
    }
    // A phase before a jump changes nothing: one matrix for both.
    if (gamma > 0) {
        add(channel, 1 - excited, {0, jump, 0, 0});
        add(channel, excited, {0, 0, jump, 0});
    }
    return recognised(std::move(channel));
}

Channel rotation(char axis, double angle) {
    Channel channel;
    DenseMatrix matrix = scaled(std::cos(angle / 2), pauli('I'));
    for (std::size_t i = 0; i < 4; ++i) matrix[i] += Complex(0, -std::sin(angle / 2)) * pauli(axis)[i];
    channel.kraus = {std::move(matrix)};
    return recognised(std::move(channel));
}

Channel zzRotation(double angle) {
    const Complex same(std::cos(angle / 2), -std::sin(angle / 2));
    Channel channel;
    channel.qubits = 2;
    channel.kraus = {{same, 0, 0, 0, 0, std::conj(same), 0, 0, 0, 0, std::conj(same), 0, 0, 0, 0, same}};
    return recognised(std::move(channel));
}

struct Maker {
    ChannelKind kind;
    std::function<Result<Channel>(const Numbers&)> make;
};

const std::vector<Maker>& makers() {
    const auto flip = [](char letter) {
        return [letter](const Numbers& n) -> Result<Channel> { return mixture(1, {{std::string(1, letter), n.at("p")}}); };
    };
    const auto turn = [](char axis) { return [axis](const Numbers& n) -> Result<Channel> { return rotation(axis, n.at("angle")); }; };
    static const ChannelParameter kP{"p", 0, 1, kNone, "chance of an error"};
    static const ChannelParameter kMix2{"lambda", 0, 16.0 / 15, kNone, "share that becomes completely mixed"};
    static const ChannelParameter kMix1{"lambda", 0, 4.0 / 3, kNone, "share that becomes completely mixed"};
    static const ChannelParameter kAngle{"angle", -1e6, 1e6, kNone, "radians"};
    static const ChannelParameter kExcited{"excited", 0, 1, 0, "population of |1> in equilibrium"};
    static const std::vector<Maker> table{
        {{"depolarizing", "one of X, Y, Z, equally likely", {kP}}, [](const Numbers& n) -> Result<Channel> { return uniformMixture(1, n.at("p")); }},
        {{"depolarizing2", "one of the 15 Pauli strings on two qubits, equally likely", {kP}},
         [](const Numbers& n) -> Result<Channel> { return uniformMixture(2, n.at("p")); }},
        {{"mixing", "depolarizing by the share that is lost: p = 3/4 lambda", {kMix1}},
         [](const Numbers& n) -> Result<Channel> { return uniformMixture(1, std::min(n.at("lambda") * 3 / 4, 1.0)); }},
        {{"mixing2", "depolarizing on two qubits by the share that is lost: p = 15/16 lambda", {kMix2}},
         [](const Numbers& n) -> Result<Channel> { return uniformMixture(2, std::min(n.at("lambda") * 15 / 16, 1.0)); }},
        {{"bit_flip", "X with probability p", {kP}}, flip('X')},
        {{"phase_flip", "Z with probability p", {kP}}, flip('Z')},
        {{"bit_phase_flip", "Y with probability p", {kP}}, flip('Y')},
        {{"phase_damping", "off-diagonals shrink by sqrt(1 - lambda)", {{"lambda", 0, 1, kNone, "loss"}}},
         [](const Numbers& n) -> Result<Channel> { return mixture(1, {{"Z", (1 - std::sqrt(1 - n.at("lambda"))) / 2}}); }},
        {{"amplitude_damping", "decay of |1>, or toward an excited population", {{"gamma", 0, 1, kNone, "chance of decay"}, kExcited}},
         [](const Numbers& n) -> Result<Channel> { return damping(n.at("gamma"), n.at("excited"), 1); }},
        {{"thermal_relaxation", "T1 and T2 decay over a time",
          {{"t1", 0, kInfinite, kNone, "relaxation time, above 0"}, {"t2", 0, kInfinite, kNone, "dephasing time, above 0, at most 2 t1"},
           {"time", 0, kInfinite, kNone, "duration, in the same unit"}, kExcited}},
         [](const Numbers& n) { return thermalRelaxation(n.at("t1"), n.at("t2"), n.at("time"), n.at("excited")); }},
        {{"reset", "back to |0> with p0, to |1> with p1", {{"p0", 0, 1, kNone, "chance of |0>"}, {"p1", 0, 1, 0, "chance of |1>"}}},
         [](const Numbers& n) -> Result<Channel> {
             const double p0 = n.at("p0"), p1 = n.at("p1");
             if (p0 + p1 > 1 + kTolerance) return fail(ErrorCode::OutOfRange, "reset chances p0 {} and p1 {} exceed 1", p0, p1);
             Channel channel;
             add(channel, std::max(1 - p0 - p1, 0.0), pauli('I'));
             add(channel, p0, {1, 0, 0, 0});
             add(channel, p0, {0, 1, 0, 0});
             add(channel, p1, {0, 0, 1, 0});
             add(channel, p1, {0, 0, 0, 1});
             return recognised(std::move(channel));
         }},
        {{"rotation_x", "a unitary turn about X after the gate", {kAngle}}, turn('X')},
        {{"rotation_y", "a unitary turn about Y after the gate", {kAngle}}, turn('Y')},
        {{"rotation_z", "a unitary turn about Z after the gate", {kAngle}}, turn('Z')},
        {{"rotation_zz", "exp(-i angle ZZ / 2) after the gate", {kAngle}},
         [](const Numbers& n) -> Result<Channel> { return zzRotation(n.at("angle")); }},
    };
    return table;
}

} // namespace

std::span<const ChannelKind> channelKinds() {
    static const std::vector<ChannelKind> kinds = [] {
        std::vector<ChannelKind> list;
        for (const Maker& maker : makers()) list.push_back(maker.kind);
        return list;
    }();
    return kinds;
}

Result<Channel> makeChannel(std::string_view kind, const Numbers& numbers) {
    const auto found = std::ranges::find(makers(), kind, [](const Maker& maker) { return maker.kind.name; });
    if (found == makers().end()) {
        std::string known = "pauli, kraus";
        for (const Maker& maker : makers()) known += fmt::format(", {}", maker.kind.name);
        return fail(ErrorCode::OutOfRange, "unknown channel '{}'; there are {}", kind.substr(0, 80), known);
    }
    const auto& parameters = found->kind.parameters;
    for (const auto& [key, value] : numbers)
        if (std::ranges::find(parameters, key, &ChannelParameter::key) == parameters.end())
            return fail(ErrorCode::OutOfRange, "channel '{}' has no parameter '{}'", kind, key.substr(0, 80));
    Numbers complete;
    for (const ChannelParameter& parameter : parameters) {
        const auto given = numbers.find(std::string(parameter.key));
        const double value = given == numbers.end() ? parameter.initial : given->second;
        if (given == numbers.end() && std::isnan(parameter.initial))
            return fail(ErrorCode::OutOfRange, "channel '{}' needs '{}': {}", kind, parameter.key, parameter.help);
        if (!(value >= parameter.least && value <= parameter.most))
            return fail(ErrorCode::OutOfRange, "channel '{}': {} = {} is outside {} to {}", kind, parameter.key, value,
                        parameter.least, parameter.most);
        complete.emplace(parameter.key, value);
    }
    QSCOPE_TRY(Channel channel, found->make(complete));
    channel.kind = kind;
    channel.numbers = std::move(complete);
    return channel;
}

Result<Channel> depolarizing(int qubits, double p) { return makeChannel(qubits == 1 ? "depolarizing" : "depolarizing2", {{"p", p}}); }

Result<Channel> thermalRelaxation(double t1, double t2, double time, double excited) {
    if (!(t1 > 0 && t2 > 0 && time >= 0 && std::isfinite(time)) || !(excited >= 0 && excited <= 1))
        return fail(ErrorCode::OutOfRange, "relaxation with t1 {}, t2 {}, time {}, excited {}", t1, t2, time, excited);
    if (t2 > 2 * t1 * (1 + kTolerance)) return fail(ErrorCode::OutOfRange, "t2 {} exceeds 2 t1 = {}", t2, 2 * t1);
    // Damping alone leaves exp(-t / 2 T1) of the off-diagonals; the rest of exp(-t / T2) is dephasing.
    Channel channel = damping(-std::expm1(-time / t1), excited, std::min(std::exp(time / (2 * t1) - time / t2), 1.0));
    channel.kind = "thermal_relaxation";
    channel.numbers = {{"t1", t1}, {"t2", t2}, {"time", time}, {"excited", excited}};
    return channel;
}

Result<Channel> makePauliChannel(const Numbers& chances) {
    if (chances.empty()) return fail(ErrorCode::OutOfRange, "a Pauli channel without strings");
    const std::size_t length = chances.begin()->first.size();
    std::vector<std::pair<std::string, double>> strings;
    double total = 0;
    for (const auto& [text, chance] : chances) {
        if (text.size() != length || length < 1 || length > 2 || text.find_first_not_of("IXYZ") != std::string::npos)
            return fail(ErrorCode::OutOfRange, "'{}' is no Pauli string of one or two letters like the others", text.substr(0, 80));
        if (!(chance >= 0 && chance <= 1)) return fail(ErrorCode::OutOfRange, "the chance of {} is {}", text, chance);
        if (text.find_first_not_of('I') == std::string::npos) continue; // whatever is left
        total += chance;
        strings.emplace_back(text, chance);
    }
    if (total > 1 + kTolerance) return fail(ErrorCode::OutOfRange, "the chances of a Pauli channel sum to {}", total);
    Channel channel = mixture(static_cast<int>(length), strings);
    channel.kind = "pauli";
    channel.numbers = chances;
    return channel;
}

Result<Channel> makeKrausChannel(std::vector<DenseMatrix> kraus) {
    if (kraus.empty() || kraus.size() > 16) return fail(ErrorCode::OutOfRange, "{} Kraus matrices; 1 to 16 are possible", kraus.size());
    Channel channel;
    channel.kind = "kraus";
    const std::size_t entries = kraus.front().size();
    if (entries != 4 && entries != 16) return fail(ErrorCode::OutOfRange, "a Kraus matrix of {} entries; 2x2 and 4x4 are possible", entries);
    channel.qubits = entries == 4 ? 1 : 2;
    const std::size_t size = entries == 4 ? 2 : 4;
    for (const DenseMatrix& matrix : kraus)
        if (matrix.size() != entries) return fail(ErrorCode::OutOfRange, "Kraus matrices of different sizes");
    double defect = 0;
    for (std::size_t row = 0; row < size; ++row)
        for (std::size_t column = 0; column < size; ++column) {
            Complex sum = row == column ? -1 : 0;
            for (const DenseMatrix& matrix : kraus)
                for (std::size_t k = 0; k < size; ++k) sum += std::conj(matrix[k * size + row]) * matrix[k * size + column];
            defect = std::max(defect, std::isfinite(std::abs(sum)) ? std::abs(sum) : kInfinite);
        }
    if (!(defect <= kTolerance))
        return fail(ErrorCode::OutOfRange, "the Kraus matrices miss a channel by {:.3g}: their K^dagger K must sum to 1", defect);
    channel.kraus = std::move(kraus);
    return recognised(std::move(channel));
}

} // namespace qscope::engine
