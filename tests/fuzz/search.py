#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Searches with each fuzz target for a given CPU time: search.py BIN FOUND SECONDS [NAME...].

BIN holds the programs of the `fuzz` preset; FOUND gets a corpus, a log and the findings of each target, and a corpus that is
there is gone on with. Ends with 1 when a target found something."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

CORPORA = pathlib.Path(__file__).parent / "corpus"
LONGEST = 8192          # bytes of an input: headers are small
PATIENCE = 120          # seconds on the clock for one input: the search may have little of a busy machine
MEGABYTES = 96          # of one allocation: more than 64 MB and four times the longest input


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def search(program, found, seconds):
    name = program.name.removeprefix("fuzz_")
    corpus, log = found / name, found / f"{name}.log"
    corpus.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as out:
        process = subprocess.Popen([program, corpus, CORPORA / name, f"-artifact_prefix={found}/{name}-", f"-max_len={LONGEST}", "-rss_limit_mb=1024",
                                    f"-malloc_limit_mb={MEGABYTES}", f"-timeout={PATIENCE}", "-use_value_profile=1", "-print_final_stats=1"],
                                   stdout=out, stderr=out)
        spent = 0
        while process.poll() is None and spent < seconds:
            time.sleep(1)
            spent = cpu_seconds(process) if process.poll() is None else spent
        ended_itself = process.poll() is not None
        if not ended_itself:
            process.send_signal(signal.SIGINT)
            process.wait()
    text = log.read_text(errors="replace")
    runs = re.findall(r"^#(\d+)\s.*?cov: (\d+) ft: (\d+) corp: (\d+)", text, re.M)
    print(f"{name}: {spent:.0f} s,", "{} runs, {} edges, {} features, {} inputs".format(*runs[-1]) if runs else "no runs",
          "- FOUND SOMETHING, see " + str(log) if ended_itself else "", flush=True)
    return not ended_itself


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    folder, found, seconds = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), float(sys.argv[3])
    names = sys.argv[4:] or sorted(path.name.removeprefix("fuzz_") for path in folder.glob("fuzz_*"))
    sound = [search(folder / f"fuzz_{name}", found, seconds) for name in names]
    sys.exit(0 if all(sound) else 1)
