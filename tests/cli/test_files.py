# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile files, huge files, and being interrupted."""
import json
import os
import signal
import struct
import subprocess
import time

import numpy

from checkpoint_files import safetensors_bytes, write_safetensors
from program import DATA, PROGRAM, ProgramTest, run


def header(text):
    return struct.pack("<Q", len(text)) + text


class Files(ProgramTest):
    def test_hostile_files_end_in_code_3_and_one_line(self):
        entry = b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'
        good = header(entry) + bytes(16)
        hostile = {
            "empty": b"", "short": good[:5], "no data": good[:-1], "trailing": good + b"x", "length": struct.pack("<Q", 2 ** 63) + entry,
            "text": header(b"{") + bytes(16), "array": header(b"[]"), "type": good.replace(b"F32", b"F99"),
            "shape": good.replace(b"[4]", b"[5]"), "negative": good.replace(b"[4]", b"[-4]"), "huge": header(
                b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,16]}}') + bytes(16),
            "overlap": header(b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}') + bytes(6),
            "twice": header(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}') + bytes(1),
            "deep": header(b'{"a":' * 5000), "newline": header(b'{"a\\nb":{"dtype":"F99\\n","shape":[1],"data_offsets":[0,4]}}') + bytes(4),
        }
        for name, content in hostile.items():
            path = self.folder / f"{name}.safetensors"
            path.write_bytes(content)
            with self.subTest(name):
                self.assertIn(path.name, self.refused(3, "info", path))
        gguf = b"GGUF" + struct.pack("<IQQ", 3, 2 ** 60, 0)
        for name, content in {"count": gguf, "version": b"GGUF" + struct.pack("<IQQ", 9, 0, 0), "magic": b"GGUX" + bytes(40), "stub": b"GGUF"}.items():
            path = self.folder / f"{name}.gguf"
            path.write_bytes(content)
            with self.subTest(name):
                self.refused(3, "info", path)

    def test_what_is_no_file_of_a_known_format_ends_in_code_3(self):
        (self.folder / "text.txt").write_text("hello")
        os.mkfifo(self.folder / "pipe.safetensors")
        for name in ("missing.safetensors", "text.txt", "pipe.safetensors", "."):
            self.refused(3, "info", self.folder / name)

    def test_every_cut_of_a_small_file_is_refused_or_consistent(self):
        whole = safetensors_bytes({"a": numpy.zeros((2, 3), "f4")})
        path = self.folder / "cut.safetensors"
        for length in range(0, len(whole), 7):
            path.write_bytes(whole[:length])
            self.refused(3, "info", path)

    def test_names_that_are_not_utf8_or_not_printable_do_not_break_the_output(self):
        name = 'tab\t quote" newline\n bell\x07'
        path = write_safetensors(self.folder / "odd.safetensors", {name: numpy.ones((2, 2), "f4")})
        self.assertEqual(self.json("info", path)["tensors"][0]["name"], name)
        self.assertEqual(self.json("stats", path)["tensors"][0]["name"], name)

    def test_infinite_numbers_do_not_break_the_json(self):
        path = write_safetensors(self.folder / "inf.safetensors", {"a": numpy.array([[numpy.nan, numpy.inf], [1e308, -1e308]])})
        self.json("stats", path)
        ones = write_safetensors(self.folder / "ones.safetensors", {"a": numpy.ones((2, 2), "f4")})
        exact = self.json("diff", ones, ones)
        self.assertIsNone(exact["tensors"][0]["sqnr_db"])

    def test_a_sparse_file_of_100_gigabytes_opens_in_little_memory(self):
        total, count = 100 * 10 ** 9, 1000
        each = total // count
        entries = {f"layer.{i}.weight": {"dtype": "F16", "shape": [each // 2], "data_offsets": [i * each, (i + 1) * each]} for i in range(count)}
        path = self.folder / "huge.safetensors"
        path.write_bytes(header(json.dumps(entries).encode()))
        os.truncate(path, path.stat().st_size + total)
        process = subprocess.Popen([PROGRAM, "info", path, "--json"], stdout=subprocess.PIPE)
        document = json.loads(process.stdout.read())
        _, status, usage = os.wait4(process.pid, 0)
        process.stdout.close()
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual((process.returncode, document["bytes"], len(document["tensors"])), (0, total, count))
        self.assertLess(usage.ru_maxrss, 200_000)

    def test_an_interrupt_ends_in_code_130_and_leaves_nothing(self):
        random = numpy.random.default_rng(3)
        model = write_safetensors(self.folder / "model.safetensors", {f"layers.{i}.weight": random.normal(size=(2048, 2048)).astype("f4") for i in range(4)})
        for arguments in (["quantize", model, "-m", "q4_k", "-o", self.folder / "out.gguf"], ["compare", model, "-m", "q4_k", "-m", "q6_k", "-o", self.folder / "out.html"]):
            process = subprocess.Popen([PROGRAM, *map(str, arguments), "--device", "cpu"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            while process.poll() is None and self.not_yet_working(process.pid):
                time.sleep(0.005)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 130, out + err)
            self.assertRegex(err, r"error: [^\n]*cancelled")
            self.assertEqual([entry.name for entry in self.folder.iterdir()], ["model.safetensors"])

    @staticmethod
    def not_yet_working(pid):
        """Until the program has spent a fifth of a second of processor time: start-up is over, the search is not."""
        try:
            with open(f"/proc/{pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
        except OSError:
            return False
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") < 0.2

    def test_bytes_flipped_in_the_headers_of_real_files_never_crash(self):
        for relative, length in (("safetensors/multi_layer.safetensors", 1200), ("llm-llama/stories260K-f32.gguf", 400)):
            if not (DATA / relative).exists():
                continue
            content = bytearray((DATA / relative).read_bytes())
            path = self.folder / ("flipped" + (DATA / relative).suffix)
            for at in range(0, length, 37):
                content[at] ^= 0xFF
                path.write_bytes(content)
                content[at] ^= 0xFF
                done = run("info", path, "--json", "--quiet")
                self.assertIn(done.returncode, (0, 3), (relative, at, done.stderr))
                self.assertEqual(done.stderr.count("\n"), 0 if done.returncode == 0 else 1, (at, done.stderr))
