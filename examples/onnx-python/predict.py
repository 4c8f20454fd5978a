"""Scores images by a file that `dskd export` wrote: python3 predict.py model.onnx image ...

Needs onnxruntime, numpy and Pillow. The scores are those of dskd, up to rounding.
"""
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def place(size, network, fit):
    """Left, top, width and height of an image in the network's input."""
    (width, height), (across, down) = size, network
    if fit == "stretch":
        return 0, 0, across, down
    if width * down >= height * across:
        fitted = across, max(1, (2 * height * across + width) // (2 * width))
    else:
        fitted = max(1, (2 * width * down + height) // (2 * height)), down
    return (across - fitted[0]) // 2, (down - fitted[1]) // 2, *fitted


def prepare(path, detector):
    """The network's input of one image, and which of its pixels show the image."""
    down, across = detector["inputSize"]
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    left, top, width, height = place(image.size, (across, down), detector["resize"]["fit"])
    canvas = Image.new("RGB", (across, down), tuple(detector["resize"]["fill"] or (0, 0, 0)))
    canvas.paste(image.resize((width, height), Image.BILINEAR), (left, top))
    used = np.zeros((down, across), np.uint8)
    used[top : top + height, left : left + width] = 1
    return np.asarray(canvas), used


def main(model, paths):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    detector = json.loads(session.get_modelmeta().custom_metadata_map["dskd"])
    inputs, names = {each.name for each in session.get_inputs()}, [each.name for each in session.get_outputs()]
    for path in paths:
        image, used = prepare(path, detector)
        feeds = {"images": image[None], **({"used": used[None]} if "used" in inputs else {})}
        outputs = dict(zip(names, session.run(names, feeds)))
        score = float(outputs["score"][0])
        verdict = "anomalous" if score > detector["threshold"]["value"] else "normal"
        print(json.dumps({"path": path, "verdict": verdict, "score": score}))


main(sys.argv[1], sys.argv[2:])
