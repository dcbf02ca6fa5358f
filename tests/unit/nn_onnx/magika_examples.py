# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns Magika's reference examples into what its network takes: the first 1024 bytes after leading white space, and the
last 1024 before trailing white space, 256 where a file has none (config.min.json beside the model).

    magika_examples.py EXAMPLES CONFIG COUNT FOLDER

Writes input.pb, int32 [n, 2048], and expected.txt: index of the label and score, a line each. Every k-th example whose
label the network gave, so that about COUNT remain.
"""
import base64
import gzip
import json
import sys

import numpy as np

from reference_onnx import save


def features(content, config):
    begin, end, block = config["beg_size"], config["end_size"], config["block_size"]
    first = list(content[:block].lstrip()[:begin])
    last = list(content[-block:].rstrip()[-end:])
    return first + [config["padding_token"]] * (begin - len(first)) + [config["padding_token"]] * (end - len(last)) + last


def main(examples, config, count, folder):
    with open(config, encoding="utf-8") as file:
        config = json.load(file)
    with gzip.open(examples) as file:
        examples = json.load(file)
    labels = config["target_labels_space"]
    examples = [e for e in examples if e["status"] == "ok" and e["prediction"]["dl"] in labels]
    examples = examples[::max(1, len(examples) // int(count))]
    contents = [base64.b64decode(e["content_base64"]) for e in examples]
    save(f"{folder}/input.pb", np.array([features(c, config) for c in contents], np.int32))
    with open(f"{folder}/expected.txt", "w", encoding="ascii") as file:
        for example in examples:
            prediction = example["prediction"]
            file.write(f"{labels.index(prediction['dl'])} {prediction['score']!r}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
