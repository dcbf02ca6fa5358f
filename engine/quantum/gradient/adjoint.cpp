// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state.h"
#include "engine/backend/cpu_state_buffer.h"
#include "engine/backend/cpu_state_cross.h"
#include "engine/quantum/gradient/variational.h"
#include "engine/quantum/modified_gate.h"
#include "engine/quantum/sim/fusion.h"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>

// A gate U = G(angle) changes the value <psi| H |psi> by 2 Re <left| dG U^-1 |right> per radian, where right is the
// state behind the gate and left what H psi becomes when all later gates are undone. Both states go backwards through
// the circuit as one, and a gate's slopes follow from what stands between them on its few qubits.

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;
using Matrix = Eigen::MatrixXcd;
using RowMajor = Eigen::Matrix<Complex, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Gates on one qubit with nothing between them, or one gate on more qubits: one sum serves all of their angles.
using Link = std::vector<std::size_t>;

std::vector<Link> linksOf(const Variational& circuit) {
    std::vector<Link> links;
    constexpr std::size_t kNone = SIZE_MAX;
    std::vector<std::size_t> open(static_cast<std::size_t>(circuit.qubits),
                                  kNone); // by qubit: a link that one more gate may join
    for (std::size_t g = 0; g < circuit.gates.size(); ++g) {
        const auto& qubits = circuit.gates[g].qubits;
        std::size_t& own = open[static_cast<std::size_t>(qubits.front())];
        if (qubits.size() == 1 && own != kNone) {
            links[own].push_back(g);
            continue;
        }
        for (const int q : qubits) open[static_cast<std::size_t>(q)] = kNone;
        if (qubits.size() == 1) own = links.size();
        links.push_back({g});
    }
    return links;
}

Matrix squareOf(const std::vector<Complex>& entries, Eigen::Index size) {
    return Eigen::Map<const RowMajor>(entries.data(), size, size);
}

bool isDiagonal(const Matrix& m) { return m(0, 1) == 0.0 && m(1, 0) == 0.0; }
/// Cheap for the CPU: real, or imaginary beside the diagonal.
bool isSparse(const Matrix& m) {
    const bool real = m(0, 1).imag() == 0 && m(1, 0).imag() == 0, crossed = m(0, 1).real() == 0 && m(1, 0).real() == 0;
    return m(0, 0).imag() == 0 && m(1, 1).imag() == 0 && (real || crossed);
}

FusedGate inverseOf(const Matrix& m, int qubit) {
    if (isDiagonal(m)) return {FusedGate::Form::Diagonal, {qubit}, 0, {std::conj(m(0, 0)), std::conj(m(1, 1))}};
    return {FusedGate::Form::Dense,
            {qubit},
            0,
            {std::conj(m(0, 0)), std::conj(m(1, 0)), std::conj(m(0, 1)), std::conj(m(1, 1))}};
}

FusedGate inverseOf(FusedGate gate) {
    if (gate.form == FusedGate::Form::Diagonal) {
        for (Complex& entry : gate.entries) entry = std::conj(entry);
        return gate;
    }
    const auto size = Eigen::Index{1} << gate.targets.size();
    Eigen::Map<RowMajor> map(gate.entries.data(), size, size);
    map = map.adjoint().eval();
    return gate;
}

/// All gates, undone from the last to the first, and where sums are taken.
class Backwards {
public:
    explicit Backwards(const Variational& circuit)
        : m_circuit(circuit)
        , m_anglesOf(circuit.gates.size()) {
        for (std::size_t k = 0; k < circuit.angles.size(); ++k) m_anglesOf[circuit.angles[k].gate].push_back(k);
        const auto links = linksOf(circuit);
        for (std::size_t k = links.size(); k-- > 0;) {
            if (circuit.gates[links[k].front()].qubits.size() == 1)
                addChain(links[k]);
            else
                addGate(links[k].front());
        }
        // What comes before the first angle need not be undone.
        const std::size_t needed = m_places.empty() ? 0 : m_places.back().at + 1;
        m_gates.erase(m_gates.begin() + static_cast<std::ptrdiff_t>(needed), m_gates.end());
        m_wanted.resize(needed);
    }

    /// The slopes by all angles; `pair` holds the state at the end and what the observable makes of it.
    Result<std::vector<double>> slopes(StateBuffer& pair, const RunContext& context) const {
        std::vector<double> slopes(m_circuit.angles.size());
        QSCOPE_TRY(const auto crosses, cpu::applyCrossed(pair, m_gates, m_wanted, context));
        for (const Place& place : m_places) {
            if (place.matrices.empty())
                addSlopes(place.link.front(), m_gates[place.at], crosses[place.at], slopes);
            else
                addSlopes(place, crosses[place.at], slopes);
        }
        return slopes;
    }

private:
    /// Where the sums of a link are taken.
    struct Place {
        std::size_t at; ///< before this gate
        Link link;
        std::vector<Matrix> matrices; ///< of a chain
        std::size_t behind = 0;       ///< and behind this one of the chain's gates
    };

    [[nodiscard]] bool hasAngles(const Link& link) const {
        return std::ranges::any_of(link, [&](std::size_t gate) { return !m_anglesOf[gate].empty(); });
    }
    void put(FusedGate gate, bool wanted) {
        m_gates.push_back(std::move(gate));
        m_wanted.push_back(wanted);
    }

    void addGate(std::size_t gate) {
        const bool wanted = hasAngles({gate});
        if (wanted) m_places.push_back({m_gates.size(), {gate}, {}});
        put(inverseOf(plainGate(m_circuit.gates[gate])), wanted);
    }

    void addChain(const Link& link) {
        Place place{0, link, {}};
        std::size_t mixing = 0, last = 0; // how many are not diagonal, and the last of them
        for (const std::size_t gate : link) {
            place.matrices.push_back(squareOf(gateMatrix(m_circuit.gates[gate])->entries, 2));
            if (isDiagonal(place.matrices.back())) continue;
            ++mixing;
            last = place.matrices.size() - 1;
        }
        const int qubit = m_circuit.gates[link.front()].qubits.front();
        const auto product = [&](std::size_t begin, std::size_t end) {
            Matrix result = Matrix::Identity(2, 2);
            for (std::size_t k = begin; k < end; ++k) result = (place.matrices[k] * result).eval();
            return result;
        };
        const bool wanted = hasAngles(link);
        const std::size_t count = link.size();
        const bool apart =
            mixing == 1 && isSparse(place.matrices[last]); // with diagonal gates on both sides, which cost little
        if (apart && last + 1 < count) put(inverseOf(product(last + 1, count), qubit), false);
        place.at = m_gates.size();
        place.behind = apart ? last : count - 1;
        put(inverseOf(apart ? place.matrices[last] : product(0, count), qubit), wanted);
        if (apart && last > 0) put(inverseOf(product(0, last), qubit), false);
        if (wanted) m_places.push_back(std::move(place));
    }

    /// With M the gate's matrix behind its controls: 2 Re of the sum of C[r][c] (dM M^-1)[r][c].
    void addSlopes(std::size_t gate, const FusedGate& inverse, const cpu::Cross& cross,
                   std::vector<double>& slopes) const {
        const GateOp& op = m_circuit.gates[gate];
        const auto entries = gateMatrix(op)->entries;
        const auto size = static_cast<Eigen::Index>(std::lround(std::sqrt(static_cast<double>(entries.size()))));
        const Matrix back = squareOf(entries, size).adjoint();
        for (const std::size_t angle : m_anglesOf[gate]) {
            const Matrix change = squareOf(derivative(op, m_circuit.angles[angle].index), size) * back;
            // A phase on |1> alone has its target among the controls.
            const auto first = inverse.targets.empty() ? size - 1 : 0;
            const auto own = Eigen::Index{1} << inverse.targets.size();
            Complex sum = 0;
            for (Eigen::Index r = 0; r < own; ++r) {
                if (inverse.form == FusedGate::Form::Diagonal) {
                    sum += cross[static_cast<std::size_t>(r)] * change(first + r, first + r);
                    continue;
                }
                for (Eigen::Index c = 0; c < own; ++c)
                    sum += cross[static_cast<std::size_t>(r * own + c)] * change(r, c);
            }
            slopes[angle] = 2 * sum.real();
        }
    }

    /// The sums are taken in the middle of a chain: its other gates bring their change there.
    void addSlopes(const Place& place, const cpu::Cross& cross, std::vector<double>& slopes) const {
        Matrix c = Matrix::Zero(2, 2);
        if (cross.size() == 2)
            c.diagonal() << cross[0], cross[1];
        else
            c = squareOf(cross, 2);
        const auto add = [&](std::size_t k, const Matrix& way) { // from behind gate k to where the sums are
            const std::size_t gate = place.link[k];
            for (const std::size_t angle : m_anglesOf[gate]) {
                const Matrix turned = squareOf(derivative(m_circuit.gates[gate], m_circuit.angles[angle].index), 2);
                const Matrix change = way * turned * place.matrices[k].adjoint() * way.adjoint();
                slopes[angle] = 2 * c.cwiseProduct(change).sum().real();
            }
        };
        Matrix way = Matrix::Identity(2, 2);
        for (std::size_t k = place.behind + 1; k-- > 0;) {
            add(k, way);
            way = (way * place.matrices[k]).eval();
        }
        way.setIdentity();
        for (std::size_t k = place.behind + 1; k < place.link.size(); ++k) {
            way = (way * place.matrices[k].adjoint()).eval();
            add(k, way);
        }
    }

    const Variational& m_circuit;
    std::vector<std::vector<std::size_t>> m_anglesOf; ///< by gate
    std::vector<FusedGate> m_gates;
    std::vector<bool> m_wanted;
    std::vector<Place> m_places;
};

} // namespace

Result<Gradient> adjointGradient(const Variational& circuit, std::span<const PauliTerm> observable,
                                 const RunContext& context) {
    QSCOPE_TRY(auto pair, cpu::makeState(circuit.qubits + 1, Precision::Double));
    QSCOPE_CHECK(turn(*pair, circuit, context));
    QSCOPE_TRY(cpu::CpuState* const both, cpu::own(*pair));
    const std::span amplitudes(reinterpret_cast<Complex*>(both->reals<double>()), both->size());
    const std::size_t half = amplitudes.size() / 2;
    const PauliSum sum{circuit.qubits, {observable.begin(), observable.end()}};
    QSCOPE_CHECK(applySum(sum, amplitudes.first(half), amplitudes.last(half), context));

    Gradient result;
    // X of the qubit that tells the halves apart: conj(left) right twice.
    QSCOPE_TRY(const double twice, cpu::expectation(*pair, {half, 0}, context));
    result.value = twice / 2;
    result.runs = 3;
    QSCOPE_TRY(result.slopes, Backwards(circuit).slopes(*pair, context));
    return result;
}

} // namespace qscope::engine
