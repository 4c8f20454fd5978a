"""An HTTP server for an exported detector as a PyTorch user would write it: FastAPI, uvicorn, Pillow, torch.

MODEL=model.onnx /usr/bin/python3 -m uvicorn serve_in_torch:app --app-dir bench/peers --port 8001 --workers 2

POST /predict with the bytes of an image file; each process has one thread of torch. Needs python3-fastapi and python3-uvicorn.
"""
import io
import json
import os

import numpy as np
import onnx
import torch
from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from onnx_in_torch import Program
from PIL import Image

torch.set_num_threads(1)
model = onnx.load(os.environ['MODEL'])
description = json.loads(next(each.value for each in model.metadata_props if each.key == 'dskd'))
height, width = description['inputSize']
threshold = description['threshold']['value']
program = Program(model.graph)
score_index = program.outputs.index('score')
app = FastAPI()


def score(data):
    try:
        image = Image.open(io.BytesIO(data)).convert('RGB').resize((width, height), Image.BILINEAR)
    except OSError as error:
        raise HTTPException(422, str(error)) from error
    with torch.inference_mode():
        value = program.run(torch.from_numpy(np.asarray(image)[None].copy()))[score_index].item()
    return {'score': value, 'threshold': threshold, 'verdict': 'anomalous' if value > threshold else 'normal'}


@app.post('/predict')
async def predict(request: Request):
    return await run_in_threadpool(score, await request.body())


@app.get('/live')
async def live():
    return 'live'
