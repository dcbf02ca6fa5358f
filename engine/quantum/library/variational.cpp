// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/library/groups.h"
#include "engine/quantum/library/program_text.h"

#include <numbers>

namespace qscope::engine::library {

namespace {

constexpr const char* kGroup = "Variational";
constexpr double kPi = std::numbers::pi;

const LibraryParameter kInputs{"inputs",
                               "Angles as inputs",
                               false,
                               0,
                               0,
                               {},
                               "Named inputs in place of numbers: sliders in the window, --param on the command line"};

/// Angles as numbers, or as inputs that are declared on the way. Statements are kept back until all are known.
class Angles {
public:
    explicit Angles(bool named)
        : m_named(named) {}
    /// What to write for `factor` times an angle.
    [[nodiscard]] std::string at(const std::string& name, double value, int factor = 1) {
        if (!m_named) return fmt::format("{}", factor * value);
        m_declarations += fmt::format("{}input float {};", m_declarations.empty() ? "" : "\n", name);
        return factor == 1 ? name : factor == -1 ? "-" + name : fmt::format("{}*{}", factor, name);
    }
    [[nodiscard]] const std::string& declarations() const { return m_declarations; }

private:
    bool m_named;
    std::string m_declarations;
};

using Edges = std::vector<std::pair<int, int>>;

Edges edgesOf(const std::string& graph, int n) {
    Edges edges;
    if (graph == "complete") {
        for (int a = 0; a < n; ++a)
            for (int b = a + 1; b < n; ++b) edges.emplace_back(a, b);
        return edges;
    }
    for (int a = 0; a + 1 < n; ++a) edges.emplace_back(a, a + 1);
    if (graph == "ring" && n > 2) edges.emplace_back(n - 1, 0);
    return edges;
}

/// exp(-i angle Z Z / 2) from gates of the standard library.
void defineBond(ProgramText& text) { text.line("gate bond(theta) a, b {{ cx a, b; rz(theta) b; cx a, b; }}"); }

/// Layers of exp(-i gamma C) and exp(-i beta sum X), where C counts the edges that the cut crosses. With more than one
/// layer gamma grows evenly to its value and beta falls evenly from its value.
Result<std::string> qaoa(const LibraryValues& values) {
    const int n = values.integer("nodes"), layers = values.integer("layers");
    const Edges edges = edgesOf(values.choice("graph"), n);
    Angles angles(values.flag("inputs"));
    std::string body = "h q;\n";
    for (int layer = 0; layer < layers; ++layer) {
        const double share = static_cast<double>(layer + 1) / layers;
        const std::string gamma = angles.at(fmt::format("gamma_{}", layer), values.real("gamma") * share, -1);
        const std::string beta =
            angles.at(fmt::format("beta_{}", layer), values.real("beta") * (1 - share + 1.0 / layers), 2);
        for (const auto& [a, b] : edges) body += fmt::format("bond({}) q[{}], q[{}];\n", gamma, a, b);
        body += fmt::format("rx({}) q;\n", beta);
    }
    ProgramText text(3);
    defineBond(text);
    if (!angles.declarations().empty()) text.line("{}", angles.declarations());
    text.qubits("q", n);
    if (values.flag("measure")) text.bits("c", n);
    text.line("{}", body.substr(0, body.size() - 1));
    if (values.flag("measure")) text.measure("q", "c");
    return text.take();
}

/// Layers of one-qubit rotations with entangling gates between them.
Result<std::string> hardwareEfficient(const LibraryValues& values) {
    const int n = values.integer("qubits"), layers = values.integer("layers");
    const bool both = values.choice("rotations") == "ry-rz";
    Angles angles(values.flag("inputs"));
    std::string body;
    int count = 0;
    const auto rotate = [&](const char* gate) {
        for (int i = 0; i < n; ++i)
            body += fmt::format("{}({}) q[{}];\n", gate,
                                angles.at(fmt::format("theta_{}", count), values.real("theta")), i),
                ++count;
    };
    for (int layer = 0; layer <= layers; ++layer) {
        if (layer > 0)
            for (const auto& [a, b] : edgesOf(values.choice("entangler"), n))
                body += fmt::format("cx q[{}], q[{}];\n", a, b);
        rotate("ry");
        if (both) rotate("rz");
    }
    ProgramText text(3);
    if (!angles.declarations().empty()) text.line("{}", angles.declarations());
    text.qubits("q", n);
    text.line("{}", body.substr(0, body.size() - 1));
    return text.take();
}

/// Evolution under the two parts of H = -J sum ZZ - h sum X in turn, from the ground state of the second.
Result<std::string> isingAnsatz(const LibraryValues& values) {
    const int n = values.integer("spins"), layers = values.integer("layers");
    Angles angles(values.flag("inputs"));
    std::string body = "h q;\n";
    for (int layer = 0; layer < layers; ++layer) {
        const std::string bond = angles.at(fmt::format("bond_{}", layer), values.real("bond"));
        const std::string field = angles.at(fmt::format("field_{}", layer), values.real("field"));
        for (const auto& [a, b] : edgesOf(values.choice("lattice"), n))
            body += fmt::format("bond({}) q[{}], q[{}];\n", bond, a, b);
        body += fmt::format("rx({}) q;\n", field);
    }
    ProgramText text(3);
    defineBond(text);
    if (!angles.declarations().empty()) text.line("{}", angles.declarations());
    text.qubits("q", n);
    text.line("{}", body.substr(0, body.size() - 1));
    return text.take();
}

/// exp(-i theta/2 Y X ... X) on the filled orbitals: cos(theta/2)|filled> - sin(theta/2)|empty>.
Result<std::string> hydrogen(const LibraryValues& values) {
    const bool four = values.choice("mapping") == "jordan-wigner";
    const int n = four ? 4 : 2;
    Angles angles(values.flag("inputs"));
    const std::string theta = angles.at("theta", values.real("theta"));
    ProgramText text(3);
    if (!angles.declarations().empty()) text.line("{}", angles.declarations());
    text.qubits("q", n);
    text.line("x q[0];");
    if (four) text.line("x q[1];");
    text.line("rx(pi/2) q[0];");
    for (int i = 1; i < n; ++i) text.line("h q[{}];", i);
    for (int i = 0; i + 1 < n; ++i) text.line("cx q[{}], q[{}];", i, i + 1);
    text.line("rz({}) q[{}];", theta, n - 1);
    for (int i = n - 2; i >= 0; --i) text.line("cx q[{}], q[{}];", i, i + 1);
    text.line("rx(-pi/2) q[0];");
    for (int i = 1; i < n; ++i) text.line("h q[{}];", i);
    return text.take();
}

} // namespace

std::vector<LibraryCircuit> variational() {
    const LibraryParameter layers{"layers", "Layers", std::int64_t{1}, 1, 12};
    return {
        {"qaoa",
         "QAOA for maximum cut",
         kGroup,
         "Alternates phases for the edges that a cut crosses with rotations of all qubits; one layer on a ring reaches "
         "3/4 "
         "of its edges at gamma = pi/4, beta = pi/8.",
         "Farhi, Goldstone, Gutmann: A quantum approximate optimization algorithm, 2014",
         {{"nodes", "Nodes", std::int64_t{6}, 2, 20},
          {"graph", "Graph", std::string("ring"), 0, 0, {"ring", "path", "complete"}},
          layers,
          {"gamma",
           "Gamma",
           kPi / 4,
           -kPi,
           kPi,
           {},
           "Weight of the edges; over several layers it grows to this",
           "rad"},
          {"beta",
           "Beta",
           kPi / 8,
           -kPi,
           kPi,
           {},
           "Weight of the rotations; over several layers it falls from this",
           "rad"},
          kInputs,
          {"measure", "Measure", false}},
         qaoa},
        {"vqe-hardware",
         "Hardware-efficient ansatz",
         kGroup,
         "Rotations of all qubits with entangling gates between the layers: a trial state for variational solvers.",
         "Kandala et al.: Hardware-efficient variational quantum eigensolver, 2017",
         {{"qubits", "Qubits", std::int64_t{4}, 1, 20},
          {"layers", "Entangling layers", std::int64_t{2}, 0, 12},
          {"rotations", "Rotations", std::string("ry-rz"), 0, 0, {"ry-rz", "ry"}},
          {"entangler",
           "Entangler",
           std::string("path"),
           0,
           0,
           {"path", "ring", "complete"},
           "Which pairs get a controlled X"},
          {"theta", "All angles", 0.4, -kPi, kPi, {}, {}, "rad"},
          kInputs},
         hardwareEfficient},
        {"vqe-ising",
         "Hamiltonian ansatz for the Ising model",
         kGroup,
         "Alternates the bonds and the transverse field of a chain of spins, starting from the state along the field.",
         "Wecker, Hastings, Troyer: Progress towards practical quantum variational algorithms, 2015",
         {{"spins", "Spins", std::int64_t{6}, 2, 20},
          {"lattice", "Lattice", std::string("ring"), 0, 0, {"ring", "path"}},
          layers,
          {"bond", "Bond angle", 0.8, -kPi, kPi, {}, "exp(-i angle ZZ / 2) on each bond", "rad"},
          {"field", "Field angle", 0.6, -kPi, kPi, {}, "exp(-i angle X / 2) on each spin", "rad"},
          kInputs},
         isingAnsatz},
        {"vqe-hydrogen",
         "Unitary coupled cluster for hydrogen",
         kGroup,
         "The double excitation of the hydrogen molecule in its smallest basis; one angle reaches the ground state.",
         "Peruzzo et al.: A variational eigenvalue solver on a photonic quantum processor, 2014",
         {{"mapping",
           "Mapping",
           std::string("parity"),
           0,
           0,
           {"parity", "jordan-wigner"},
           "Two qubits, or one for each of the four spin orbitals"},
          {"theta", "Angle", 0.2235, -kPi, kPi, {}, {}, "rad"},
          kInputs},
         hydrogen}};
}

} // namespace qscope::engine::library
