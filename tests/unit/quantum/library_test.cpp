// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/library/library.h"
#include "engine/quantum/sim/state_views.h"
#include "tests/unit/quantum/support.h"

#include <bit>
#include <numbers>
#include <numeric>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

using Complex = std::complex<double>;
using std::numbers::pi;

Circuit made(const std::string& text) {
    const auto spec = parseLibrarySpec(text);
    REQUIRE(spec.has_value());
    const auto program = libraryProgram(*spec);
    if (!program) UNSCOPED_INFO(describe(program.error()));
    REQUIRE(program.has_value());
    const auto parsed = parseQasm(*program);
    for (const auto& entry : parsed.diagnostics)
        UNSCOPED_INFO(text << ", line " << entry.span.line << ": " << entry.message);
    REQUIRE(parsed.circuit);
    CHECK(parsed.diagnostics.empty());
    return *parsed.circuit;
}

Error refused(const std::string& text) {
    const auto spec = parseLibrarySpec(text);
    if (!spec) return spec.error();
    const auto program = libraryProgram(*spec);
    REQUIRE(!program);
    return program.error();
}

std::vector<Complex> stateOf(Circuit circuit, const std::map<std::string, double>& inputs = {}) {
    std::erase_if(circuit.operations,
                  [](const Operation& each) { return std::holds_alternative<MeasureOp>(each.what); });
    TestRun run;
    SimulationRequest request;
    request.inputs = inputs;
    return amplitudesOf(simulated(circuit, request, run).state, run);
}

std::map<std::string, std::int64_t> countsOf(const Circuit& circuit, std::int64_t shots) {
    TestRun run;
    SimulationRequest request;
    request.shots = shots;
    request.seed = 5;
    std::map<std::string, std::int64_t> counts;
    for (const auto& each : simulated(circuit, request, run).counts) counts[each.bits] = each.count;
    return counts;
}

/// Probabilities of the lowest `bits` qubits.
std::vector<double> marginal(const std::vector<Complex>& state, int bits) {
    std::vector<double> sums(std::size_t{1} << bits);
    for (std::size_t i = 0; i < state.size(); ++i) sums[i & (sums.size() - 1)] += std::norm(state[i]);
    return sums;
}

/// |<a|b>|
double overlap(const std::vector<Complex>& a, const std::vector<Complex>& b) {
    Complex sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::conj(a[i]) * b[i];
    return std::abs(sum);
}

/// By definition: a phase for each basis state, then exp(-i beta X) on each qubit.
std::vector<Complex> layered(int n, double beta, const std::function<double(unsigned)>& phase) {
    std::vector<Complex> state(std::size_t{1} << n, std::pow(2.0, -n / 2.0));
    for (unsigned x = 0; x < state.size(); ++x) state[x] *= std::polar(1.0, phase(x));
    for (int q = 0; q < n; ++q) {
        auto next = state;
        for (unsigned x = 0; x < state.size(); ++x)
            next[x] = std::cos(beta) * state[x] - Complex(0, std::sin(beta)) * state[x ^ 1u << q];
        state = next;
    }
    return state;
}

int bit(unsigned x, int i) { return static_cast<int>(x >> i & 1u); }

} // namespace

TEST_CASE("every circuit of the library reads back without remarks at its defaults and at both ends of every range") {
    for (const auto& circuit : circuitLibrary()) {
        CHECK(!circuit.summary.empty());
        CHECK(!circuit.reference.empty());
        made(circuit.id);
        for (const auto& parameter : circuit.parameters) {
            std::vector<std::string> values = parameter.choices;
            if (std::holds_alternative<bool>(parameter.byDefault)) values = {"true", "false"};
            if (std::holds_alternative<std::int64_t>(parameter.byDefault) ||
                std::holds_alternative<double>(parameter.byDefault)) {
                CHECK(parameter.minimum < parameter.maximum);
                values = {fmt::format("{:.17g}", parameter.minimum), fmt::format("{:.17g}", parameter.maximum)};
            }
            for (const auto& value : values) {
                INFO(circuit.id << ":" << parameter.key << "=" << value);
                const auto spec = parseLibrarySpec(circuit.id + ":" + parameter.key + "=" + value);
                REQUIRE(spec.has_value());
                const auto program = libraryProgram(*spec);
                // Values that the others do not allow are refused with the parameter's name, nothing else is.
                if (!program)
                    CHECK_THAT(program.error().message,
                               Catch::Contains("=" + value) || Catch::Contains(" needs more than "));
                else
                    CHECK(parseQasm(*program).circuit);
                if (parameter.key == "qubits") CHECK(program.has_value()); // the other defaults fit the smallest size
            }
        }
    }
}

TEST_CASE("a library circuit is named by its id and parameters, and mistakes are pointed out") {
    CHECK(toText(*parseLibrarySpec("grover:marked=5,qubits=3")) == "grover:marked=5,qubits=3");
    CHECK(libraryProgram(*parseLibrarySpec("ghz:qubits=3"))->starts_with("// GHZ state (ghz:qubits=3)\n"));
    CHECK(refused("grovre").message == "the library has no circuit 'grovre'; did you mean 'grover'? there is " + [] {
        std::string all;
        for (const auto& each : circuitLibrary()) all += (all.empty() ? "" : ", ") + each.id;
        return all;
    }());
    CHECK_THAT(refused("ghz:qubit=3").message, Catch::Contains("did you mean 'qubits'?"));
    CHECK_THAT(refused("ghz:qubits=1").message, Catch::Contains("is not from 2 to 500"));
    CHECK_THAT(refused("ghz:qubits=many").message, Catch::Contains("is not a whole number"));
    CHECK_THAT(refused("ghz:shape=ring").message, Catch::Contains("is none of chain, star, tree"));
    CHECK_THAT(refused("ghz:measure=perhaps").message, Catch::Contains("neither true nor false"));
    CHECK_THAT(refused("teleportation:theta=nan").message, Catch::Contains("is not from 0 to"));
    CHECK_THAT(refused("grover:qubits=2,marked=4").message, Catch::Contains("marked=4 needs more than 2 qubits"));
    for (const char* text :
         {"", ":qubits=3", "ghz:", "ghz:qubits", "ghz:qubits=", "ghz:=3", "ghz:qubits=3,qubits=4", "ghz:qubits=3,"})
        CHECK(!parseLibrarySpec(text));
}

TEST_CASE("GHZ and W states have their amplitudes in every arrangement") {
    for (const char* shape : {"chain", "star", "tree"}) {
        const auto state = stateOf(made(fmt::format("ghz:qubits=6,shape={}", shape)));
        CHECK(std::abs(state.front() - std::sqrt(.5)) < 1e-12);
        CHECK(std::abs(state.back() - std::sqrt(.5)) < 1e-12);
    }
    CHECK(depth(made("ghz:qubits=16,shape=tree")) == 5);
    const auto w = stateOf(made("w:qubits=5"));
    for (int i = 0; i < 5; ++i) CHECK(std::abs(w[std::size_t{1} << i] - std::sqrt(.2)) < 1e-12);
}

TEST_CASE("the Fourier transform is the matrix of its definition") {
    for (const bool inverse : {false, true})
        for (int x = 0; x < 16; ++x) {
            const auto state = stateOf(made(fmt::format("qft:qubits=4,input={},inverse={}", x, inverse)));
            for (int y = 0; y < 16; ++y)
                CHECK(std::abs(state[static_cast<std::size_t>(y)] -
                               std::polar(.25, (inverse ? -1 : 1) * 2 * pi * x * y / 16)) < 1e-12);
        }
    // Without the swaps the result's bits are reversed; rotations beyond the reach are gone.
    const auto reversed = stateOf(made("qft:qubits=3,input=3,swaps=false"));
    CHECK(std::abs(reversed[1] - std::polar(std::sqrt(.125), 2 * pi * 3 * 4 / 8)) < 1e-12);
    CHECK(gateCounts(made("qft:qubits=6,reach=2")).at("cp") == 5 + 4);
}

TEST_CASE("phase estimation has the probabilities of its formula") {
    for (const double phase : {0.3125, 0.1, 0.77}) {
        const auto found = marginal(stateOf(made(fmt::format("phase-estimation:counting=5,phase={}", phase))), 5);
        for (int m = 0; m < 32; ++m) {
            Complex sum = 0;
            for (int k = 0; k < 32; ++k) sum += std::polar(1.0 / 32, 2 * pi * k * (phase - m / 32.0));
            CHECK(found[static_cast<std::size_t>(m)] == Approx(std::norm(sum)).margin(1e-12));
        }
    }
    CHECK(countsOf(made("phase-estimation"), 50) == std::map<std::string, std::int64_t>{{"0101", 50}});
}

TEST_CASE("Grover's search finds the marked entry with the probability of the rotation") {
    for (const int n : {2, 3, 5, 8})
        for (const int rounds : {1, 2, 3}) {
            const int marked = (1 << n) - 2;
            const auto state = stateOf(made(fmt::format("grover:qubits={},marked={},rounds={}", n, marked, rounds)));
            const double angle = std::asin(std::pow(2.0, -n / 2.0));
            CHECK(std::norm(state[static_cast<std::size_t>(marked)]) ==
                  Approx(std::pow(std::sin((2 * rounds + 1) * angle), 2)).margin(1e-12));
        }
    CHECK(std::norm(stateOf(made("grover:qubits=10,marked=1000"))[1000]) > 0.999); // 25 rounds, chosen by itself
}

TEST_CASE("Deutsch-Jozsa tells constant from balanced, Bernstein-Vazirani returns the secret") {
    for (const char* function : {"constant-0", "constant-1"})
        CHECK(marginal(stateOf(made(fmt::format("deutsch-jozsa:qubits=4,function={}", function))), 4)[0] == Approx(1));
    for (const int mask : {1, 6, 15})
        CHECK(marginal(stateOf(made(fmt::format("deutsch-jozsa:qubits=4,mask={}", mask))), 4)[0] ==
              Approx(0).margin(1e-12));
    CHECK_THAT(refused("deutsch-jozsa:mask=0").message, Catch::Contains("constant function"));
    for (const int secret : {0, 1, 13, 31})
        CHECK(marginal(stateOf(made(fmt::format("bernstein-vazirani:qubits=5,secret={}", secret))),
                       5)[static_cast<std::size_t>(secret)] == Approx(1));
}

TEST_CASE("Simon's results are all that are orthogonal to the secret, equally often") {
    for (const unsigned secret : {1u, 5u, 12u, 15u}) {
        const auto found = marginal(stateOf(made(fmt::format("simon:qubits=4,secret={}", secret))), 4);
        for (unsigned y = 0; y < 16; ++y)
            CHECK(found[y] == Approx(std::popcount(y & secret) % 2 == 0 ? 1.0 / 8 : 0).margin(1e-12));
    }
}

TEST_CASE("order finding gives the multiples of 2^n / r for every base modulo 15") {
    for (const int base : {2, 4, 7, 8, 11, 13, 14}) {
        int order = 1;
        for (int power = base; power != 1; power = power * base % 15) ++order;
        if (base == 7) CHECK(order == 4);
        const auto found = marginal(stateOf(made(fmt::format("shor-15:base={},counting=5", base))), 5);
        for (int m = 0; m < 32; ++m)
            CHECK(found[static_cast<std::size_t>(m)] == Approx(m * order % 32 == 0 ? 1.0 / order : 0).margin(1e-12));
    }
}

TEST_CASE("the controlled multiplications of order finding multiply modulo 15") {
    // The counting register in a basis state instead of a superposition: the work ends at base^k.
    for (const int base : {2, 4, 7, 8, 11, 13, 14})
        for (int k = 0; k < 8; ++k) {
            Circuit circuit = made(fmt::format("shor-15:base={},counting=3", base));
            std::vector<Operation> kept;
            for (const auto& operation : circuit.operations) {
                const auto* gate = std::get_if<GateOp>(&operation.what);
                if (std::holds_alternative<BarrierOp>(operation.what)) break;
                if (gate && gate->name == "h") {
                    if (k >> gate->qubits[0] & 1) kept.push_back({GateOp{"x", {}, gate->qubits}, std::nullopt, {}});
                } else {
                    kept.push_back(operation);
                }
            }
            circuit.operations = kept;
            int power = 1;
            for (int i = 0; i < k; ++i) power = power * base % 15;
            CHECK(std::norm(stateOf(circuit)[static_cast<std::size_t>(k | power << 3)]) == Approx(1));
        }
}

TEST_CASE("teleportation moves the state, superdense coding two bits") {
    const double theta = 1.1, phi = 2.3;
    const Circuit circuit = made(fmt::format("teleportation:theta={},phi={},undo=false", theta, phi));
    for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u, 6u}) {
        TestRun run;
        SimulationRequest request;
        request.seed = seed;
        const auto result = simulated(circuit, request, run);
        const auto bloch = blochVectors(result.state, run.context);
        REQUIRE(bloch.has_value());
        CHECK((*bloch)[2][0] == Approx(std::sin(theta) * std::cos(phi)));
        CHECK((*bloch)[2][1] == Approx(std::sin(theta) * std::sin(phi)));
        CHECK((*bloch)[2][2] == Approx(std::cos(theta)));
    }
    for (const auto& [bits, count] : countsOf(made("teleportation"), 100)) CHECK(bits.front() == '0');
    for (int message = 0; message < 4; ++message)
        CHECK(std::norm(stateOf(made(
                  fmt::format("superdense:message={}", message)))[static_cast<std::size_t>(message)]) == Approx(1));
}

TEST_CASE("codes correct every single error they are made for") {
    struct Row {
        const char* id;
        int qubits;
        std::vector<const char*> errors;
    };
    for (const Row& row :
         {Row{"bit-flip-code", 3, {"x"}}, Row{"phase-flip-code", 3, {"z"}}, Row{"shor-code", 9, {"x", "y", "z"}},
          Row{"steane-code", 7, {"x", "y", "z"}}, Row{"five-qubit-code", 5, {"x", "y", "z"}}}) {
        std::vector<std::string> specs{fmt::format("{}:error=none", row.id)};
        for (const char* error : row.errors)
            for (int on = 0; on < row.qubits; ++on)
                specs.push_back(fmt::format("{}:error={},on={}", row.id, error, on));
        for (const auto& spec : specs) {
            INFO(spec);
            TestRun run;
            SimulationRequest request;
            request.seed = 3;
            const auto result = simulated(made(spec), request, run);
            // All the state is back where it began: every data qubit is zero, the helper is what it last said.
            const auto amplitudes = amplitudesOf(result.state, run);
            double zero = 0;
            for (std::size_t i = 0; i < amplitudes.size(); i += std::size_t{1} << row.qubits)
                zero += std::norm(amplitudes[i]);
            CHECK(zero == Approx(1));
        }
    }
}

TEST_CASE("an error that a code is not made for gets through") {
    // A Z turns the encoded state about its axis, which the decoded one shows.
    auto program = *libraryProgram(*parseLibrarySpec("bit-flip-code:error=x,on=1"));
    program.replace(program.find("\nx data[1];") + 1, 1, "z");
    const auto parsed = parseQasm(program);
    REQUIRE(parsed.circuit);
    TestRun run;
    const auto amplitudes = amplitudesOf(simulated(*parsed.circuit, {}, run).state, run);
    double one = 0;
    for (std::size_t i = 1; i < amplitudes.size(); i += 2) one += std::norm(amplitudes[i]);
    CHECK(one == Approx(std::pow(std::sin(1.2), 2)));
}

TEST_CASE("the corrections of the bit-flip code depend on the syndrome") {
    std::map<std::string, int> seen;
    for (int on = 0; on < 3; ++on)
        for (const auto& [bits, count] : countsOf(made(fmt::format("bit-flip-code:on={}", on)), 10)) seen[bits] += 1;
    CHECK(seen == std::map<std::string, int>{{"0 01", 1}, {"0 11", 1}, {"0 10", 1}});
}

TEST_CASE("QAOA reaches the expected cut of a ring, and is its definition on every graph") {
    const double gamma = 0.6, beta = 0.35;
    const auto cut = [](int n, const std::vector<std::pair<int, int>>& edges, const std::vector<Complex>& state) {
        double sum = 0;
        for (unsigned x = 0; x < 1u << n; ++x)
            for (const auto& [a, b] : edges) sum += std::norm(state[x]) * (bit(x, a) != bit(x, b));
        return sum;
    };
    std::vector<std::pair<int, int>> ring;
    for (int i = 0; i < 6; ++i) ring.emplace_back(i, (i + 1) % 6);
    const auto state = stateOf(made(fmt::format("qaoa:nodes=6,gamma={},beta={}", gamma, beta)));
    CHECK(cut(6, ring, state) == Approx(6 * (0.5 + 0.25 * std::sin(4 * beta) * std::sin(2 * gamma))));
    CHECK(cut(6, ring, stateOf(made("qaoa:nodes=6"))) == Approx(6 * 0.75));
    // exp(-i gamma C) |+...+>, then exp(-i beta X) everywhere.
    std::vector<std::pair<int, int>> complete;
    for (int a = 0; a < 4; ++a)
        for (int b = a + 1; b < 4; ++b) complete.emplace_back(a, b);
    const auto wanted = layered(4, beta, [&](unsigned x) {
        double phase = 0;
        for (const auto& [a, b] : complete) phase -= gamma * (bit(x, a) != bit(x, b));
        return phase;
    });
    CHECK(overlap(stateOf(made(fmt::format("qaoa:nodes=4,graph=complete,gamma={},beta={}", gamma, beta))), wanted) ==
          Approx(1));
    const auto inputs = made("qaoa:nodes=4,graph=complete,inputs=true");
    REQUIRE(inputs.inputs.size() == 2);
    CHECK(overlap(stateOf(inputs, {{"gamma_0", gamma}, {"beta_0", beta}}), wanted) == Approx(1));
    // Two layers: half and whole gamma, whole and half beta.
    const auto two = made("qaoa:nodes=3,layers=2,gamma=0.6,beta=0.4,inputs=true");
    CHECK(overlap(stateOf(two, {{"gamma_0", .3}, {"gamma_1", .6}, {"beta_0", .4}, {"beta_1", .2}}),
                  stateOf(made("qaoa:nodes=3,layers=2,gamma=0.6,beta=0.4"))) == Approx(1));
}

TEST_CASE("the ansaetze are what they say") {
    const auto ising = stateOf(made("vqe-ising:spins=5,bond=0.9,field=0.5"));
    CHECK(overlap(ising, layered(5, 0.25, [](unsigned x) {
                      double phase = 0;
                      for (int i = 0; i < 5; ++i) phase -= 0.45 * (bit(x, i) == bit(x, (i + 1) % 5) ? 1 : -1);
                      return phase;
                  })) == Approx(1));

    const double theta = 0.7, c = std::cos(theta / 2), s = std::sin(theta / 2);
    const auto product = stateOf(made("vqe-hardware:qubits=3,layers=0,rotations=ry,theta=0.7"));
    for (unsigned x = 0; x < 8; ++x)
        CHECK(product[x].real() == Approx(std::pow(c, 3 - std::popcount(x)) * std::pow(s, std::popcount(x))));
    // Two qubits, one layer: (Ry x Ry) CX (Ry x Ry)|00>.
    const double entangled[4] = {c * c, s * s, c * s, s * c}; // after the CX: 01 and 11 have changed places
    const auto one = stateOf(made("vqe-hardware:qubits=2,layers=1,rotations=ry,theta=0.7"));
    const double turn[2][2] = {{c, -s}, {s, c}};
    for (unsigned y = 0; y < 4; ++y) {
        double sum = 0;
        for (unsigned x = 0; x < 4; ++x) sum += turn[bit(y, 0)][bit(x, 0)] * turn[bit(y, 1)][bit(x, 1)] * entangled[x];
        CHECK(one[y].real() == Approx(sum));
    }
    CHECK(made("vqe-hardware:qubits=3,layers=2,inputs=true").inputs.size() == 3 * 3 * 2);

    const auto four = stateOf(made("vqe-hydrogen:mapping=jordan-wigner,theta=0.7"));
    CHECK(std::norm(four[0b0011]) == Approx(c * c));
    CHECK(std::norm(four[0b1100]) == Approx(s * s));
    CHECK((four[0b1100] / four[0b0011]).real() == Approx(-s / c));
}

TEST_CASE("one angle of the hydrogen ansatz reaches the ground state energy") {
    // Electronic energy at 0.735 angstrom in the STO-3G basis, two qubits by parity mapping: known operator, lowest
    // value -1.857275 hartree.
    const auto state = stateOf(made("vqe-hydrogen"));
    double energy = 0;
    for (unsigned x = 0; x < 4; ++x) {
        const int z0 = 1 - 2 * bit(x, 0), z1 = 1 - 2 * bit(x, 1);
        energy += std::norm(state[x]) *
                  (-1.052373245772859 + 0.39793742484318045 * (z0 - z1) - 0.01128010425623538 * z0 * z1);
        energy += 0.18093119978423156 * (std::conj(state[x]) * state[x ^ 3u]).real();
    }
    CHECK(energy == Approx(-1.85727503).margin(1e-6));
}
