# SPDX-License-Identifier: GPL-3.0-or-later
"""Circuits give the same state, and models the same predictions, on a Vulkan device as on the processor."""
import pathlib
import re
import unittest

import numpy

import program


SAMPLE = pathlib.Path(__file__).resolve().parents[2] / "resources" / "samples" / "bard"


class Devices(program.ProgramTest):
    def device(self):
        usable = [d for d in self.json("devices")["devices"] if d["choice"].startswith("vulkan") and not d["refused"]]
        if not usable:
            self.skipTest("no Vulkan device")
        return usable[0]

    def amplitudes(self, path, device, precision):
        target = self.folder / "state.npy"
        self.json("simulate", path, "--device", device, "--precision", precision, "--state", target, "--top", 4)
        return numpy.load(target)

    def test_codes_on_uniform_grids_are_the_same(self):
        device = self.device()
        for spec in ("rtn:bits=4,group=64", "minmax:bits=8,symmetric=false", "minmax:bits=4,granularity=layer"):
            files = []
            for choice in ("cpu", device["choice"]):
                target = self.folder / (choice.replace(":", "-") + ".safetensors")
                made = self.json("quantize", SAMPLE, "-m", spec, "--tensor", "model.layers.0.*proj*", "--device", choice, "-o", target)
                self.assertEqual("CPU" in made["device"], choice == "cpu", made["device"])
                files.append(target.read_bytes())
            self.assertTrue(files[0] == files[1], spec)

    def test_published_circuits_agree(self):
        folder = self.data("qasm/qasmbench")
        device = self.device()["choice"]
        files = [path for path in sorted(folder.rglob("*.qasm"))
                 if int(re.search(r"_n(\d+)", path.name).group(1)) <= 16]
        self.assertGreater(len(files), 40)
        for path in files:
            for precision, tolerance in (("single", 1e-5), ("double", 1e-12)):
                with self.subTest(path=path.name, precision=precision):
                    here = self.amplitudes(path, "cpu", precision)
                    there = self.amplitudes(path, device, precision)
                    off = numpy.abs(numpy.abs(here.astype("c16")) ** 2 - numpy.abs(there.astype("c16")) ** 2)
                    self.assertLessEqual(off.max(), tolerance)

    def test_a_text_is_predicted_alike(self):
        device = self.device()
        arguments = ("eval", SAMPLE, "--text", SAMPLE / "page.txt", "--context", 64, "--tokens", 120)
        here = self.json(*arguments, "--device", "cpu")
        there = self.json(*arguments, "--device", device["choice"])
        self.assertEqual(there["device"], device["name"])
        # Single precision in another order of sums: logits differ by about 1e-5, means of losses by less.
        self.assertAlmostEqual(there["nll"], here["nll"], delta=2e-5)
        loud = program.run(*arguments, "--device", device["choice"])
        self.assertIn("runs on the CPU", loud.stderr) # looking tokens up is said to run there
        self.assertNotRegex(loud.stderr, r"(Linear|Attention|RMSNormalization|RotaryEmbedding)[^\n]*runs on the CPU")


if __name__ == "__main__":
    unittest.main()
