# SPDX-License-Identifier: GPL-3.0-or-later
"""Circuits give the same state on a Vulkan device as on the processor."""
import re
import unittest

import numpy

import program


class Devices(program.ProgramTest):
    def amplitudes(self, path, device, precision):
        target = self.folder / "state.npy"
        self.json("simulate", path, "--device", device, "--precision", precision, "--state", target, "--top", 4)
        return numpy.load(target)

    def test_published_circuits_agree(self):
        folder = self.data("qasm/qasmbench")
        usable = [d for d in self.json("devices")["devices"] if d["choice"].startswith("vulkan") and not d["refused"]]
        if not usable:
            self.skipTest("no Vulkan device")
        files = [path for path in sorted(folder.rglob("*.qasm"))
                 if int(re.search(r"_n(\d+)", path.name).group(1)) <= 16]
        self.assertGreater(len(files), 40)
        for path in files:
            for precision, tolerance in (("single", 1e-5), ("double", 1e-12)):
                with self.subTest(path=path.name, precision=precision):
                    here = self.amplitudes(path, "cpu", precision)
                    there = self.amplitudes(path, usable[0]["choice"], precision)
                    off = numpy.abs(numpy.abs(here.astype("c16")) ** 2 - numpy.abs(there.astype("c16")) ** 2)
                    self.assertLessEqual(off.max(), tolerance)


if __name__ == "__main__":
    unittest.main()
