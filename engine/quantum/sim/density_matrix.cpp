// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/density_matrix.h"

#include "engine/backend/cpu_state.h"
#include "engine/core/large_vector.h"
#include "engine/core/parallel.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace qscope::engine {

namespace {

constexpr std::int64_t kChunk = 1 << 16; ///< coefficients
constexpr std::uint64_t kHugePage = 2u << 20;

/// Bit k of `x` and of `z` at the letter of `qubits[k]`.
std::uint64_t stringIndex(std::uint64_t x, std::uint64_t z, std::span<const int> qubits) {
    std::uint64_t index = 0;
    for (std::size_t k = 0; k < qubits.size(); ++k)
        index |= (x >> k & 1) << 2 * qubits[k] | (z >> k & 1) << (2 * qubits[k] + 1);
    return index;
}

/// In place: out[i] = sum over j of (-1)^(ones of i and j) in[j].
template<class T>
void signedSums(std::vector<T>& values) {
    for (std::size_t bit = 1; bit < values.size(); bit <<= 1)
        for (std::size_t i = 0; i < values.size(); ++i)
            if (!(i & bit)) {
                const T a = values[i], b = values[i | bit];
                values[i] = a + b;
                values[i | bit] = a - b;
            }
}

std::string sizeText(std::uint64_t bytes) {
    if (bytes == UINT64_MAX) return "more than 16 EiB";
    constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 1024 && unit < 6; ++unit) value /= 1024;
    return fmt::format("{:.4g} {}", value, kUnits[unit]);
}

template<class Work>
Result<void> overChunks(std::uint64_t size, const RunContext& context, Work work) {
    Progress unseen; // progress belongs to the caller
    const RunContext inner{context.stop, unseen, context.notes, context.backend};
    return parallelChunks(static_cast<std::int64_t>(size), kChunk, inner, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        work(begin, end);
        return {};
    });
}

} // namespace

std::uint64_t densityBytes(int qubits, Precision precision) {
    const int power = 2 * qubits + (precision == Precision::Single ? 2 : 3);
    return power >= 64 ? UINT64_MAX : std::uint64_t{1} << power;
}

Result<void> checkDensityFits(int qubits, Precision precision) {
    if (qubits < 1) return fail(ErrorCode::OutOfRange, "a density matrix of {} qubits", qubits);
    const std::uint64_t bytes = densityBytes(qubits, precision);
    const std::uint64_t available = cpu::freeMemory();
    if (bytes <= available) return {};
    int fits = std::min(qubits, 31);
    while (fits > 0 && densityBytes(fits, precision) > available) --fits;
    const bool single = precision == Precision::Single;
    return fail(ErrorCode::OutOfMemory, "a density matrix of {} qubits in {} precision needs {}, {} are free; {} qubits would fit{}", qubits,
                single ? "single" : "double", sizeText(bytes), sizeText(available), fits,
                !single && densityBytes(qubits, Precision::Single) <= available ? ", and single precision" : "");
}

Result<DensityMatrix> DensityMatrix::allocated(int qubits, Precision precision) {
    QSCOPE_CHECK(checkDensityFits(qubits, precision));
    DensityMatrix state(qubits, precision);
    const std::uint64_t bytes = std::max<std::uint64_t>(densityBytes(qubits, precision), 64);
    state.m_memory.reset(std::aligned_alloc(bytes >= kHugePage ? kHugePage : 64, bytes));
    if (!state.m_memory) return fail(ErrorCode::OutOfMemory, "the system refused {} for a density matrix", sizeText(bytes));
    adviseLargePages(state.m_memory.get(), bytes);
    std::memset(state.m_memory.get(), 0, bytes);
    return state;
}

Result<DensityMatrix> DensityMatrix::zeroState(int qubits, Precision precision) {
    QSCOPE_TRY(DensityMatrix state, allocated(qubits, precision));
    std::uint64_t zs = 0; // the z bits of all letters
    for (int qubit = 0; qubit < qubits; ++qubit) zs |= std::uint64_t{2} << 2 * qubit;
    std::uint64_t index = 0;
    do {
        if (precision == Precision::Single) state.reals<float>()[index] = 1;
        else state.reals<double>()[index] = 1;
        index = (index - zs) & zs; // the next subset
    } while (index != 0);
    return state;
}

Result<DensityMatrix> DensityMatrix::copy() const {
    QSCOPE_TRY(DensityMatrix state, allocated(m_qubits, m_precision));
    std::memcpy(state.m_memory.get(), m_memory.get(), densityBytes(m_qubits, m_precision));
    return state;
}

Result<void> DensityMatrix::add(const DensityMatrix& other, const RunContext& context) {
    if (other.m_qubits != m_qubits || other.m_precision != m_precision)
        return fail(ErrorCode::OutOfRange, "density matrices of different sizes cannot be added");
    return overChunks(size(), context, [&](std::int64_t begin, std::int64_t end) {
        if (m_precision == Precision::Single)
            for (auto i = begin; i < end; ++i) reals<float>()[i] += other.reals<float>()[i];
        else
            for (auto i = begin; i < end; ++i) reals<double>()[i] += other.reals<double>()[i];
    });
}

Result<void> DensityMatrix::scale(double factor, const RunContext& context) {
    return overChunks(size(), context, [&](std::int64_t begin, std::int64_t end) {
        if (m_precision == Precision::Single)
            for (auto i = begin; i < end; ++i) reals<float>()[i] *= static_cast<float>(factor);
        else
            for (auto i = begin; i < end; ++i) reals<double>()[i] *= factor;
    });
}

double DensityMatrix::expectation(const PauliString& pauli) const {
    std::vector<int> all(static_cast<std::size_t>(m_qubits));
    for (int qubit = 0; qubit < m_qubits; ++qubit) all[static_cast<std::size_t>(qubit)] = qubit;
    return at(stringIndex(pauli.x, pauli.z, all));
}

Result<double> DensityMatrix::overlap(const DensityMatrix& other, const RunContext& context) const {
    if (other.m_qubits != m_qubits)
        return fail(ErrorCode::OutOfRange, "states of {} and {} qubits have no overlap", m_qubits, other.m_qubits);
    std::vector<double> sums(static_cast<std::size_t>((size() + kChunk - 1) / kChunk));
    QSCOPE_CHECK(overChunks(size(), context, [&](std::int64_t begin, std::int64_t end) {
        double sum = 0;
        for (auto i = begin; i < end; ++i) sum += at(static_cast<std::uint64_t>(i)) * other.at(static_cast<std::uint64_t>(i));
        sums[static_cast<std::size_t>(begin / kChunk)] = sum;
    }));
    double total = 0;
    for (const double sum : sums) total += sum;
    return std::ldexp(total, -m_qubits);
}

Result<void> DensityMatrix::checkQubits(std::span<const int> qubits) const {
    std::uint64_t seen = 0;
    for (const int qubit : qubits) {
        if (qubit < 0 || qubit >= m_qubits || (seen >> qubit & 1))
            return fail(ErrorCode::OutOfRange, "qubit {} twice or beyond the {} of the state", qubit, m_qubits);
        seen |= std::uint64_t{1} << qubit;
    }
    return {};
}

Result<std::vector<double>> DensityMatrix::probabilities(std::span<const int> qubits) const {
    QSCOPE_CHECK(checkQubits(qubits));
    std::vector<double> values(std::size_t{1} << qubits.size());
    for (std::size_t z = 0; z < values.size(); ++z)
        values[z] = std::ldexp(at(stringIndex(0, z, qubits)), -static_cast<int>(qubits.size()));
    signedSums(values);
    return values;
}

Result<std::vector<std::complex<double>>> DensityMatrix::reduced(std::span<const int> qubits, const RunContext& context) const {
    QSCOPE_CHECK(checkQubits(qubits));
    const int k = static_cast<int>(qubits.size());
    if (cpu::stateBytes(2 * k, Precision::Double) > cpu::freeMemory())
        return fail(ErrorCode::OutOfMemory, "a matrix on {} qubits needs {}, {} are free", k, sizeText(cpu::stateBytes(2 * k, Precision::Double)),
                    sizeText(cpu::freeMemory()));
    const std::size_t dimension = std::size_t{1} << k;
    std::vector<std::complex<double>> rho(dimension * dimension);
    std::vector<std::complex<double>> sums(dimension);
    for (std::size_t x = 0; x < dimension; ++x) {
        if (context.cancelled()) return cancelled();
        // rho = 2^-k sum of r_P P, and P|c> = i^(number of Y) (-1)^(ones of c where z is set) |c ^ x>.
        for (std::size_t z = 0; z < dimension; ++z) {
            const double value = std::ldexp(at(stringIndex(x, z, qubits)), -k);
            constexpr std::complex<double> kTurns[] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
            sums[z] = kTurns[std::popcount(x & z) % 4] * value;
        }
        signedSums(sums);
        for (std::size_t c = 0; c < dimension; ++c) rho[(c ^ x) * dimension + c] = sums[c];
    }
    return rho;
}

Result<std::vector<std::complex<double>>> DensityMatrix::matrix(const RunContext& context) const {
    std::vector<int> all(static_cast<std::size_t>(m_qubits));
    for (int qubit = 0; qubit < m_qubits; ++qubit) all[static_cast<std::size_t>(qubit)] = qubit;
    return reduced(all, context);
}

} // namespace qscope::engine
