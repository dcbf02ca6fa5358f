# SPDX-License-Identifier: GPL-3.0-or-later
"""qscope generate: what it prints, what it refuses."""
import json
import shutil

from program import ProgramTest, run


class Generate(ProgramTest):
    def test_an_empty_prompt_starts_from_the_begin_token(self):
        model = self.data("llm-bard/model.safetensors")
        reference = json.loads(self.data("llm-bard/reference.json").read_text())
        made = self.json("generate", model, "--prompt", "", "--tokens", "120")
        self.assertEqual(made["prompt_ids"] + made["ids"], reference["greedy_ids"])
        self.assertEqual(made["text"], reference["greedy_text"])
        self.assertGreater(made["tokens_per_second"], 0)
        self.assertEqual(made["ended_by"], "tokens")

    def test_the_story_of_llama2c_with_its_own_tokenizer(self):
        model = self.data("llm-llama/stories260K.bin")
        story = self.data("llm-llama/stories260K.md").read_text().split("-t 0.0\n")[1].split("\n```")[0]
        done = run("generate", model, "--prompt", "", "--tokens", "256", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, story + "\n")
        made = self.json("generate", model, "--prompt", story[:40], "--tokens", "20")
        self.assertTrue(story[40:].startswith(made["text"]), made["text"])

    def test_a_quantized_file_generates_after_its_export(self):
        model = self.data("llm-bard/model.safetensors")
        self.json("quantize", model, "-m", "q8_0", "-o", self.folder / "q.gguf")
        exact = self.json("generate", model, "--prompt", "It was", "--tokens", "12")
        coded = self.json("generate", self.folder / "q.gguf", "--prompt", "It was", "--tokens", "12")
        self.assertEqual(coded["text"], exact["text"])

    def test_chance_follows_the_seed(self):
        model = self.data("llm-bard/model.safetensors")
        draw = lambda seed, *more: self.json("generate", model, "--prompt", "The", "--tokens", "12", "--temperature", "1.5", "--seed", seed, *more)["ids"]
        self.assertEqual(draw(1), draw(1))
        self.assertNotEqual(draw(1), draw(2))
        self.assertEqual(draw(1, "--top-k", "1"), self.json("generate", model, "--prompt", "The", "--tokens", "12")["ids"])

    def test_a_full_context_ends_the_text(self):
        model = self.data("llm-bard/model.safetensors")
        made = self.json("generate", model, "--prompt", "The", "--context", "8", "--tokens", "50")
        self.assertEqual(made["ended_by"], "context full")
        self.assertEqual(len(made["prompt_ids"]) + len(made["ids"]), 9)  # the last one follows from a full context

    def test_what_cannot_be_run_is_refused_in_one_line(self):
        model = self.data("llm-bard/model.safetensors")
        self.assertIn("temperature", self.refused(2, "generate", model, "--prompt", "a", "--temperature", "-1"))
        self.assertIn("more than the context of 4", self.refused(2, "generate", model, "--prompt", "one two three four five six", "--context", "4"))
        self.assertIn("holds a tokenizer", self.refused(3, "generate", self.data("llm-rwkv/tiny-rwkv-4v0-660K-FP32.bin"), "--prompt", "a"))
        lonely = shutil.copy(model, self.folder / "m.safetensors")
        self.assertIn("config.json", self.refused(3, "generate", lonely, "--prompt", "a"))
        config = json.loads(self.data("llm-bard/config.json").read_text()) | {"hidden_size": 128}
        (self.folder / "config.json").write_text(json.dumps(config))
        self.assertIn("'model.embed_tokens.weight' is 2048 x 256", self.refused(3, "generate", lonely, "--prompt", "a"))
