// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/hamiltonian/evolution.h"
#include "engine/quantum/hamiltonian/ground_state.h"
#include "engine/quantum/hamiltonian/lindblad.h"
#include "engine/quantum/hamiltonian/thermal.h"
#include "engine/quantum/hamiltonian/timeline.h"
#include "tests/unit/quantum/noise_support.h"

#include <Eigen/SVD>

#include <cmath>
#include <numbers>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;
using oracle::Complex;
using oracle::Vector;

namespace {

PauliSum sumOf(std::string_view text, int qubits = 0) {
    auto sum = parsePauliSum(text, qubits);
    if (!sum) UNSCOPED_INFO(sum.error().message);
    REQUIRE(sum.has_value());
    return std::move(*sum);
}

PauliSum randomSum(int qubits, int terms, std::mt19937& random) {
    std::uniform_real_distribution<double> coefficient(-1, 1);
    PauliSum sum{qubits, {}};
    const std::uint64_t mask = (std::uint64_t{1} << qubits) - 1;
    for (int k = 0; k < terms; ++k) sum.terms.push_back({{random() & mask, random() & mask}, coefficient(random)});
    return simplified(sum);
}

/// H as a matrix, letter by letter.
Vector naive(const PauliSum& sum) {
    const std::size_t size = std::size_t{1} << sum.qubits;
    Vector matrix(size * size);
    for (const PauliTerm& term : sum.terms) {
        Vector product(size * size);
        for (std::size_t k = 0; k < size; ++k) product[k * size + k] = 1;
        const std::string text = letters(term.string, sum.qubits);
        for (int qubit = 0; qubit < sum.qubits; ++qubit) {
            const char letter = text[static_cast<std::size_t>(sum.qubits - 1 - qubit)];
            const int row = qubit + sum.qubits;
            if (letter != 'I')
                product = oracle::applied(oracle::matrixOf(std::string(1, static_cast<char>(letter - 'A' + 'a')), {}), {&row, 1}, product);
        }
        for (std::size_t k = 0; k < matrix.size(); ++k) matrix[k] += term.coefficient * product[k];
    }
    return matrix;
}

Vector times(const Vector& matrix, const Vector& v) {
    Vector result(v.size());
    for (std::size_t row = 0; row < v.size(); ++row)
        for (std::size_t column = 0; column < v.size(); ++column) result[row] += matrix[row * v.size() + column] * v[column];
    return result;
}

/// exp(factor M) v by its power series, in many short steps.
Vector series(const Vector& matrix, Complex factor, Vector v) {
    constexpr int kSteps = 64;
    for (int step = 0; step < kSteps; ++step) {
        Vector term = v;
        for (int k = 1; k < 30; ++k) {
            term = times(matrix, term);
            for (auto& entry : term) entry *= factor / (1.0 * k * kSteps);
            for (std::size_t i = 0; i < v.size(); ++i) v[i] += term[i];
        }
    }
    return v;
}

Vector randomState(int qubits, std::mt19937& random) {
    std::normal_distribution<double> normal;
    Vector v(std::size_t{1} << qubits);
    double norm = 0;
    for (auto& entry : v) {
        entry = {normal(random), normal(random)};
        norm += std::norm(entry);
    }
    for (auto& entry : v) entry /= std::sqrt(norm);
    return v;
}

/// -sum Z Z - g sum X on an open chain.
PauliSum isingChain(int qubits, double field) {
    std::string text;
    for (int k = 0; k + 1 < qubits; ++k) text += "- Z" + std::to_string(k) + " Z" + std::to_string(k + 1) + "\n";
    for (int k = 0; k < qubits; ++k) text += fmt::format("- {} X{}\n", field, k);
    return sumOf(text);
}

} // namespace

TEST_CASE("Pauli sums are read from text and JSON and written back") {
    const PauliSum sum = sumOf("0.5 * ZZ - 1.2 X0 + 3 # comment + 7\n 2e-1 Y0 X1\n- ZZ", 2);
    REQUIRE(sum.terms.size() == 4);
    CHECK(sum.terms[0].coefficient == -0.5);
    CHECK(sum.terms[1].string.x == 1);
    CHECK(sum.terms[1].coefficient == -1.2);
    CHECK((sum.terms[2].string.x | sum.terms[2].string.z) == 0);
    CHECK(letters(sum.terms[3].string, 2) == "XY");
    CHECK(sumOf("X0 Z4").qubits == 5);
    CHECK(sumOf("ZZZ").qubits == 3);
    CHECK(sumOf("- -X").terms[0].coefficient == 1);
    const auto again = parsePauliSum(toText(sum), 2);
    REQUIRE(again.has_value());
    CHECK(toJson(*again) == toJson(sum));
    const auto fromJson = pauliSumFromJson(*parseJson(toJson(sum).dump()));
    REQUIRE(fromJson.has_value());
    CHECK(toText(*fromJson) == toText(sum));
    CHECK(parsePauliSum("", 2)->terms.empty());
    for (const char* wrong : {"ZZ XX", "1.5 * ", "+", "ZZ +", "2 3", "ZQ", "Z0 Z0", "Z64", "1e999 Z", "* Z", "ZZ - ZZZ", "Z99999999999"}) {
        INFO(wrong);
        CHECK_FALSE(parsePauliSum(wrong).has_value());
    }
    for (const char* wrong : {"[]", "{}", R"({"terms": [["Z"]]})", R"({"terms": [["Z", "1"]]})", R"({"qubits": 0, "terms": []})", R"({"qubits": 2, "terms": [["Z", 1]]})"}) {
        INFO(wrong);
        CHECK_FALSE(pauliSumFromJson(*parseJson(wrong)).has_value());
    }
}

TEST_CASE("a Pauli sum as a matrix and as a product agrees with its letters") {
    std::mt19937 random(1);
    TestRun run;
    const PauliSum sum = randomSum(4, 12, random);
    const Vector wanted = naive(sum);
    CHECK(oracle::distance(*denseMatrix(sum), wanted) < 1e-15);
    const Vector v = randomState(4, random);
    Vector image(16);
    REQUIRE(applySum(sum, v, image, run.context).has_value());
    CHECK(oracle::distance(image, times(wanted, v)) < 1e-14);
    CHECK_FALSE(denseMatrix(randomSum(13, 1, random)).has_value());
    CHECK_FALSE(applySum(sum, v, std::span(image).first(8), run.context).has_value());
    CHECK_FALSE(applySum({3, {{{8, 0}, 1}}}, std::span(v).first(8), std::span(image).first(8), run.context).has_value());
}

TEST_CASE("a Pauli sum on more amplitudes than are worked on at a time agrees with its letters") {
    std::mt19937 random(8);
    TestRun run;
    constexpr int kQubits = 13;
    const PauliSum sum = randomSum(kQubits, 12, random);
    const Vector v = randomState(kQubits, random);
    Vector wanted(v.size());
    for (const PauliTerm& term : sum.terms) {
        Vector image = v;
        const std::string text = letters(term.string, kQubits);
        for (int qubit = 0; qubit < kQubits; ++qubit) {
            const char letter = text[static_cast<std::size_t>(kQubits - 1 - qubit)];
            if (letter != 'I')
                image = oracle::applied(oracle::matrixOf(std::string(1, static_cast<char>(letter - 'A' + 'a')), {}), {&qubit, 1}, image);
        }
        for (std::size_t k = 0; k < v.size(); ++k) wanted[k] += term.coefficient * image[k];
    }
    Vector image(v.size());
    REQUIRE(applySum(sum, v, image, run.context).has_value());
    CHECK(oracle::distance(image, wanted) < 1e-14);
}

TEST_CASE("groups can be measured together and hold every term once") {
    std::mt19937 random(2);
    const PauliSum sum = randomSum(4, 40, random);
    const auto commutes = [&](std::size_t a, std::size_t b) {
        int differing = 0;
        const std::string left = letters(sum.terms[a].string, 4), right = letters(sum.terms[b].string, 4);
        for (std::size_t k = 0; k < 4; ++k) differing += left[k] != 'I' && right[k] != 'I' && left[k] != right[k];
        return std::pair(differing == 0, differing % 2 == 0);
    };
    const auto check = [&](const std::vector<std::vector<std::size_t>>& groups, bool qubitwise) {
        std::vector<std::size_t> seen;
        for (const auto& group : groups)
            for (const std::size_t a : group) {
                seen.push_back(a);
                for (const std::size_t b : group) CHECK((qubitwise ? commutes(a, b).first : commutes(a, b).second));
            }
        std::ranges::sort(seen);
        CHECK(seen.size() == sum.terms.size());
        CHECK(std::ranges::adjacent_find(seen) == seen.end());
    };
    const auto narrow = qubitwiseGroups(sum);
    const auto wide = commutingGroups(sum);
    check(narrow, true);
    check(wide, false);
    CHECK(wide.size() < narrow.size());
    CHECK(narrow.size() < sum.terms.size());
    CHECK(qubitwiseGroups(sumOf("XX + ZZ")).size() == 2);
    CHECK(commutingGroups(sumOf("XX + ZZ")).size() == 1);
}

TEST_CASE("exact evolution agrees with the power series and undoes itself") {
    std::mt19937 random(3);
    TestRun run;
    for (const int qubits : {1, 3, 5}) {
        const PauliSum sum = randomSum(qubits, 10, random);
        const Vector start = randomState(qubits, random);
        for (const double time : {0.3, -1.0, 6.0}) {
            const auto result = evolved(sum, start, time, 1e-12, run.context);
            REQUIRE(result.has_value());
            CHECK(oracle::distance(*result, series(naive(sum), Complex(0, -time), start)) < 1e-10);
            CHECK(oracle::distance(*evolved(sum, *result, -time, 1e-12, run.context), start) < 1e-10);
        }
    }
    // Precession of one spin: <Z> = cos(2 t) under X.
    const auto spin = evolved(sumOf("X"), {1, 0}, 0.7, 1e-13, run.context);
    CHECK(std::norm((*spin)[0]) - std::norm((*spin)[1]) == Approx(std::cos(1.4)));
    CHECK_FALSE(evolved(sumOf("X"), {1, 0, 0, 0}, 0.7, 1e-13, run.context).has_value());
    CHECK_FALSE(evolved(sumOf("X"), {1, 0}, INFINITY, 1e-13, run.context).has_value());
}

TEST_CASE("product formulas converge with their order") {
    const PauliSum sum = sumOf("0.7 XXI + 0.4 IZZ - 0.3 ZIX + 0.5 IYI + 0.2 ZYX + 0.1 YIY + 0.25");
    std::mt19937 random(4);
    TestRun run;
    const Vector start = randomState(3, random);
    const double time = 1.1;
    const Vector wanted = series(naive(sum), Complex(0, -time), start);
    for (const int order : {1, 2, 4}) {
        const auto error = [&](int steps) {
            const auto circuit = trotterCircuit(sum, time, steps, order);
            REQUIRE(circuit.has_value());
            Vector state = oracle::finalState(*circuit, start);
            for (auto& entry : state) entry *= std::exp(Complex(0, circuit->globalPhase));
            return oracle::distance(state, wanted);
        };
        const double coarse = error(8), fine = error(16);
        INFO("order " << order << ": " << coarse << ", " << fine);
        CHECK(fine < 0.05);
        CHECK(std::log2(coarse / fine) == Approx(order).margin(0.25));
    }
    CHECK_FALSE(trotterCircuit(sum, time, 8, 3).has_value());
    CHECK_FALSE(trotterCircuit(sum, time, 0, 1).has_value());
    CHECK_FALSE(trotterCircuit(sum, time, 2'000'000'000, 4).has_value());
}

TEST_CASE("the lowest energies of a chain are those of its free fermions") {
    // The open Ising chain maps to fermions of energies 2 s, s the singular values of the matrix with the field on the diagonal and 1
    // below it; the vacuum has -sum s. Source: Pfeuty, "The one-dimensional Ising model with a transverse field", Ann. Phys. 57, 1970.
    TestRun run;
    for (const int n : {5, 9}) {
        const double field = 0.8;
        Eigen::MatrixXd couplings = field * Eigen::MatrixXd::Identity(n, n);
        couplings.diagonal(-1).setOnes();
        const Eigen::VectorXd fermions = Eigen::JacobiSVD<Eigen::MatrixXd>(couplings).singularValues(); // descending
        const auto states = lowestStates(isingChain(n, field), 3, {}, run.context);
        REQUIRE(states.has_value());
        const double vacuum = -fermions.sum();
        CHECK((*states)[0].energy == Approx(vacuum).epsilon(1e-11));
        CHECK((*states)[1].energy == Approx(vacuum + 2 * fermions(n - 1)).epsilon(1e-11));
        CHECK((*states)[2].energy == Approx(vacuum + 2 * fermions(n - 2)).epsilon(1e-11));
        for (const auto& state : *states) CHECK(state.residual < 1e-7);
    }
    // Critical chain: the ground energy is 1 - 1 / sin(pi / (2 (2 n + 1))).
    for (const int n : {4, 8, 10}) {
        const auto ground = lowestStates(isingChain(n, 1), 1, {}, run.context);
        REQUIRE(ground.has_value());
        CHECK((*ground)[0].energy == Approx(1 - 1 / std::sin(std::numbers::pi / (2.0 * (2 * n + 1)))).epsilon(1e-11));
    }
}

TEST_CASE("degenerate ground states are all found") {
    TestRun run;
    // Without a field both ferromagnetic states have the energy -(n - 1), then come 2 (n - 1) states with one wall.
    const auto states = lowestStates(isingChain(8, 0), 4, {}, run.context);
    REQUIRE(states.has_value());
    CHECK((*states)[0].energy == Approx(-7));
    CHECK((*states)[1].energy == Approx(-7));
    CHECK((*states)[2].energy == Approx(-5));
    CHECK((*states)[3].energy == Approx(-5));
    Complex overlap = 0;
    for (std::size_t k = 0; k < 256; ++k) overlap += std::conj((*states)[0].vector[k]) * (*states)[1].vector[k];
    CHECK(std::abs(overlap) < 1e-9);
    CHECK_FALSE(lowestStates(sumOf("Z"), 3, {}, run.context).has_value());
}

TEST_CASE("thermal states have the populations of Boltzmann") {
    TestRun run;
    const auto spin = thermalState(sumOf("0.5 Z"), 2, run.context);
    REQUIRE(spin.has_value());
    CHECK(spin->energy == Approx(-0.5 * std::tanh(1)));
    CHECK(spin->freeEnergy == Approx(-std::log(2 * std::cosh(1)) / 2));
    CHECK(spin->entropy == Approx(2 * (spin->energy - spin->freeEnergy)));
    CHECK(spin->density[0].real() == Approx(1 / (1 + std::exp(2))));
    std::mt19937 random(6);
    const PauliSum sum = randomSum(3, 8, random);
    const auto state = thermalState(sum, 0.7, run.context);
    const Vector matrix = naive(sum);
    double sumOfWeights = 0;
    Vector wanted(64);
    for (std::size_t column = 0; column < 8; ++column) {
        Vector basis(8);
        basis[column] = 1;
        const Vector image = series(matrix, -0.7, basis);
        for (std::size_t row = 0; row < 8; ++row) wanted[row * 8 + column] = image[row];
        sumOfWeights += image[column].real();
    }
    for (auto& entry : wanted) entry /= sumOfWeights;
    CHECK(oracle::distance(state->density, wanted) < 1e-12);
    CHECK(thermalState(sum, 0, run.context)->entropy == Approx(3 * std::log(2)));
    const auto cold = thermalState(sumOf("-ZZ"), INFINITY, run.context);
    CHECK(cold->entropy == Approx(std::log(2)));
    CHECK(cold->energy == Approx(-1));
    CHECK_FALSE(thermalState(sum, -1, run.context).has_value());
}

TEST_CASE("Lindblad evolution decays, dephases and precesses as it must") {
    TestRun run;
    const Jump decay{{0}, {0, 1, 0, 0}, 0.3};
    const std::vector<double> times{0, 0.5, 2};
    const Vector plus{.5, .5, .5, .5};
    const auto still = lindblad(sumOf("0.9 Z"), {&decay, 1}, plus, times, 1e-11, run.context);
    REQUIRE(still.has_value());
    for (std::size_t k = 0; k < times.size(); ++k) {
        const double t = times[k];
        CHECK((*still)[k][3].real() == Approx(0.5 * std::exp(-0.3 * t)));
        CHECK(std::abs((*still)[k][1] - 0.5 * std::exp(Complex(-0.15 * t, -1.8 * t))) < 1e-9);
        CHECK((*still)[k][0].real() + (*still)[k][3].real() == Approx(1));
    }
    // On two qubits against the power series of the whole generator, as a matrix on 16 entries.
    std::mt19937 random(7);
    const PauliSum sum = randomSum(2, 6, random);
    const Vector a = randomState(4, random);
    const std::vector<Jump> jumps{{{1}, {0, 1, 0, 0}, 0.4}, {{1, 0}, a, 0.7}, {{0}, {1, 0, 0, -1}, 0.1}};
    const Vector h = naive(sum);
    const auto embedded = [&](const Jump& jump) {
        Vector matrix(16);
        for (std::size_t column = 0; column < 4; ++column) {
            Vector basis(4);
            basis[column] = 1;
            const Vector image = oracle::applied(jump.matrix, jump.qubits, basis);
            for (std::size_t row = 0; row < 4; ++row) matrix[row * 4 + column] = image[row];
        }
        return matrix;
    };
    const auto generator = [&](const Vector& rho) {
        Vector result(16);
        const auto add = [&](Complex factor, const Vector& m) {
            for (std::size_t k = 0; k < 16; ++k) result[k] += factor * m[k];
        };
        add({0, -1}, oracle::product(h, rho));
        add({0, 1}, oracle::product(rho, h));
        for (const Jump& jump : jumps) {
            const Vector l = embedded(jump), ld = oracle::adjoint(l);
            add(jump.rate, oracle::product(oracle::product(l, rho), ld));
            add(-jump.rate / 2, oracle::product(oracle::product(ld, l), rho));
            add(-jump.rate / 2, oracle::product(oracle::product(rho, ld), l));
        }
        return result;
    };
    Vector whole(256);
    for (std::size_t column = 0; column < 16; ++column) {
        Vector basis(16);
        basis[column] = 1;
        const Vector image = generator(basis);
        for (std::size_t row = 0; row < 16; ++row) whole[row * 16 + column] = image[row];
    }
    const Vector psi = randomState(2, random);
    Vector rho(16);
    for (std::size_t row = 0; row < 4; ++row)
        for (std::size_t column = 0; column < 4; ++column) rho[row * 4 + column] = psi[row] * std::conj(psi[column]);
    const double time = 1.3;
    const auto result = lindblad(sum, jumps, rho, {&time, 1}, 1e-11, run.context);
    REQUIRE(result.has_value());
    CHECK(oracle::distance((*result)[0], series(whole, time, rho)) < 1e-8);
    const double backwards[] = {1, 0.5};
    CHECK_FALSE(lindblad(sum, jumps, rho, backwards, 1e-9, run.context).has_value());
    CHECK_FALSE(lindblad(sum, jumps, Vector(4), {&time, 1}, 1e-9, run.context).has_value());
    const Jump outside{{5}, {0, 1, 0, 0}, 1};
    CHECK_FALSE(lindblad(sum, {&outside, 1}, rho, {&time, 1}, 1e-9, run.context).has_value());
}

TEST_CASE("values over time follow the power series, the product formula's beside them, and fall with noise") {
    std::mt19937 random(9);
    TestRun run;
    const PauliSum sum = randomSum(3, 8, random);
    const Vector matrix = naive(sum), start = randomState(3, random);
    TimelineRequest request;
    request.time = 1.2;
    request.intervals = 3;
    request.observables = {sumOf("0.5 XIY + ZZI", 3), sumOf("IIZ", 3)};
    request.trotterSteps = 4;
    const auto line = timeline(sum, start, request, run.context);
    REQUIRE(line.has_value());
    REQUIRE(line->exact.size() == 4);
    const auto valueOf = [](const Vector& operation, const Vector& v) {
        Complex value = 0;
        const Vector image = times(operation, v);
        for (std::size_t i = 0; i < v.size(); ++i) value += std::conj(v[i]) * image[i];
        return value.real();
    };
    for (std::size_t k = 0; k < 4; ++k) {
        const double time = 0.4 * static_cast<double>(k);
        const Vector exact = series(matrix, Complex(0, -time), start);
        CHECK(line->exact[k].time == Approx(time));
        CHECK(line->exact[k].energy == Approx(valueOf(matrix, start)));
        for (std::size_t each = 0; each < 2; ++each)
            CHECK(line->exact[k].values[each] == Approx(valueOf(naive(request.observables[each]), exact)).margin(1e-8));
        Vector formula = start;
        const auto circuit = trotterCircuit(sum, time, 4 * static_cast<int>(std::max<std::size_t>(k, 1)), 2);
        formula = oracle::finalState(*circuit, start);
        for (auto& entry : formula) entry *= std::exp(Complex(0, circuit->globalPhase));
        double distance = 0;
        for (std::size_t i = 0; i < 8; ++i) distance += std::norm(formula[i] - exact[i]);
        CHECK(line->trotterErrors[k] == Approx(std::sqrt(distance)).margin(1e-8));
        CHECK(line->trotter[k].values[0] == Approx(valueOf(naive(request.observables[0]), formula)).margin(1e-10));
    }
    CHECK(line->trotterErrors[3] > 1e-5);
    // Without jumps the density matrix follows the same state.
    const auto same = noisyTimeline(sum, {}, start, request, run.context);
    REQUIRE(same.has_value());
    for (std::size_t k = 0; k < 4; ++k)
        for (std::size_t each = 0; each < 2; ++each)
            CHECK(same->exact[k].values[each] == Approx(line->exact[k].values[each]).margin(1e-7));
    const Jump decay{{0}, {0, 1, 0, 0}, 0.3};
    TimelineRequest falling;
    falling.observables = {sumOf("Z")};
    const auto fallen = noisyTimeline(sumOf("0.9 Z"), {&decay, 1}, {0, 1}, falling, run.context);
    CHECK(fallen->exact.back().values[0] == Approx(1 - 2 * std::exp(-0.3)));
    CHECK(fallen->trotter.empty());
    request.observables = {sumOf("Z")};
    CHECK_FALSE(timeline(sum, start, request, run.context).has_value());
    request.observables.clear();
    request.intervals = 0;
    CHECK_FALSE(timeline(sum, start, request, run.context).has_value());
    CHECK_FALSE(noisyTimeline(sumOf("Z7"), {}, StateVector(256), {}, run.context).has_value());
}
