// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/layout.h"

#include "tests/unit/quantum/random_circuits.h"

#include <numbers>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

std::vector<int> columnsOf(const CircuitLayout& layout) {
    std::vector<int> columns;
    for (const LaidOutOperation& operation : layout.operations) columns.push_back(operation.column);
    return columns;
}

} // namespace

TEST_CASE("operations move as far left as the wires they span allow") {
    const auto circuit = circuitOf("qreg q[4]; h q[0]; h q[1]; cx q[0],q[3]; x q[2]; x q[1]; barrier q[2],q[3]; z q[2];");
    const CircuitLayout layout = layoutCircuit(*circuit);
    CHECK(columnsOf(layout) == std::vector<int>{0, 0, 1, 2, 2, 3, 4});
    CHECK(layout.columns == 5);
}

TEST_CASE("measurements and conditions span the wires between them and the classical ones") {
    const auto circuit = circuitOf("qreg q[3]; creg c[3]; measure q[0] -> c[0]; h q[2]; measure q[2] -> c[2]; if (c==1) x q[1]; h q[0];");
    const CircuitLayout top = layoutCircuit(*circuit);
    CHECK(columnsOf(top) == std::vector<int>{0, 1, 2, 3, 1});
    CHECK(top.operations[3].conditionText == "c == 1");
    CHECK(top.operations[3].conditionRegister == 0);
    CHECK(top.operations[0].clbit == 0);
    const CircuitLayout bottom = layoutCircuit(*circuit, WireOrder::ZeroAtBottom);
    CHECK(columnsOf(bottom) == std::vector<int>{0, 0, 1, 2, 3});
}

TEST_CASE("symbols tell controls from targets") {
    const auto circuit = circuitOf("gate majority a,b { cx a,b; }\nqreg q[5]; ccx q[4],q[0],q[2]; cz q[1],q[3]; cswap q[2],q[0],q[1];"
                                   "rx(pi/2) q[0]; rzz(0.3) q[0],q[1]; majority q[3],q[1]; x q[0]; reset q[0];");
    const auto& operations = layoutCircuit(*circuit).operations;
    CHECK(operations[0].kind == SymbolKind::Not);
    CHECK(operations[0].controls == std::vector<int>{4, 0});
    CHECK(operations[0].targets == std::vector<int>{2});
    CHECK(operations[0].lowest == 0);
    CHECK(operations[0].highest == 4);
    CHECK(operations[1].kind == SymbolKind::Dot);
    CHECK(operations[2].kind == SymbolKind::Cross);
    CHECK(operations[2].targets == std::vector<int>{0, 1});
    CHECK(operations[3].label == "RX");
    CHECK(operations[3].parameterText == "π/2");
    CHECK(operations[4].parameterText == "0.3");
    CHECK(operations[5].kind == SymbolKind::Call);
    CHECK(operations[5].label == "majority");
    CHECK(operations[6].kind == SymbolKind::Box);
    CHECK(operations[7].kind == SymbolKind::Reset);
}

TEST_CASE("no two operations of a layout overlap and order is kept on every wire") {
    std::mt19937 random(11);
    for (int round = 0; round < 20; ++round) {
        const Circuit circuit = randomCircuit(6, 80, random);
        const CircuitLayout layout = layoutCircuit(circuit);
        std::vector<int> last(6, -1);
        for (const LaidOutOperation& operation : layout.operations) {
            int wanted = 0;
            for (int wire = operation.lowest; wire <= operation.highest; ++wire)
                wanted = std::max(wanted, last[static_cast<std::size_t>(wire)] + 1);
            REQUIRE(operation.column == wanted);
            for (int wire = operation.lowest; wire <= operation.highest; ++wire)
                last[static_cast<std::size_t>(wire)] = operation.column;
            REQUIRE(operation.column < layout.columns);
        }
    }
}

TEST_CASE("angles are written as people write them") {
    using std::numbers::pi;
    CHECK(angleText(0) == "0");
    CHECK(angleText(pi) == "π");
    CHECK(angleText(-pi / 2) == "-π/2");
    CHECK(angleText(3 * pi / 4) == "3π/4");
    CHECK(angleText(-2 * pi) == "-2π");
    CHECK(angleText(pi / 1024) == "π/1024");
    CHECK(angleText(0.3) == "0.3");
    CHECK(angleText(1.5707) == "1.571");
}

TEST_CASE("depth counts the longest chain through qubits and classical bits") {
    CHECK(depth(*circuitOf("qreg q[3]; h q[0]; h q[1]; cx q[0],q[1]; x q[2];")) == 2);
    CHECK(depth(*circuitOf("qreg q[2]; h q[0]; barrier q; h q[1];")) == 1);
    CHECK(depth(*circuitOf("qreg q[2]; creg c[2]; h q[0]; measure q[0] -> c[0]; if (c==1) x q[1];")) == 3);
    CHECK(depth(*circuitOf("qreg q[2]; creg c[2]; measure q[0] -> c[0]; measure q[1] -> c[1];")) == 1);
    CHECK(depth(*circuitOf("gate g a,b { h a; cx a,b; h b; }\nqreg q[2]; g q[0],q[1];")) == 3);
}

TEST_CASE("gates are counted as written") {
    const auto counts = gateCounts(*circuitOf("gate g a { h a; h a; }\nqreg q[2]; creg c[2]; g q[0]; h q; measure q -> c; barrier q;"));
    CHECK(counts == std::map<std::string, int>{{"barrier", 1}, {"g", 1}, {"h", 2}, {"measure", 2}});
}
