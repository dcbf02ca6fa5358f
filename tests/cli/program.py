# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the program under test."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["QSCOPE"]
DATA = pathlib.Path(os.environ.get("QSCOPE_TEST_DATA", "/nonexistent"))


def run(*arguments, **options):
    """The finished process, with text in stdout and stderr; 120 seconds stand for a hang."""
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120, **options)


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="qscope-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def json(self, *arguments):
        """The document that a command prints; its stdout must be that document and nothing else."""
        done = run(*arguments, "--json", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return json.loads(done.stdout, parse_constant=self.fail)

    def refused(self, code, *arguments):
        """A command that must fail with this exit code and one line on stderr; returns the line."""
        done = run(*arguments, "--quiet")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, r"\Aerror: [^\n]+\n\Z")
        return done.stderr

    def data(self, relative):
        path = DATA / relative
        if not path.exists():
            self.skipTest(f"{path} is not on this machine")
        return path
