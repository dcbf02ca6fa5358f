# SPDX-License-Identifier: GPL-3.0-or-later
"""Circuits on the command line."""
import json

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

    def test_the_library_lists_and_makes_circuits(self):
        circuits = {row["id"]: row for row in self.json("circuit", "--library")["circuits"]}
        self.assertLessEqual({"ghz", "qft", "grover", "phase-estimation", "teleportation", "deutsch-jozsa", "bernstein-vazirani", "simon",
                              "shor-15", "bit-flip-code", "phase-flip-code", "shor-code", "steane-code", "five-qubit-code", "qaoa",
                              "vqe-hardware"}, set(circuits))
        self.assertEqual([row["key"] for row in circuits["grover"]["parameters"]], ["qubits", "marked", "rounds"])
        target = self.folder / "secret.qasm"
        made = self.json("circuit", "--library", "bernstein-vazirani:qubits=4,secret=9", "-o", target)
        self.assertEqual(made["text"], target.read_text())
        self.assertEqual(made["qubits"], 5)
        self.assertEqual(self.json("simulate", target, "--shots", 50)["counts"], {"1001": 50})
        older = self.folder / "older.qasm"
        self.json("circuit", "--library", "qaoa:nodes=4", "--as", 2, "-o", older)
        self.assertTrue(older.read_text().startswith("OPENQASM 2.0;"))
        printed = run("circuit", "--library", "ghz:qubits=3")
        self.assertTrue(printed.stdout.startswith("// GHZ state (ghz:qubits=3)\n"))
        self.assertIn("did you mean 'grover'", self.refused(2, "circuit", "--library", "grovr"))
        self.assertIn("is not from 2 to 500", self.refused(2, "circuit", "--library", "ghz:qubits=1"))
        self.refused(2, "circuit")
        self.refused(2, "circuit", target, "--library", "ghz")

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

    def test_the_plan_is_explained_without_running(self):
        wide = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[60]; h q; cx q[0],q[59];'
        document = self.json("simulate", self.circuit(wide), "--explain")
        self.assertEqual({row["method"] for row in document["candidates"] if row["possible"]} & {"stabilizer", "mps"}, {"stabilizer", "mps"})
        self.assertEqual(document["circuit"]["clifford_fraction"], 1)
        self.assertTrue(document["possible"] and document["reason"] and document["pieces"])
        refused = [row for row in document["candidates"] if row["method"] == "statevector"][0]
        self.assertIn("refused: a state vector of 60 qubits needs 16 EiB", refused["verdict"])
        text = run("simulate", self.circuit(wide), "--explain").stdout
        self.assertIn("stabilizer", text)
        self.assertIn("16 EiB", text)

    def test_other_simulators_agree_and_take_wide_circuits(self):
        for method in ("stabilizer", "mps"):
            document = self.json("simulate", self.circuit(MEASURED), "--method", method, "--shots", 400, "--observable", "XX")
            self.assertEqual(document["method"], method)
            self.assertEqual([row["bits"] for row in document["probabilities"]], ["00", "11"])
            self.assertAlmostEqual(document["expectations"]["XX"], 1, delta=1e-10)
            self.assertEqual(set(document["counts"]), {"00", "11"})
            wide = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[90]; h q[0]; cx q[0],q[89];'
            document = self.json("simulate", self.circuit(wide), "--method", method, "--bond", 4, "--observable", "Z0 Z89")
            self.assertEqual(document["probabilities"][1]["bits"], "1" + 88 * "0" + "1")
            self.assertAlmostEqual(document["expectations"]["Z0 Z89"], 1, delta=1e-10)
            self.assertGreater(document["fidelity"], 1 - 1e-9)
        self.refused(2, "simulate", self.circuit(), "--bond", 0)
        self.refused(2, "simulate", self.circuit(), "--cutoff", 2)

    def test_gradient_lists_every_angle(self):
        turned = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; ry(0.4) q[0]; crx(0.3) q[0],q[1];'
        wanted = None
        for method in ("adjoint", "parameter-shift", "finite"):
            document = self.json("gradient", self.circuit(turned), "--observable", "IZ", "--with", method)
            self.assertAlmostEqual(document["value"], numpy.cos(0.4), delta=1e-12)
            self.assertAlmostEqual(document["gradient"][0], -numpy.sin(0.4), delta=1e-8)
            self.assertEqual([(row["gate"], row["index"]) for row in document["parameters"]], [("ry", 0), ("crx", 0)])
            wanted = wanted or document["gradient"]
            numpy.testing.assert_allclose(document["gradient"], wanted, atol=1e-8)
        self.refused(2, "gradient", self.circuit(turned), "--observable", "QQ")
        self.refused(2, "gradient", self.circuit(turned))

    def test_a_hamiltonian_is_described_and_solved(self):
        sum_file = self.folder / "ising.txt"
        sum_file.write_text("- Z0 Z1\n- 0.5 X0 - 0.5 X1 # a field\n")
        document = self.json("hamiltonian", sum_file, "--ground", 4, "--temperature", 0.7)
        self.assertEqual(document["qubits"], 2)
        self.assertEqual(document["terms"], [["ZZ", -1.0], ["IX", -0.5], ["XI", -0.5]])
        self.assertEqual(document["groups"], {"qubitwise": [["ZZ"], ["IX", "XI"]], "commuting": [["ZZ"], ["IX", "XI"]]})
        x, z, one = numpy.array([[0, 1], [1, 0]]), numpy.diag([1, -1]), numpy.eye(2)
        matrix = -numpy.kron(z, z) - 0.5 * (numpy.kron(one, x) + numpy.kron(x, one))
        energies, states = numpy.linalg.eigh(matrix)
        numpy.testing.assert_allclose([row["energy"] for row in document["lowest"]], energies, atol=1e-12)
        weights = numpy.exp(-energies / 0.7)
        self.assertAlmostEqual(document["thermal"]["energy"], weights @ energies / weights.sum(), delta=1e-12)
        evolved = self.json("hamiltonian", sum_file, "--evolve", 2, "--points", 4, "--from", "01", "--observable", "Z1",
                            "--trotter", 10)["evolution"]
        for k, time in enumerate(evolved["times"]):
            state = states @ (numpy.exp(-1j * energies * time) * states[1])
            self.assertAlmostEqual(evolved["expectations"]["Z1"][k], (abs(state) ** 2) @ [1, 1, -1, -1], delta=1e-8)
            self.assertAlmostEqual(evolved["energy"][k], 1, delta=1e-8)
        self.assertEqual(evolved["trotter"]["errors"][0], 0)
        self.assertTrue(0 < evolved["trotter"]["errors"][4] < 0.01)
        self.assertIn("by formula", run("hamiltonian", sum_file, "--evolve", 1, "--trotter", 1).stdout)

    def test_a_hamiltonian_with_noise_from_a_circuit(self):
        sum_file = self.folder / "still.json"
        sum_file.write_text('{"qubits": 2, "terms": [["IZ", 0.25]]}')
        document = self.json("hamiltonian", sum_file, "--evolve", 1.5, "--points", 3, "--circuit", self.circuit(), "--observable", "ZZ",
                             "--decay", 0.3)["evolution"]
        for time, value in zip(document["times"], document["expectations"]["ZZ"]):
            fallen = 1 - numpy.exp(-0.3 * time)  # |11> becomes |00> and both between
            self.assertAlmostEqual(value, 0.5 + 0.5 * (1 - 2 * fallen) ** 2, delta=1e-7)
        for arguments in (("--evolve", 1, "--from", "0"), ("--evolve", 1, "--observable", "ZZZ"), ("--from", "00"), ("--ground", 0),
                          ("--ground", 5), ("--evolve", 1, "--decay", 1, "--trotter", 2)):
            self.refused(2, "hamiltonian", sum_file, *arguments)
        for text in ("", "ZZ XX", '{"terms": 3}', "Z0 Z99"):
            sum_file.write_text(text)
            self.refused(3, "hamiltonian", sum_file)

    def test_noise_from_presets_and_files(self):
        model = self.folder / "device.json"
        model.write_text(json.dumps({"noise": "flips", "rules": [{"gates": ["h"], "channel": {"kind": "phase_flip", "p": 0.1}},
                                                                   {"gates": ["cx"], "channel": {"kind": "bit_flip", "p": 0.25}}]}))
        document = self.json("simulate", self.circuit(), "--noise", model, "--observable", "ZZ", "--observable", "XX")
        self.assertEqual((document["method"], document["noise"], document["trajectories"]), ("density", "flips", 0))
        # ZZ shrinks by (1 - 2 * 0.25) on each qubit, XX only by the phase flip before.
        self.assertAlmostEqual(document["expectations"]["ZZ"], 0.25, delta=1e-12)
        self.assertAlmostEqual(document["expectations"]["XX"], 0.8, delta=1e-12)
        self.assertEqual(document["errors"], {"ZZ": 0, "XX": 0})
        sampled = self.json("simulate", self.circuit(), "--noise", model, "--method", "trajectories", "--shots", 2000, "--observable", "ZZ")
        self.assertEqual(sampled["trajectories"], 2000)
        self.assertLess(0, sampled["errors"]["ZZ"])
        self.assertLess(abs(sampled["expectations"]["ZZ"] - 0.25), 5 * sampled["errors"]["ZZ"])
        self.assertIn("error", sampled["probabilities"][0])
        carried = self.json("simulate", self.circuit(), "--noise", model, "--method", "pauli_transfer", "--observable", "ZZ")
        self.assertAlmostEqual(carried["expectations"]["ZZ"], 0.25, delta=1e-12)
        preset = self.json("simulate", self.circuit(), "--noise", "depolarizing:p1=0,p2=0.15", "--observable", "ZZ")
        self.assertAlmostEqual(preset["expectations"]["ZZ"], 1 - 0.15 * 16 / 15, delta=1e-12)
        self.assertIn("±", run("simulate", self.circuit(), "--noise", model, "--method", "trajectories", "--observable", "ZZ").stdout)

    def test_a_density_matrix_is_written_for_numpy(self):
        target = self.folder / "rho.npy"
        self.json("simulate", self.circuit(), "--method", "density", "--noise", "readout:p=0.1", "--state", target)
        wanted = numpy.zeros((4, 4), complex)
        wanted[0, 0] = wanted[0, 3] = wanted[3, 0] = wanted[3, 3] = 0.5
        numpy.testing.assert_allclose(numpy.load(target), wanted, atol=1e-14)
        self.refused(3, "simulate", self.circuit(), "--method", "pauli_transfer", "--observable", "ZZ", "--state", target)

    def test_wrong_noise(self):
        bad = self.folder / "bad.json"
        bad.write_text('{"rules": [{"gates": ["x"], "channel": {"kind": "bit_flip", "p": 2}}]}')
        self.assertIn("rule 1", self.refused(3, "simulate", self.circuit(), "--noise", bad))
        for arguments in (["--noise", "nosuch"], ["--noise", "depolarizing:p1=2"], ["--noise", "depolarizing:x=1"]):
            self.refused(2, "simulate", self.circuit(), *arguments)
        self.assertIn("knows no noise", self.refused(3, "simulate", self.circuit(), "--noise", "depolarizing", "--method", "statevector"))

    def test_circuits_are_written_in_either_version(self):
        for version in (2, 3):
            target = self.folder / f"again{version}.qasm"
            self.json("circuit", self.circuit(MEASURED), "--as", version, "-o", target)
            self.assertTrue(target.read_text().startswith(f"OPENQASM {version}.0;"))
            self.assertEqual(self.json("circuit", target)["gates"], self.json("circuit", self.circuit(MEASURED))["gates"])
        self.refused(2, "circuit", self.circuit(), "--as", 3)

    def test_pieces_of_a_circuit_give_the_values_of_the_whole(self):
        gates = "".join(f"ry(0.{k + 1}) q[{k}];" for k in range(8)) + "".join(f"cx q[{k}],q[{k + 1}];" for k in range(7)) + "rx(0.7) q[3];"
        path = self.circuit('OPENQASM 2.0; include "qelib1.inc"; qreg q[8];' + gates)
        asked = [word for pauli in ("Z0 Z7", "X3 Z4", "Y2 X3 Z6") for word in ("--observable", pauli)]
        whole = self.json("simulate", path, *asked)["expectations"]
        document = self.json("simulate", path, "--cut", 5, *asked)
        self.assertEqual((round(document["overhead"], 9), len(document["cuts"]), document["cuts"][0]["gate"]), (9, 1, "cx"))
        self.assertEqual(sorted(sum(document["pieces"], [])), list(range(8)))
        for pauli, value in whole.items():
            self.assertAlmostEqual(document["expectations"][pauli], value, delta=1e-11)
        self.refused(3, "simulate", path, "--cut", 3)
        self.refused(2, "simulate", path, "--cut", 5, "--shots", 10)

    def test_loops_are_counted_before_they_are_unrolled(self):
        loops = "int n = 1000; " + "".join(f"for int {i} in [0:n] {{ " for i in "ijk") + "x q; h q; " + "} } }"
        line = self.refused(3, "circuit", self.circuit('OPENQASM 3.0; include "stdgates.inc"; qubit q; ' + loops))
        self.assertIn("the circuit has more than 4000000 operations", line)

    def test_inputs_are_given_by_name(self):
        path = self.circuit('OPENQASM 3.0; include "stdgates.inc"; input float theta; qubit q; rx(theta) q;')
        self.assertEqual(self.json("circuit", path)["inputs"], ["theta"])
        document = self.json("simulate", path, "--param", "theta=3.141592653589793")
        self.assertAlmostEqual(document["probabilities"][0]["p"], 1)
        self.assertEqual(document["probabilities"][0]["bits"], "1")
        for arguments in ((), ("--param", "psi=1"), ("--param", "theta"), ("--param", "theta=1", "--param", "theta=2")):
            self.assertNotEqual(run("simulate", path, *arguments).returncode, 0)

    def test_branches_and_inputs_reach_the_simulators_that_follow_them(self):
        loop = self.circuit('OPENQASM 3.0; include "stdgates.inc"; qubit q; bit c; h q; c = measure q; while (c) { h q; c = measure q; }')
        document = self.json("simulate", loop, "--shots", 50, "--observable", "Z")
        self.assertEqual((document["method"], document["counts"]), ("statevector", {"0": 50}))
        self.assertEqual(document["expectations"]["Z"], 1)
        for method in ("mps", "stabilizer", "density", "trajectories"):
            self.assertIn("branches, loops or classical values", self.refused(3, "simulate", loop, "--method", method))
        self.assertIn("branches, loops", self.refused(3, "simulate", loop, "--noise", "depolarizing"))
        self.assertIn("branches, loops", self.refused(3, "gradient", loop, "--observable", "Z"))
        path = self.circuit('OPENQASM 3.0; include "stdgates.inc"; input float theta; qubit q; rx(theta) q;')
        for arguments in (("--method", "mps"), ("--noise", "readout:p=0.1"), ("--method", "pauli_transfer")):
            document = self.json("simulate", path, "--param", "theta=0.4", "--observable", "Z", *arguments)
            self.assertAlmostEqual(document["expectations"]["Z"], numpy.cos(0.4), delta=1e-12)

    def test_bad_circuits_end_in_code_3_with_the_place(self):
        line = self.refused(3, "simulate", self.circuit(BELL + "nosuch q[0];\n"))
        self.assertRegex(line, "nosuch.*line 7")
        self.refused(3, "circuit", self.circuit("not a circuit"))
        self.refused(3, "circuit", self.circuit("OPENQASM 2.0; qreg q[99999999999999999999];"))

    def test_a_circuit_too_large_says_what_it_would_need(self):
        joined = "".join(f"cx q[{i}], q[{i + 1}];" for i in range(59))  # else it runs in parts
        done = run("simulate", "--method", "statevector", self.circuit('OPENQASM 2.0; include "qelib1.inc"; qreg q[60]; h q; ' + joined))
        self.assertIn(done.returncode, (1, 3))
        self.assertRegex(done.stderr, r"error: [^\n]*60 qubits[^\n]*\n\Z")

    def test_wrong_usage(self):
        for arguments in (["--observable", "QQ"], ["--observable", "ZZZZ"], ["--method", "nosuch"], ["--precision", "half"], ["--shots", "-1"]):
            self.refused(2, "simulate", self.circuit(), *arguments)
