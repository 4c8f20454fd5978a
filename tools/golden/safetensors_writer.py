"""Golden values as safetensors (F32, F64), readable by @dskd/test-support's readGolden."""
import json
import os
import pathlib
import struct

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]

TYPES = {'float32': 'F32', 'float64': 'F64', 'uint8': 'U8', 'int32': 'I32', 'int64': 'I64'}


def write_safetensors(path, arrays, metadata=None):
    """arrays: dict of name -> numpy array. metadata: dict of str -> str, e.g. the versions used.

    With DSKD_GOLDEN_TARGET in the environment the file goes below that folder instead of the repository (check.py).
    """
    path = pathlib.Path(os.environ.get('DSKD_GOLDEN_TARGET', ROOT), pathlib.Path(path).resolve().relative_to(ROOT))
    path.parent.mkdir(parents=True, exist_ok=True)
    header, blobs, offset = {}, [], 0
    if metadata:
        header['__metadata__'] = {key: str(value) for key, value in metadata.items()}
    for name, array in arrays.items():
        array = np.ascontiguousarray(array)
        blob = array.tobytes()
        header[name] = {
            'dtype': TYPES[str(array.dtype)],
            'shape': list(array.shape),
            'data_offsets': [offset, offset + len(blob)],
        }
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text + b''.join(blobs))
