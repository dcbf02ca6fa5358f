# SPDX-License-Identifier: GPL-3.0-or-later
"""Circuits on the command line."""
import numpy

from program import ProgramTest, run

BELL = """OPENQASM 2.0;
include "qelib1.inc";
qreg q[2];
creg c[2];
h q[0];
cx q[0], q[1];
"""
MEASURED = BELL + "measure q -> c;\n"


class Circuits(ProgramTest):
    def circuit(self, text=BELL):
        path = self.folder / "circuit.qasm"
        path.write_text(text)
        return path

    def test_circuit_describes_the_file(self):
        document = self.json("circuit", self.circuit(MEASURED))
        self.assertEqual((document["version"], document["qubits"], document["clbits"], document["depth"]), ("2.0", 2, 2, 3))
        self.assertEqual(document["gates"], {"h": 1, "cx": 1, "measure": 2})
        self.assertEqual(document["diagnostics"], [])

    def test_circuit_draws_pictures_without_a_display(self):
        for name, start in (("bell.svg", b"<?xml"), ("bell.png", b"\x89PNG")):
            self.json("circuit", self.circuit(), "--draw", self.folder / name)
            self.assertTrue((self.folder / name).read_bytes().startswith(start))
        self.refused(2, "circuit", self.circuit(), "--draw", self.folder / "bell.xyz")
        self.assertEqual(len(list(self.folder.glob("*.xyz*"))), 0)

    def test_simulate_gives_probabilities_expectations_and_counts(self):
        for precision, tolerance in (("double", 1e-12), ("single", 1e-6)):
            document = self.json("simulate", self.circuit(), "--precision", precision, "--observable", "ZZ", "--observable", "X0 X1",
                                 "--observable", "ZI", "--device", "cpu")
            for key in ("method", "qubits", "gates", "fused_gates", "seconds", "probabilities", "counts", "expectations", "fidelity", "device"):
                self.assertIn(key, document)
            self.assertEqual([row["bits"] for row in document["probabilities"]], ["00", "11"])
            for row in document["probabilities"]:
                self.assertAlmostEqual(row["p"], 0.5, delta=tolerance)
            for observable, value in (("ZZ", 1), ("X0 X1", 1), ("ZI", 0)):
                self.assertAlmostEqual(document["expectations"][observable], value, delta=tolerance)

    def test_the_seed_fixes_the_counts(self):
        first, second, third = (self.json("simulate", self.circuit(MEASURED), "--shots", 1000, "--seed", seed)["counts"] for seed in (1, 1, 2))
        self.assertEqual(first, second)
        self.assertNotEqual(first, third)
        self.assertEqual(sum(first.values()), 1000)
        self.assertEqual(set(first), {"00", "11"})
        self.assertLess(abs(first["00"] - 500), 100)

    def test_amplitudes_are_written_for_numpy(self):
        for precision, kind in (("single", numpy.complex64), ("double", numpy.complex128)):
            target = self.folder / "state.npy"
            self.json("simulate", self.circuit(), "--precision", precision, "--state", target)
            state = numpy.load(target)
            self.assertEqual((state.dtype, state.shape), (kind, (4,)))
            numpy.testing.assert_allclose(state, numpy.array([1, 0, 0, 1]) / numpy.sqrt(2), atol=1e-7)

    def test_circuits_are_written_in_either_version(self):
        for version in (2, 3):
            target = self.folder / f"again{version}.qasm"
            self.json("circuit", self.circuit(MEASURED), "--as", version, "-o", target)
            self.assertTrue(target.read_text().startswith(f"OPENQASM {version}.0;"))
            self.assertEqual(self.json("circuit", target)["gates"], self.json("circuit", self.circuit(MEASURED))["gates"])
        self.refused(2, "circuit", self.circuit(), "--as", 3)

    def test_inputs_are_given_by_name(self):
        path = self.circuit('OPENQASM 3.0; include "stdgates.inc"; input float theta; qubit q; rx(theta) q;')
        self.assertEqual(self.json("circuit", path)["inputs"], ["theta"])
        document = self.json("simulate", path, "--param", "theta=3.141592653589793")
        self.assertAlmostEqual(document["probabilities"][0]["p"], 1)
        self.assertEqual(document["probabilities"][0]["bits"], "1")
        for arguments in ((), ("--param", "psi=1"), ("--param", "theta"), ("--param", "theta=1", "--param", "theta=2")):
            self.assertNotEqual(run("simulate", path, *arguments).returncode, 0)

    def test_bad_circuits_end_in_code_3_with_the_place(self):
        line = self.refused(3, "simulate", self.circuit(BELL + "nosuch q[0];\n"))
        self.assertRegex(line, "nosuch.*line 7")
        self.refused(3, "circuit", self.circuit("not a circuit"))
        self.refused(3, "circuit", self.circuit("OPENQASM 2.0; qreg q[99999999999999999999];"))

    def test_a_circuit_too_large_says_what_it_would_need(self):
        done = run("simulate", self.circuit('OPENQASM 2.0; include "qelib1.inc"; qreg q[60]; h q;'))
        self.assertIn(done.returncode, (1, 3))
        self.assertRegex(done.stderr, r"error: [^\n]*60 qubits[^\n]*\n\Z")

    def test_wrong_usage(self):
        for arguments in (["--observable", "QQ"], ["--observable", "ZZZZ"], ["--method", "nosuch"], ["--precision", "half"], ["--shots", "-1"]):
            self.refused(2, "simulate", self.circuit(), *arguments)
