# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program needs for files that ask for much: memory and what it prints."""
import json
import os
import struct
import subprocess

from program import PROGRAM, ProgramTest

MEGABYTE = 1_000_000


def safetensors(path, entries, data=b""):
    header = json.dumps(entries).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


class Hostile(ProgramTest):
    def peak(self, *arguments):
        """Bytes at the peak of a run, whose exit code may also be that of a bad file, and what it printed."""
        with open(self.folder / "stdout", "wb") as out, open(self.folder / "stderr", "wb") as errors:
            process = subprocess.Popen([PROGRAM, *map(str, arguments), "--device", "cpu"], stdout=out, stderr=errors)
            _, status, usage = resource_wait(process)
        self.assertIn(status, (0, 3), (self.folder / "stderr").read_text())
        return usage.ru_maxrss * 1024, (self.folder / "stdout").read_bytes()

    def checked(self, path):
        small = safetensors(self.folder / "small.safetensors", {"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}, b"1")
        for command in (["info"], ["info", "--json"], ["stats"], ["stats", "--json"]):
            before, _ = self.peak(*command, small)
            peak, printed = self.peak(*command, path)
            with self.subTest(path=path.name, command=command):
                self.assertLessEqual(peak - before, 4 * path.stat().st_size + 64 * MEGABYTE)
                if "--json" in command and printed:
                    json.loads(printed)

    def test_many_tensors(self):
        entries = {f"{i:x}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(60_000)}
        self.checked(safetensors(self.folder / "tensors.safetensors", entries))

    def test_long_texts(self):
        entries = {"__metadata__": {"a": "\x01" * 4 * MEGABYTE, "b": "\u00e9" * 2 * MEGABYTE}}
        path = safetensors(self.folder / "texts.safetensors", entries)
        self.checked(path)
        self.assertEqual(self.json("info", path)["metadata"], entries["__metadata__"])

    def test_many_pairs(self):
        self.checked(safetensors(self.folder / "pairs.safetensors", {"__metadata__": {f"{i:x}": "" for i in range(100_000)}}))

    def test_an_array_in_fortran_order_is_read_in_pieces(self):
        shape = (2000, 2000)
        array = self.folder / "wide.npy"
        header = str({"descr": "<f4", "fortran_order": True, "shape": shape}).encode()
        array.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(4 * shape[0] * shape[1]))
        self.checked(array)

    def test_a_long_vector_is_measured_in_pieces(self):
        for name, shape in (("vector", [8_000_000]), ("column", [8_000_000, 1])):
            self.checked(safetensors(self.folder / f"{name}.safetensors", {"a": {"dtype": "I8", "shape": shape, "data_offsets": [0, 8_000_000]}},
                                     bytes(range(250)) * 32_000))

    def test_names_do_not_reach_the_terminal_raw(self):
        entries = {"__metadata__": {"k\x1b[2J": "v\x1b[2J"}, "n\x1b[2J\nm": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}}
        _, printed = self.peak("info", safetensors(self.folder / "names.safetensors", entries))
        self.assertNotIn(b"\x1b", printed)
        self.assertEqual(len(printed.splitlines()), 4)


def resource_wait(process):
    pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return pid, process.returncode, usage
