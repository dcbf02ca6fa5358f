// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/quantum/noise_support.h"

#include <cmath>
#include <functional>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;
using oracle::Vector;

namespace {

/// A mixed state without symmetry: A A^dagger / trace.
Vector someState(int qubits, std::mt19937& random) {
    std::normal_distribution<double> normal;
    const std::size_t size = std::size_t{1} << qubits;
    Vector a(size * size);
    for (auto& entry : a) entry = {normal(random), normal(random)};
    Vector rho = oracle::product(a, oracle::adjoint(a));
    double trace = 0;
    for (std::size_t k = 0; k < size; ++k) trace += rho[k * size + k].real();
    for (auto& entry : rho) entry /= trace;
    return rho;
}

Vector plus(Vector a, double factor, const Vector& b) {
    for (std::size_t k = 0; k < a.size(); ++k) a[k] += factor * b[k];
    return a;
}
Vector scaled(double factor, Vector a) {
    for (auto& entry : a) entry *= factor;
    return a;
}
/// P rho P for letters, the first qubit rightmost.
Vector flipped(const std::string& letters, const Vector& rho) {
    const int n = static_cast<int>(letters.size());
    Vector result = rho;
    for (int qubit = 0; qubit < n; ++qubit) {
        const char letter = letters[static_cast<std::size_t>(n - 1 - qubit)];
        if (letter != 'I')
            result = conjugated({oracle::matrixOf(std::string(1, static_cast<char>(letter - 'A' + 'a')), {})}, {qubit}, n, result);
    }
    return result;
}
Vector mixed(int qubits) {
    const std::size_t size = std::size_t{1} << qubits;
    Vector result(size * size);
    for (std::size_t k = 0; k < size; ++k) result[k * size + k] = 1.0 / static_cast<double>(size);
    return result;
}

/// What the channel's Pauli transfer matrix does to a state, back as a matrix.
Vector transferred(const Channel& channel, const Vector& rho) {
    std::vector<int> qubits;
    for (int k = 0; k < channel.qubits; ++k) qubits.push_back(k);
    const PauliMap map = pauliMap(qubits, channel.kraus);
    const std::string letters = "IXZY";
    const std::size_t size = std::size_t{1} << 2 * channel.qubits;
    const auto name = [&](std::size_t index) {
        std::string text;
        for (int k = channel.qubits - 1; k >= 0; --k) text += letters[index >> 2 * k & 3];
        return text;
    };
    Vector result(rho.size());
    const std::size_t dimension = std::size_t{1} << channel.qubits;
    for (std::size_t p = 0; p < size; ++p) {
        double coefficient = 0;
        for (std::size_t q = 0; q < size; ++q) coefficient += map.entries[p * size + q] * denseExpectation(name(q), rho);
        Vector pauli(rho.size()); // P itself: P applied to the columns of the identity
        for (std::size_t k = 0; k < dimension; ++k) pauli[k * dimension + k] = 1;
        for (int qubit = 0; qubit < channel.qubits; ++qubit) {
            const char letter = letters[p >> 2 * qubit & 3];
            const int row = qubit + channel.qubits;
            if (letter != 'I')
                pauli = oracle::applied(oracle::matrixOf(std::string(1, static_cast<char>(letter - 'A' + 'a')), {}), {&row, 1}, pauli);
        }
        result = plus(result, coefficient / static_cast<double>(dimension), pauli);
    }
    return result;
}

} // namespace

TEST_CASE("every channel does what its definition says, by its Kraus matrices and by its Pauli transfer matrix") {
    using Action = std::function<Vector(const Vector&)>;
    struct Case {
        std::string kind;
        std::map<std::string, double> numbers;
        Action action;
    };
    const auto entrywise = [](double p00, double p01, double p10, double p11, double coherence) {
        // New populations from old ones, off-diagonals times `coherence`; row-major.
        return [=](const Vector& r) { return Vector{p00 * r[0] + p01 * r[3], coherence * r[1], coherence * r[2], p10 * r[0] + p11 * r[3]}; };
    };
    const auto pauliSum = [](int qubits, double p) {
        return [=](const Vector& rho) {
            Vector result = scaled(1 - p, rho);
            for (const char high : std::string(qubits == 1 ? "I" : "IXYZ"))
                for (const char low : std::string("IXYZ")) {
                    const std::string letters = qubits == 1 ? std::string(1, low) : std::string{high, low};
                    if (letters != "I" && letters != "II") result = plus(result, p / (qubits == 1 ? 3 : 15), flipped(letters, rho));
                }
            return result;
        };
    };
    const auto mixing = [](int qubits, double l) { return [=](const Vector& rho) { return plus(scaled(1 - l, rho), l, mixed(qubits)); }; };
    const auto flip = [](std::string letter, double p) { return [=](const Vector& rho) { return plus(scaled(1 - p, rho), p, flipped(letter, rho)); }; };
    const auto turn = [](std::string gate, double angle, std::vector<int> qubits) {
        return [=](const Vector& rho) { return conjugated({oracle::matrixOf(gate, {&angle, 1})}, qubits, static_cast<int>(qubits.size()), rho); };
    };
    const double reset = 1 - std::exp(-30.0 / 100);
    const std::vector<Case> cases{
        {"depolarizing", {{"p", 0.3}}, pauliSum(1, 0.3)},
        {"depolarizing2", {{"p", 0.4}}, pauliSum(2, 0.4)},
        {"mixing", {{"lambda", 0.3}}, mixing(1, 0.3)},
        {"mixing", {{"lambda", 4.0 / 3}}, mixing(1, 4.0 / 3)},
        {"mixing2", {{"lambda", 0.25}}, mixing(2, 0.25)},
        {"bit_flip", {{"p", 0.2}}, flip("X", 0.2)},
        {"phase_flip", {{"p", 0.2}}, flip("Z", 0.2)},
        {"bit_phase_flip", {{"p", 0.2}}, flip("Y", 0.2)},
        {"phase_damping", {{"lambda", 0.36}}, entrywise(1, 0, 0, 1, 0.8)},
        {"amplitude_damping", {{"gamma", 0.36}}, entrywise(1, 0.36, 0, 0.64, 0.8)},
        {"amplitude_damping", {{"gamma", 0.36}, {"excited", 0.25}}, entrywise(1 - 0.09, 0.27, 0.09, 1 - 0.27, 0.8)},
        {"amplitude_damping", {{"gamma", 1}}, entrywise(1, 1, 0, 0, 0)},
        {"thermal_relaxation", {{"t1", 100}, {"t2", 80}, {"time", 30}}, entrywise(1, reset, 0, 1 - reset, std::exp(-30.0 / 80))},
        {"thermal_relaxation", {{"t1", 100}, {"t2", 200}, {"time", 30}, {"excited", 0.1}},
         entrywise(1 - 0.1 * reset, 0.9 * reset, 0.1 * reset, 1 - 0.9 * reset, std::exp(-30.0 / 200))},
        {"thermal_relaxation", {{"t1", 100}, {"t2", 150}, {"time", 30}}, entrywise(1, reset, 0, 1 - reset, std::exp(-30.0 / 150))},
        {"reset", {{"p0", 0.2}, {"p1", 0.1}}, [](const Vector& r) { return Vector{0.7 * r[0] + 0.2, 0.7 * r[1], 0.7 * r[2], 0.7 * r[3] + 0.1}; }},
        {"rotation_x", {{"angle", 0.4}}, turn("rx", 0.4, {0})},
        {"rotation_y", {{"angle", 0.4}}, turn("ry", 0.4, {0})},
        {"rotation_z", {{"angle", 0.4}}, turn("rz", 0.4, {0})},
        {"rotation_zz", {{"angle", 0.4}}, turn("rzz", 0.4, {0, 1})},
    };
    std::mt19937 random(4);
    std::vector<std::string> seen;
    for (const Case& each : cases) {
        INFO(each.kind);
        seen.push_back(each.kind);
        const auto channel = makeChannel(each.kind, each.numbers);
        REQUIRE(channel.has_value());
        std::vector<int> qubits;
        for (int k = 0; k < channel->qubits; ++k) qubits.push_back(k);
        const Vector rho = someState(channel->qubits, random);
        const Vector wanted = each.action(rho);
        CHECK(oracle::distance(conjugated(channel->kraus, qubits, channel->qubits, rho), wanted) < 1e-14);
        CHECK(oracle::distance(transferred(*channel, rho), wanted) < 1e-14);
        // What made it also makes a general channel of its matrices.
        CHECK(makeKrausChannel(channel->kraus).has_value());
    }
    for (const ChannelKind& kind : channelKinds()) CHECK(std::ranges::count(seen, kind.name) > 0);
}

TEST_CASE("a Pauli channel has the first qubit rightmost and leaves what is left alone") {
    std::mt19937 random(5);
    const Vector rho = someState(2, random);
    const auto channel = makePauliChannel({{"XI", 0.1}, {"ZY", 0.2}, {"II", 0.3}});
    REQUIRE(channel.has_value());
    const Vector wanted = plus(plus(scaled(0.7, rho), 0.1, flipped("XI", rho)), 0.2, flipped("ZY", rho));
    CHECK(oracle::distance(conjugated(channel->kraus, {0, 1}, 2, rho), wanted) < 1e-15);
    CHECK(oracle::distance(transferred(*channel, rho), wanted) < 1e-15);
    CHECK(channel->chances.size() == 3);
}

TEST_CASE("unitary mixtures are recognised, other channels are not") {
    const auto thermal = [](double t1, double t2) { return thermalRelaxation(t1, t2, 1, 0)->chances.size(); };
    CHECK(thermal(100, 50) == 0);
    CHECK(thermal(INFINITY, 50) == 2);
    CHECK(makeChannel("amplitude_damping", {{"gamma", 0.1}})->chances.empty());
    CHECK(makeKrausChannel({{1, 0, 0, 1}})->chances == std::vector<double>{1});
}

TEST_CASE("impossible channels are refused with the reason") {
    const auto reason = [](const auto& result) { return result ? std::string{} : result.error().message; };
    CHECK(reason(makeChannel("depolarizing", {{"p", 1.2}})) == "channel 'depolarizing': p = 1.2 is outside 0 to 1");
    CHECK(reason(makeChannel("depolarizing", {{"p", std::nan("")}})) == "channel 'depolarizing': p = nan is outside 0 to 1");
    CHECK(reason(makeChannel("depolarizing", {})) == "channel 'depolarizing' needs 'p': chance of an error");
    CHECK(reason(makeChannel("bit_flip", {{"p", 0.1}, {"q", 0.1}})) == "channel 'bit_flip' has no parameter 'q'");
    CHECK(reason(makeChannel("nosuch", {})).find("unknown channel 'nosuch'; there are pauli, kraus, depolarizing") == 0);
    CHECK(reason(thermalRelaxation(10, 21, 1, 0)) == "t2 21 exceeds 2 t1 = 20");
    CHECK(reason(makeChannel("reset", {{"p0", 0.7}, {"p1", 0.7}})) == "reset chances p0 0.7 and p1 0.7 exceed 1");
    CHECK(reason(makePauliChannel({{"X", 0.6}, {"Z", 0.6}})) == "the chances of a Pauli channel sum to 1.2");
    CHECK_FALSE(makePauliChannel({{"X", 0.1}, {"ZZ", 0.1}}).has_value());
    CHECK_FALSE(makePauliChannel({{"XYZ", 0.1}}).has_value());
    CHECK(reason(makeKrausChannel({{1, 0, 0, 0.5}})) ==
          "the Kraus matrices miss a channel by 0.75: their K^dagger K must sum to 1");
    CHECK_FALSE(makeKrausChannel({{1, 0, 0, NAN}}).has_value());
    CHECK_FALSE(makeKrausChannel({{1, 0, 0}}).has_value());
    CHECK_FALSE(makeKrausChannel({}).has_value());
}

TEST_CASE("maps of gates and their products agree with the matrices' products") {
    const GateOp first{"cu3", {0.3, 0.5, -0.2}, {1, 0}};
    const GateOp second{"rx", {0.7}, {0}};
    const auto joined = product(pauliMap(second), pauliMap(first));
    const auto other = product(pauliMap(first), pauliMap(second));
    Circuit circuit;
    circuit.qubits = 2;
    circuit.operations = {{first, {}, {}}, {second, {}, {}}};
    CHECK(joined.qubits == std::vector<int>{1, 0});
    const Vector whole = oracle::unitaryOf(circuit);
    const auto expected = pauliMap({0, 1}, std::vector<DenseMatrix>{whole});
    // The same map, its letters in the other order.
    for (std::size_t row = 0; row < 16; ++row)
        for (std::size_t column = 0; column < 16; ++column) {
            const auto turned = [](std::size_t index) { return index >> 2 | (index & 3) << 2; };
            CHECK(joined.entries[row * 16 + column] == Approx(expected.entries[turned(row) * 16 + turned(column)]).margin(1e-14));
        }
    CHECK(other.entries != joined.entries);
}
