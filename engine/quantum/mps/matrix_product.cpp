// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/mps/matrix_product.h"

#include "engine/quantum/mps/split.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope::engine {

namespace {

using Complex = MatrixProduct::Complex;
using Matrix = MatrixProduct::Matrix;
using Eigen::Index;

const std::vector<Complex> kSwap = {1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1};

/// Both matrices of a site, one above the other.
Matrix stacked(const Matrix& top, const Matrix& bottom) {
    Matrix result(top.rows() + bottom.rows(), top.cols());
    result << top, bottom;
    return result;
}
Matrix beside(const Matrix& left, const Matrix& right) {
    Matrix result(left.rows(), left.cols() + right.cols());
    result << left, right;
    return result;
}

} // namespace

MatrixProduct::MatrixProduct(int qubits, int bond, double cutoff)
    : m_layout(qubits)
    , m_sites(static_cast<std::size_t>(qubits))
    , m_bond(bond)
    , m_cutoff(cutoff) {
    for (Site& site : m_sites) {
        site.a[0] = Matrix::Ones(1, 1);
        site.a[1] = Matrix::Zero(1, 1);
    }
}

void MatrixProduct::stepRight() {
    Site& site = at(m_centre);
    const Index left = site.a[0].rows();
    const auto [q, r] = orthogonal(stacked(site.a[0], site.a[1]));
    site.a[0] = q.topRows(left);
    site.a[1] = q.bottomRows(left);
    Site& next = at(++m_centre);
    for (Matrix& a : next.a) a = r * a;
}

void MatrixProduct::stepLeft() {
    Site& site = at(m_centre);
    const Index right = site.a[0].cols();
    const auto [q, r] = orthogonal(beside(site.a[0], site.a[1]).adjoint());
    site.a[0] = q.topRows(right).adjoint();
    site.a[1] = q.bottomRows(right).adjoint();
    Site& previous = at(--m_centre);
    for (Matrix& a : previous.a) a = a * r.adjoint();
}

void MatrixProduct::moveCentre(int site) {
    while (m_centre < site) stepRight();
    while (m_centre > site) stepLeft();
}

void MatrixProduct::dropped(double share) { m_angle += std::asin(std::sqrt(std::clamp(share, 0.0, 1.0))); }

double MatrixProduct::fidelity() const {
    const double cosine = m_angle < std::numbers::pi / 2 ? std::cos(m_angle) : 0;
    return cosine * cosine;
}

Result<void> MatrixProduct::apply(const std::vector<Complex>& matrix, std::span<const int> qubits,
                                  const RunContext& context) {
    const auto gathering = m_layout.gather(qubits);
    for (const int site : gathering.swaps) {
        if (context.cancelled()) return cancelled();
        applyAt(site, kSwap, {0, 1});
    }
    std::vector<int> offsets;
    for (const int q : qubits) offsets.push_back(m_layout.site(q) - gathering.first);
    applyAt(gathering.first, matrix, offsets);
    return {};
}

void MatrixProduct::applyAt(int first, const std::vector<Complex>& matrix, const std::vector<int>& offsets) {
    const int count = static_cast<int>(offsets.size());
    const std::size_t size = std::size_t{1} << count;
    if (count > 1) moveCentre(std::clamp(m_centre, first, first + count - 1));

    // The product of the sites, one matrix for each value of their bits, the first site the lowest bit.
    std::vector<Matrix> joined = {at(first).a[0], at(first).a[1]};
    for (int k = 1; k < count; ++k) {
        const std::size_t before = joined.size();
        joined.resize(2 * before);
        for (std::size_t s = 0; s < before; ++s) {
            joined[s + before].noalias() = joined[s] * at(first + k).a[1];
            joined[s] = joined[s] * at(first + k).a[0];
        }
    }
    std::vector<std::size_t> local(size); // the gate's index of these bits
    for (std::size_t s = 0; s < size; ++s)
        for (std::size_t k = 0; k < offsets.size(); ++k) local[s] |= (s >> offsets[k] & 1) << k;
    std::vector<Matrix> moved(size);
    for (std::size_t to = 0; to < size; ++to) {
        moved[to] = Matrix::Zero(joined[0].rows(), joined[0].cols());
        for (std::size_t from = 0; from < size; ++from) {
            const Complex factor = matrix[local[to] * size + local[from]];
            if (factor != 0.0) moved[to] += factor * joined[from];
        }
    }

    for (int k = 0; k + 1 < count; ++k) {
        // Rows: the matrix left of this site and its bit; columns: the other bits and the matrix to the right.
        const Index left = moved[0].rows(), right = moved[0].cols();
        const std::size_t rest = moved.size() / 2;
        Matrix whole(2 * left, static_cast<Index>(rest) * right);
        for (std::size_t s = 0; s < moved.size(); ++s)
            whole.block(static_cast<Index>(s & 1) * left, static_cast<Index>(s >> 1) * right, left, right) = moved[s];
        Split parts = split(whole, m_bond, m_cutoff);
        dropped(parts.dropped);
        m_largestBond = std::max(m_largestBond, static_cast<int>(parts.left.cols()));
        at(first + k).a[0] = parts.left.topRows(left);
        at(first + k).a[1] = parts.left.bottomRows(left);
        moved.resize(rest);
        for (std::size_t s = 0; s < rest; ++s) moved[s] = parts.right.middleCols(static_cast<Index>(s) * right, right);
    }
    at(first + count - 1).a[0] = std::move(moved[0]);
    at(first + count - 1).a[1] = std::move(moved[1]);
    if (count > 1) m_centre = first + count - 1;
}

double MatrixProduct::norm() const {
    const Site& centre = m_sites[static_cast<std::size_t>(m_centre)];
    return centre.a[0].squaredNorm() + centre.a[1].squaredNorm();
}

double MatrixProduct::probabilityOfOne(int qubit) {
    moveCentre(m_layout.site(qubit));
    const double one = at(m_centre).a[1].squaredNorm();
    return one / norm();
}

void MatrixProduct::collapse(int qubit, bool outcome, double probability) {
    const int site = m_layout.site(qubit);
    moveCentre(site);
    at(site).a[outcome ? 0 : 1].setZero();
    at(site).a[outcome ? 1 : 0] /= std::sqrt(norm());
    // The error's part in the outcome's subspace keeps its size at most, while the state shrinks by its probability.
    const double sine = m_angle < std::numbers::pi / 2 ? std::sin(m_angle) : 1;
    m_angle = std::asin(std::min(1.0, sine / std::sqrt(probability)));
    compressAround(site);
}

void MatrixProduct::compressAround(int site) {
    while (m_centre + 1 < m_layout.size()) {
        Site& centre = at(m_centre);
        const Index left = centre.a[0].rows();
        const Split parts = split(stacked(centre.a[0], centre.a[1]), m_bond, m_cutoff);
        if (parts.left.cols() == centre.a[0].cols()) break;
        dropped(parts.dropped);
        centre.a[0] = parts.left.topRows(left);
        centre.a[1] = parts.left.bottomRows(left);
        Site& next = at(++m_centre);
        for (Matrix& a : next.a) a = parts.right * a;
    }
    moveCentre(site);
    while (m_centre > 0) {
        Site& centre = at(m_centre);
        const Index right = centre.a[0].cols();
        const Split parts = split(beside(centre.a[0], centre.a[1]).adjoint(), m_bond, m_cutoff);
        if (parts.left.cols() == centre.a[0].rows()) break;
        dropped(parts.dropped);
        centre.a[0] = parts.left.topRows(right).adjoint();
        centre.a[1] = parts.left.bottomRows(right).adjoint();
        Site& previous = at(--m_centre);
        for (Matrix& a : previous.a) a = a * parts.right.adjoint();
    }
}

double MatrixProduct::expectation(std::span<const PauliFactor> factors) {
    if (factors.empty()) return 1;
    std::vector<char> letters(m_sites.size(), 'I');
    int first = m_layout.size(), last = 0;
    for (const auto& [qubit, letter] : factors) {
        const int site = m_layout.site(qubit);
        letters[static_cast<std::size_t>(site)] = letter;
        first = std::min(first, site);
        last = std::max(last, site);
    }
    moveCentre(first);
    const Index left = at(first).a[0].rows();
    Matrix between = Matrix::Identity(left, left); // rows: the conjugated chain
    for (int site = first; site <= last; ++site) {
        const Matrix* const a = at(site).a;
        const Matrix down[2] = {between * a[0], between * a[1]};
        switch (letters[static_cast<std::size_t>(site)]) {
        case 'X': between = a[0].adjoint() * down[1] + a[1].adjoint() * down[0]; break;
        case 'Y':
            between = Complex(0, -1) * (a[0].adjoint() * down[1]) + Complex(0, 1) * (a[1].adjoint() * down[0]);
            break;
        case 'Z': between = a[0].adjoint() * down[0] - a[1].adjoint() * down[1]; break;
        default: between = a[0].adjoint() * down[0] + a[1].adjoint() * down[1];
        }
    }
    return between.trace().real() / norm();
}

} // namespace qscope::engine
