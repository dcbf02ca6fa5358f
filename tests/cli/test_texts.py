# SPDX-License-Identifier: GPL-3.0-or-later
"""Language models on texts: eval, compare --text, propagate, --calibration."""
import json
import math
import pathlib

from program import ProgramTest, run

SAMPLE = pathlib.Path(__file__).resolve().parents[2] / "resources" / "samples" / "bard"
PAGE = SAMPLE / "page.txt"


class Texts(ProgramTest):
    def text(self, content):
        path = self.folder / "text.txt"
        path.write_bytes(content)
        return path

    def test_eval_prints_the_contract(self):
        found = self.json("eval", SAMPLE, "--text", PAGE, "--context", 64, "--tokens", 120)
        self.assertEqual(found["tokens"], 126)  # two windows of 63 scored tokens
        self.assertAlmostEqual(found["perplexity"], math.exp(found["nll"]), places=6)
        self.assertGreater(found["tokens_per_second"], 0)
        self.assertEqual(found["scoring"], "windows")
        halves = self.json("eval", SAMPLE, "--text", PAGE, "--context", 64, "--tokens", 60, "--scoring", "second-half")
        self.assertEqual(halves["tokens"], 62)  # two windows of 31

    def test_eval_agrees_with_the_reference(self):
        reference = json.loads(self.data("llm-bard/reference.json").read_text())
        text = self.data("llm-bard/valid.txt")
        for model in ("llm-bard/model.safetensors", "llm-bard/model-bf16.gguf"):
            found = self.json("eval", self.data(model), "--text", text, "--tokens", 8000)
            self.assertEqual(found["tokens"], reference["scored_tokens_8000"])
            self.assertAlmostEqual(found["perplexity"], reference["perplexity_first_windows_reaching_8000_scored_tokens"],
                                   delta=3e-4)

    def test_compare_fills_the_columns_of_a_text(self):
        report = self.folder / "report.html"
        found = self.json("compare", SAMPLE, "-m", "rtn:bits=8,group=64", "-m", "q4_k", "--text", PAGE, "--context", 64,
                          "--tokens", 200, "--calibration", PAGE, "-o", report)
        for row in found["rows"]:
            self.assertGreater(row["kl_divergence"], 0)
            self.assertLess(row["kl_divergence"], 0.1)
            self.assertGreater(row["top1_agreement"], 0.5)
            self.assertAlmostEqual(row["perplexity"], math.exp(row["nll"]), places=6)
        self.assertLess(found["rows"][0]["kl_divergence"], found["rows"][1]["kl_divergence"])
        self.assertGreater(found["text"]["perplexity"], 1)
        self.assertEqual(found["calibration"]["length"], 256)
        page = report.read_text()
        for said in ("Perplexity", "KL divergence", "Top-1 agreement", "Calibration"):
            self.assertIn(said, page)
        plain = self.json("compare", SAMPLE, "-m", "rtn", "--tensor", "*layers.0.mlp.up*")
        self.assertIsNone(plain["rows"][0]["perplexity"])

    def test_compare_shows_the_metrics_asked_for(self):
        done = run("compare", SAMPLE, "-m", "rtn", "--tensor", "*layers.0.mlp.up*", "--text", PAGE, "--context", 32,
                   "--tokens", 30, "--metrics", "kl_divergence,bits_per_weight", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"\Amethod +KL nat +bits\n")
        # What nobody asks for is not measured.
        found = self.json("compare", SAMPLE, "-m", "rtn", "--tensor", "*layers.0.mlp.up*", "--text", PAGE, "--metrics", "sqnr_db")
        self.assertNotIn("text", found)
        self.assertIn("there are", self.refused(2, "compare", SAMPLE, "-m", "rtn", "--metrics", "beauty"))
        self.assertIn("--text", self.refused(2, "compare", SAMPLE, "-m", "rtn", "--metrics", "perplexity"))

    def test_calibration_weighs_the_columns(self):
        arguments = ("compare", SAMPLE, "-m", "q3_k", "--tensor", "*layers.*proj*", "--text", PAGE, "--context", 64, "--tokens", 600)
        plain = self.json(*arguments)["rows"][0]
        weighed = self.json(*arguments, "--calibration", PAGE)["rows"][0]
        self.assertGreater(weighed["relative_mse"], plain["relative_mse"])  # worse on the weights,
        self.assertLess(weighed["kl_divergence"], plain["kl_divergence"])   # better where the inputs are
        target = self.folder / "out.gguf"
        written = self.json("quantize", SAMPLE, "-m", "q3_k", "--tensor", "*layers.0.mlp*", "--calibration", PAGE, "-o", target)
        self.assertEqual(written["calibration"]["text"], str(PAGE))

    def test_propagate_prints_the_contract(self):
        found = self.json("propagate", SAMPLE, "-m", "rtn:bits=4,group=64", "--text", PAGE, "--tokens", 32)
        self.assertEqual([layer["index"] for layer in found["layers"]], list(range(6)))
        for layer in found["layers"]:
            self.assertGreater(layer["relative_mse"], 0)
            self.assertAlmostEqual(layer["sqnr_db"], -10 * math.log10(layer["relative_mse"]), places=6)
            self.assertLessEqual(layer["cosine"], 1)
            self.assertGreater(layer["kurtosis"], 1)
            self.assertGreater(layer["max_to_mean"], 1)
            self.assertEqual(len(layer["token_error"]), 32)
        self.assertGreater(found["logits"]["kl_divergence"], 0)
        self.assertEqual(len(found["tokens"]), 32)
        both = self.json("propagate", SAMPLE, "-m", "rtn:bits=8", "-m", "rtn:bits=4", "--tensor", "*layers.1.*proj*",
                         "--text", PAGE, "--tokens", 8, "--attribution")
        self.assertEqual(len(both["methods"]), 2)
        for method in both["methods"]:
            effects = method["attribution"]
            self.assertEqual(effects[1]["alone"], effects[5]["up_to"])
            self.assertEqual(effects[1]["without"]["kl_divergence"], 0)

    def test_texts_and_models_that_do_not_suit(self):
        self.assertIn("no token", self.refused(3, "eval", SAMPLE, "--text", self.text(b"")))
        self.assertIn("one token", self.refused(3, "eval", SAMPLE, "--text", self.text(b"a")))
        self.refused(3, "eval", SAMPLE, "--text", self.text(b"\xff\xfe\xff"))
        self.refused(3, "eval", SAMPLE, "--text", self.folder / "none.txt")
        self.assertIn("context", self.refused(2, "eval", SAMPLE, "--text", PAGE, "--context", 4096))
        self.refused(2, "eval", SAMPLE)
        self.refused(2, "propagate", SAMPLE, "-m", "rtn", "--text", PAGE, "--tokens", 0)
        lonely = self.folder / "model.safetensors"
        lonely.write_bytes((SAMPLE / "model.safetensors").read_bytes())
        self.refused(3, "eval", lonely, "--text", PAGE)  # no description
        (self.folder / "config.json").write_bytes((SAMPLE / "config.json").read_bytes())
        self.assertIn("tokenizer", self.refused(3, "eval", lonely, "--text", PAGE))

    def test_no_language_model(self):
        self.refused(3, "eval", self.data("safetensors/mnist-cnn.safetensors"), "--text", PAGE)
