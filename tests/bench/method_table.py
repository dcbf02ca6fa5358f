#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every method of methods/*.txt on a language model and writes the table of RESULTS.md:
method_table.py QSCOPE DATA [FAMILY...].

DATA is the folder with model.safetensors, outliers/model.safetensors, calibration.txt and valid.txt. A line of a family's
file is a method as on the command line; "@outliers" in front of it runs it on the twin with inflated channels; "#" begins a
comment. Each runs in a process of its own, whose peak memory is its own. Families that are not named keep their rows."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
TENSORS = "model.layers.*proj*"  # the matrices of the blocks; embedding, head and norms stay as they are
TOKENS = "8000"
HEADER = ("| method | model | bits per weight | MB | relative MSE | perplexity | KL, nat | top-1 | seconds | peak MB |\n"
          "|---|---|---|---|---|---|---|---|---|---|\n")


def run(qscope, data, line):
    outliers, spec = line.startswith("@outliers "), line.split()[-1]
    model = data / "outliers" / "model.safetensors" if outliers else data / "model.safetensors"
    command = [qscope, "compare", model, "-m", spec, "--text", data / "valid.txt", "--tokens", TOKENS, "--calibration",
               data / "calibration.txt", "--tensor", TENSORS, "--json", "--device", "cpu"]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        out.seek(0)
        errors.seek(0)
        if status != 0:
            return f"| `{spec}` | {'twin' if outliers else 'bard'} | {errors.read().decode().strip().splitlines()[-1]} | | | | | | | |"
        row = json.load(out)["rows"][0]
    return (f"| `{spec}` | {'twin' if outliers else 'bard'} | {row['bits_per_weight']:.3f} | {row['bytes'] / 1e6:.2f} | {row['relative_mse']:.3g} | "
            f"{row['perplexity']:.4f} | {row['kl_divergence']:.3g} | {row['top1_agreement']:.4f} | {row['seconds']:.2f} | {usage.ru_maxrss / 1024:.0f} |")


def section(family):
    return re.compile(rf"(<!-- methods: {family} -->\n).*?(<!-- end -->\n)", re.S)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    qscope, data = sys.argv[1], pathlib.Path(sys.argv[2])
    families = sys.argv[3:] or sorted(path.stem for path in (HERE / "methods").glob("*.txt"))
    for family in families:
        lines = [line.split("#")[0].strip() for line in (HERE / "methods" / f"{family}.txt").read_text().splitlines()]
        rows = []
        for line in filter(None, lines):
            rows.append(run(qscope, data, line))
            print(rows[-1], flush=True)
        table = HEADER + "\n".join(rows) + "\n"
        text = RESULTS.read_text()
        if not section(family).search(text):
            text += f"\n### {family.replace('_', ' ').capitalize()}\n\n<!-- methods: {family} -->\n<!-- end -->\n"
        RESULTS.write_text(section(family).sub(lambda match: match[1] + table + match[2], text))


if __name__ == "__main__":
    main()
