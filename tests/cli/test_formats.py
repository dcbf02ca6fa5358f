# SPDX-License-Identifier: GPL-3.0-or-later
"""Every real model file opens as what it is, and files of the same model hold the same weights."""
import unittest

from program import DATA, ProgramTest, run

# Vectors, texts and listings that lie beside the models.
NO_MODEL = {".md", ".sha256", ".inp", ".out", ".gz", ".txt", ".pb"}
NO_MODEL_FILES = {"expected-logits-4v0-660K.bin", "magika_standard_v3_3.config.json", "gpt2_vocab.json",
                  "config.json", "reference.json", "generation_config.json"}
WRONG = {"broken.pt"}
FORMATS = {"safetensors": {"safetensors"}, "pytorch": {"pytorch"}, "npy": {"npy"}, "onnx-models": {"onnx"},
           "llm-rwkv": {"ggmf"}, "tokenizers": {"gguf", "tokenizer"},
           "llm-llama": {"safetensors", "gguf", "llama2c", "tokenizer"}}


def models(folder):
    for path in sorted((DATA / folder).rglob("*")):
        if path.is_file() and path.suffix not in NO_MODEL and path.name not in NO_MODEL_FILES:
            yield path


class Formats(ProgramTest):
    def test_every_file_opens_as_its_format(self):
        self.data("safetensors")
        for folder, formats in FORMATS.items():
            found = list(models(folder))
            self.assertTrue(found, folder)
            for path in found:
                with self.subTest(path=str(path.relative_to(DATA))):
                    if path.name in WRONG:
                        self.refused(3, "info", path)
                        continue
                    told = self.json("info", path)
                    self.assertIn(told["format"], formats)
                    for tensor in told["tensors"]:
                        self.assertTrue(tensor["name"])
                        self.assertGreaterEqual(tensor["bytes"], 0)

    def test_every_value_of_every_file_can_be_read(self):
        self.data("safetensors")
        for folder in ("safetensors", "pytorch", "npy", "onnx-models", "llm-rwkv"):
            for path in models(folder):
                if path.name in WRONG:
                    continue
                with self.subTest(path=str(path.relative_to(DATA))):
                    done = run("stats", path, "--bins", "4", "--json")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertNotIn("left out", done.stderr)

    def differences(self, a, b):
        told = self.json("diff", self.data(a), self.data(b))
        self.assertEqual([told["only_in_a"], told["only_in_b"], told["other_shape"]], [[], [], []])
        self.assertTrue(told["tensors"])
        return {row["name"]: row for row in told["tensors"]}

    def test_two_trainings_of_one_network_have_the_same_tensors(self):
        # Not the same weights: the batch counters say 3752 and 7504.
        self.assertEqual(len(self.differences("pytorch/mnist-cnn.pt", "safetensors/mnist-cnn.safetensors")), 20)

    def test_half_precision_is_the_rounding_of_single(self):
        rows = self.differences("llm-rwkv/tiny-rwkv-4v0-660K-FP32.bin", "llm-rwkv/tiny-rwkv-4v0-660K-FP16.bin").values()
        self.assertGreater(max(row["max_error"] for row in rows), 0)
        for row in rows:  # most matrices of this model lie among the subnormal halves, 2^-24 apart
            self.assertTrue(row["max_error"] <= 2.0 ** -25 or row["relative_mse"] < 2.0 ** -22, row)

    def test_five_bit_files_are_near_the_full_ones(self):
        for blocks in ("Q5_0", "Q5_1"):
            rows = self.differences("llm-rwkv/tiny-rwkv-4v0-660K-FP32.bin", f"llm-rwkv/tiny-rwkv-4v0-660K-{blocks}.bin").values()
            self.assertGreater(max(row["max_error"] for row in rows), 0)
            for row in rows:
                self.assertTrue(row["max_error"] < 1e-6 or row["relative_mse"] < 0.02, row)

    def test_eight_bit_groups_of_llama2c_are_near_the_full_file(self):
        rows = self.differences("llm-llama/stories260K.bin", "llm-llama/stories260K-q8.bin").values()
        worst = max(row["relative_mse"] for row in rows)
        self.assertGreater(worst, 0)
        self.assertLess(worst, 1e-4)


if __name__ == "__main__":
    unittest.main()
