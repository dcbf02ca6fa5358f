# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that is killed while it writes leaves the old file or the new one, and nothing that stands in the way."""
import random
import subprocess
import time

import numpy

from checkpoint_files import write_safetensors
from program import PROGRAM, ProgramTest

KILLS = 100


class Killed(ProgramTest):
    def check(self, command, old, target, kills):
        """Kills the command at moments spread over a whole run; `old` is what the target holds before."""
        def start():
            return subprocess.Popen([PROGRAM, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        began = time.monotonic()
        self.assertEqual(start().wait(), 0)
        whole = time.monotonic() - began
        new = target.read_bytes()
        self.assertNotEqual(new, old)
        moments = random.Random(1)
        seen = set()
        for _ in range(kills):
            target.write_bytes(old)
            process = start()
            try:
                process.wait(moments.uniform(0, 1.2 * whole))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            found = target.read_bytes()
            self.assertIn(found, (old, new))
            seen.add(found == new)
        self.assertIn(False, seen)
        self.assertEqual(start().wait(), 0)
        self.assertEqual(target.read_bytes(), new)
        self.json("info", target)
        self.assertEqual([path.name for path in self.folder.iterdir() if ".qscope-" in path.name], [])

    def model(self):
        values = numpy.random.default_rng(1)
        return write_safetensors(self.folder / "model.safetensors",
                                 {f"layers.{i}.weight": values.standard_normal((256, 512)).astype("f4") for i in range(6)})

    def test_quantize(self):
        target = self.folder / "out.gguf"
        self.check(["quantize", self.model(), "-m", "q8_0", "-o", target], b"what was there before", target, KILLS // 2)

    def test_convert(self):
        model, target = self.model(), self.folder / "out.gguf"
        self.json("quantize", model, "-m", "q8_0", "-o", target)
        self.check(["convert", model, target], target.read_bytes(), target, KILLS // 2)
