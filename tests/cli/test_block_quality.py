# SPDX-License-Identifier: GPL-3.0-or-later
"""Every matrix of a trained language model in one block type, against the public quantizer's figures for the same text."""
import json

from program import ProgramTest

ANOTHER_RUNTIME = 1.001  # how far its perplexities may lie from ours


AT_ONCE = 4  # types in one run, so that none takes as long as what stands for a hang


class BlockQuality(ProgramTest):
    def test_no_type_diverges_more_than_the_public_quantizers(self):
        known = json.loads(self.data("llm-bard/reference.json").read_text())["public_runtime"]["pure_types"]
        model, text = self.data("llm-bard/model.safetensors"), self.data("llm-bard/valid.txt")
        for names in (list(known)[i:i + AT_ONCE] for i in range(0, len(known), AT_ONCE)):
            chosen = [argument for name in names for argument in ("-m", name.lower())]
            found = self.json("compare", model, *chosen, "--text", text, "--context", 256, "--scoring", "second-half",
                              "--metrics", "perplexity,kl_divergence")
            for name, row in zip(names, found["rows"], strict=True):
                perplexity, divergence = known[name]
                with self.subTest(type=name):
                    self.assertLessEqual(row["kl_divergence"], divergence)
                    self.assertLess(row["perplexity"], perplexity * ANOTHER_RUNTIME)
