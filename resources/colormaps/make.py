#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the two colour maps of our own, in Oklab (Ottosson 2020) so that equal steps look equal.

diverging: blue - near white - orange, lightness falling evenly to both sides. phase: a circle of constant lightness.
usage: make.py   (writes diverging.csv and phase.csv beside itself)
"""
import math
import os


def to_srgb(lightness, a, b):
    l, m, s = (
        (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3,
        (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3,
        (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3,
    )
    linear = (
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
    )
    curve = lambda x: 12.92 * x if x <= 0.0031308 else 1.055 * x ** (1 / 2.4) - 0.055
    return [round(255 * min(1, max(0, curve(max(0, x))))) for x in linear]


def diverging(position):
    """position -1 (blue) .. 0 (near white) .. 1 (orange)"""
    hue = math.radians(255 if position < 0 else 50)
    distance = abs(position)
    chroma = 0.15 * math.sin(min(1, 1.15 * distance) * math.pi / 2)
    return to_srgb(0.97 - 0.52 * distance, chroma * math.cos(hue), chroma * math.sin(hue))


def phase(turn):
    angle = 2 * math.pi * turn + math.radians(20)
    return to_srgb(0.70, 0.125 * math.cos(angle), 0.125 * math.sin(angle))


def write(name, comment, rows):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".csv")
    with open(path, "w") as out:
        out.write(f"# {comment} Made by make.py; GPL-3.0-or-later. 256 rows of red,green,blue.\n")
        out.writelines(",".join(map(str, row)) + "\n" for row in rows)


write("diverging", "Signed values: negative blue, zero near white, positive orange.",
      [diverging((i - 127.5) / 127.5) for i in range(256)])
write("phase", "Cyclic: row i is the angle 2 pi i / 256.", [phase(i / 256) for i in range(256)])
