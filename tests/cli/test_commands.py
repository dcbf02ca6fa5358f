# SPDX-License-Identifier: GPL-3.0-or-later
"""What every command prints, accepts and refuses."""
import json

import numpy

from checkpoint_files import read_gguf, read_safetensors, write_safetensors
from program import ProgramTest, run

COMMANDS = ("info", "stats", "methods", "quantize", "compare", "diff", "convert", "circuit", "simulate", "gradient", "hamiltonian", "devices", "plugins", "run")


class Commands(ProgramTest):
    def model(self, name="model.safetensors"):
        random = numpy.random.default_rng(2)
        return write_safetensors(self.folder / name, {
            "layers.0.weight": random.normal(size=(64, 256)).astype("f4"), "layers.1.weight": random.normal(size=(32, 256)).astype("f2"),
            "layers.0.bias": random.normal(size=64).astype("f4")}, {"format": "pt", "note": "ünï"})

    def keys(self, row, *names):
        self.assertEqual(set(names) - set(row), set())

    def test_help_of_every_command_has_an_example(self):
        overview = run("--help").stdout
        for command in COMMANDS:
            self.assertIn(command, overview)
            done = run(command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn(f"Example:\n  qscope {command}", done.stdout)

    def test_info(self):
        document = self.json("info", self.model())
        self.keys(document, "format", "architecture", "parameters", "bytes", "tensors", "metadata")
        self.assertEqual((document["format"], document["parameters"], document["bytes"]),
                         ("safetensors", 96 * 256 + 64, 64 * 256 * 4 + 32 * 256 * 2 + 64 * 4))
        self.assertEqual({(t["name"], t["dtype"], tuple(t["shape"]), t["bytes"]) for t in document["tensors"]},
                         {("layers.0.weight", "F32", (64, 256), 65536), ("layers.1.weight", "F16", (32, 256), 16384),
                          ("layers.0.bias", "F32", (64,), 256)})
        self.assertEqual(document["metadata"]["note"], "ünï")

    def test_stats_selects_by_glob_and_bins(self):
        document = self.json("stats", self.model(), "--tensor", "*.bias", "--tensor", "layers.1*", "--bins", 7)
        self.assertEqual({row["name"] for row in document["tensors"]}, {"layers.0.bias", "layers.1.weight"})
        for row in document["tensors"]:
            self.assertEqual((len(row["histogram"]["edges"]), len(row["histogram"]["counts"])), (8, 7))
            self.assertEqual(sum(row["histogram"]["counts"]), row["count"])
        self.assertIn("nothing*", self.refused(2, "stats", self.model(), "--tensor", "nothing*"))

    def test_methods(self):
        methods = self.json("methods")["methods"]
        self.assertLessEqual({"rtn", "q4_0", "q8_0", "q4_k", "q6_k"}, {m["id"] for m in methods})
        for method in methods:
            self.keys(method, "id", "name", "group", "paper", "summary", "parameters", "needs_calibration", "activations")
            for parameter in method["parameters"]:
                self.keys(parameter, "key", "type", "default", "range", "help")
        self.assertEqual([m["id"] for m in self.json("methods", "rtn")["methods"]], ["rtn"])
        known = {m["id"]: {p["key"]: p for p in m["parameters"]} for m in methods}
        for method in methods:
            if not method["group"].startswith("GGUF") and not method["id"].endswith("_ct") and method["id"] != "file":
                self.assertTrue(method["recommended"], method["id"])
            for setting in method["recommended"]:
                steps = [step.partition(":") for step in setting["spec"].split("+")]
                self.assertIn(method["id"], [step[0] for step in steps])
                for name, _, written in steps:
                    for key, _, value in (pair.partition("=") for pair in written.split(",") if pair):
                        row = known[name][key]
                        if row["type"] in ("flag", "choice"):
                            self.assertIn(value, ("true", "false") if row["type"] == "flag" else row["range"], setting["spec"])
                        else:
                            self.assertTrue(row["range"][0] <= float(value) <= row["range"][1], setting["spec"])
        self.refused(2, "methods", "nosuch")

    def test_quantize_writes_what_it_says(self):
        model = self.model()
        for method, name in (("rtn:bits=4,group=64", "a.safetensors"), ("q8_0", "b.gguf"), ("q4_k", "c.gguf"), ("q6_k", "d.safetensors")):
            target = self.folder / name
            document = self.json("quantize", model, "-m", method, "-o", target)
            self.keys(document, "method", "bits_per_weight", "bytes_in", "bytes_out", "seconds", "tensors", "device")
            self.assertEqual(document["bytes_out"], target.stat().st_size)
            self.assertEqual({row["name"] for row in document["tensors"]}, {"layers.0.weight", "layers.1.weight"})
            for row in document["tensors"]:
                self.keys(row, "name", "bits", "relative_mse", "sqnr_db", "max_error", "cosine")
                self.assertLess(row["relative_mse"], 0.02)
            # What was measured is what was exported: the written file is as far from the source as reported.
            far = {row["name"]: row for row in self.json("diff", model, target)["tensors"]}
            for row in document["tensors"]:
                self.assertAlmostEqual(far[row["name"]]["relative_mse"], row["relative_mse"], delta=1e-6 * row["relative_mse"])
        kinds = {name: kind for name, (kind, _, _) in read_gguf(self.folder / "b.gguf")[0].items()}
        self.assertEqual(kinds, {"layers.0.weight": 8, "layers.1.weight": 8, "layers.0.bias": 0})

    def test_bits_per_weight_count_codes_and_scales(self):
        document = self.json("quantize", self.model(), "-m", "rtn:bits=4,group=64,scale=f16", "-o", self.folder / "a.safetensors")
        self.assertAlmostEqual(document["bits_per_weight"], 4 + 16 / 64)
        document = self.json("quantize", self.model(), "-m", "rtn:bits=3,symmetric=false,group=32", "-o", self.folder / "a.safetensors")
        self.assertAlmostEqual(document["bits_per_weight"], 3 + (32 + 3) / 32)

    def test_the_seed_and_the_threads_do_not_change_codes(self):
        model, files = self.model(), []
        for threads in (1, 2, 0):
            files.append(self.folder / f"{threads}.gguf")
            self.json("quantize", model, "-m", "q4_k", "-o", files[-1], "--threads", threads)
        self.assertEqual(files[0].read_bytes(), files[1].read_bytes())
        self.assertEqual(files[0].read_bytes(), files[2].read_bytes())

    def test_compare_prints_a_row_per_method_and_writes_reports(self):
        model, page, document = self.model(), self.folder / "report.html", self.folder / "report.json"
        rows = self.json("compare", model, "-m", "rtn:bits=8", "-m", "q4_0", "-o", page)["rows"]
        self.assertEqual([row["method"] for row in rows], ["rtn:bits=8", "q4_0"])
        for row in rows:
            self.keys(row, "method", "bits_per_weight", "bytes", "sqnr_db", "perplexity", "kl_divergence", "top1_agreement", "seconds")
        self.assertGreater(rows[0]["sqnr_db"], rows[1]["sqnr_db"])
        self.assertIn("<svg", page.read_text())
        self.json("compare", model, "-m", "q4_0", "-o", document)
        self.assertEqual(len(json.loads(document.read_text())["rows"]), 1)
        self.refused(2, "compare", model, "-m", "q4_0", "-o", self.folder / "report.pdf")

    def test_run_does_what_the_saved_plan_says(self):
        plan = self.folder / "plan.json"
        self.json("compare", self.model(), "-m", "rtn:bits=4,group=32")
        plan.write_text(json.dumps({"quantoscope_plan": 1, "source": str(self.model()), "selectors": ["layers.0*weight"], "seed": 0,
                                    "methods": [{"id": "rtn", "parameters": {"bits": "4", "group": "32"}}]}))
        rows = self.json("run", plan)["rows"]
        self.assertEqual([row["bytes"] for row in rows], [64 * 256 // 2 + 64 * 256 // 32 * 4])
        plan.write_text("{}")
        self.refused(3, "run", plan)

    def test_run_goes_through_the_sweep_of_a_plan_or_a_session(self):
        sweep = {"methods": [{"id": "rtn", "parameters": {}}, {"id": "q8_0", "parameters": {}}],
                 "axes": [{"parameter": "bits", "values": [3, 5]}, {"parameter": "group", "values": ["32", "64"]}]}
        plan = {"quantoscope_plan": 1, "source": str(self.model()), "selectors": ["layers.0*weight"], "seed": 0, "methods": [],
                "sweeps": [sweep]}
        written, session = self.folder / "sweep.json", self.folder / "work.qscope"
        written.write_text(json.dumps(plan))
        rows = self.json("run", written)["rows"]
        self.assertEqual([row["method"] for row in rows], ["rtn:bits=3,group=32", "rtn:bits=3,group=64", "rtn:bits=5,group=32",
                                                           "rtn:bits=5,group=64", "q8_0"])
        self.assertEqual([row["bytes"] for row in rows[:2]], [64 * 256 * 3 // 8 + 64 * 256 // group * 4 for group in (32, 64)])
        session.write_text(json.dumps({"format": "quantoscope session", "version": 1, "plan": plan}))
        same = self.json("run", session)["rows"]
        self.assertEqual([row["relative_mse"] for row in same], [row["relative_mse"] for row in rows])
        sweep["axes"][0]["values"] = [99]
        written.write_text(json.dumps(plan))
        self.refused(2, "run", written)

    def test_convert_keeps_every_value(self):
        model = self.model()
        document = self.json("convert", model, self.folder / "model.gguf")
        self.keys(document, "format", "bytes", "tensors")
        self.assertEqual((document["format"], document["tensors"]), ("gguf", 3))
        back = self.folder / "back.safetensors"
        self.json("convert", self.folder / "model.gguf", back)
        first, second = read_safetensors(model)[0], read_safetensors(back)[0]
        self.assertEqual(set(first), set(second))
        for name in first:
            self.assertTrue(numpy.array_equal(first[name].astype("f4"), second[name].astype("f4")), name)
        self.refused(2, "convert", model, self.folder / "model.xyz")

    def test_diff_lists_what_only_one_side_has(self):
        other = write_safetensors(self.folder / "other.safetensors", {"layers.0.bias": numpy.zeros(64, "f4"), "new": numpy.zeros(3, "f4")})
        document = self.json("diff", self.model(), other)
        self.assertEqual(document["only_in_a"], ["layers.0.weight", "layers.1.weight"])
        self.assertEqual(document["only_in_b"], ["new"])
        self.assertEqual([(row["name"], row["relative_mse"]) for row in document["tensors"]], [("layers.0.bias", 1)])

    def test_devices_and_plugins(self):
        devices = self.json("devices")["devices"]
        for device in devices:
            self.keys(device, "index", "name", "type", "driver", "memory", "limits")
        self.assertEqual(devices[0]["choice"], "cpu")
        plugins = {plugin["id"]: plugin for plugin in self.json("plugins")["plugins"]}
        for plugin in plugins.values():
            self.keys(plugin, "id", "name", "version", "kinds", "state", "error")
            self.assertNotEqual(plugin["state"], "failed", plugin["error"])
        self.assertLessEqual({"round_to_nearest", "gguf_blocks"}, set(plugins))

    def test_global_options_stand_before_or_after_the_command(self):
        model = self.model()
        before, after = run("--json", "--device", "cpu", "--quiet", "info", model), run("info", model, "--json", "--device", "cpu", "--quiet")
        self.assertEqual((before.returncode, before.stdout), (0, after.stdout))

    def test_text_for_people_is_aligned_and_goes_to_stdout(self):
        done = run("stats", self.model())
        self.assertEqual(done.returncode, 0)
        lines = done.stdout.splitlines()
        self.assertEqual(len({len(line) for line in lines}), 1, done.stdout)
        self.assertEqual(len(lines), 4)

    def test_wrong_usage_ends_in_code_2_and_one_line(self):
        model = self.model()
        for arguments in ([], ["nosuch"], ["info"], ["info", model, "more"], ["stats", model, "--bins", "0"], ["stats", model, "--bins", "x"],
                          ["info", model, "--nosuch"], ["quantize", model, "-m", "q4_0"], ["quantize", model, "-m", "nosuch", "-o", "x.gguf"],
                          ["quantize", model, "-m", "rtn:bits=9", "-o", "x.gguf"], ["quantize", model, "-m", "rtn:nosuch=1", "-o", "x.gguf"],
                          ["quantize", model, "-m", "rtn:bits", "-o", "x.gguf"], ["quantize", model, "-m", "q4_0", "-o", "x.xyz"],
                          ["quantize", model, "-m", "q4_0", "-f", "nosuch", "-o", "x.gguf"], ["info", model, "--threads", "-1"]):
            self.refused(2, *arguments)

    def test_a_device_that_is_not_there_is_an_error_not_another_device(self):
        self.assertIn("nosuch", self.refused(1, "stats", self.model(), "--device", "nosuch device"))

    def test_an_output_that_cannot_be_written_ends_in_code_1(self):
        self.assertIn("/nonexistent/x.gguf", self.refused(1, "quantize", self.model(), "-m", "q4_0", "-o", "/nonexistent/x.gguf"))
