"""Scores images by a file that `dskd export` wrote, up to rounding as dskd: python3 predict.py model.onnx image ..."""
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def prepare(path, detector):
    """The inputs of the graph for one image: its pixels, and which of them show the image."""
    down, across = detector["inputSize"]
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    width, height = across, down
    if detector["resize"]["fit"] == "letterbox":
        # The longer side fills the input; the other one is rounded to the nearest pixel.
        if image.width * down >= image.height * across:
            height = max(1, (2 * image.height * across + image.width) // (2 * image.width))
        else:
            width = max(1, (2 * image.width * down + image.height) // (2 * image.height))
    left, top = (across - width) // 2, (down - height) // 2
    canvas = Image.new("RGB", (across, down), tuple(detector["resize"]["fill"] or (0, 0, 0)))
    canvas.paste(image.resize((width, height), Image.BILINEAR), (left, top))
    used = np.zeros((down, across), np.uint8)
    used[top : top + height, left : left + width] = 1
    return {"images": np.asarray(canvas)[None], "used": used[None]}


model, *paths = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
detector = json.loads(session.get_modelmeta().custom_metadata_map["dskd"])
names = [each.name for each in session.get_inputs()]
for path in paths:
    inputs = prepare(path, detector)
    (scores,) = session.run(["score"], {name: inputs[name] for name in names})
    score = float(scores[0])
    verdict = "anomalous" if score > detector["threshold"]["value"] else "normal"
    print(json.dumps({"path": path, "verdict": verdict, "score": score}))
