"""Reads what safetensors_writer.py writes, and weight files of the same element types."""
import json
import struct

import numpy as np

TYPES = {'F16': '<f2', 'F32': '<f4', 'F64': '<f8', 'U8': 'u1', 'I32': '<i4', 'I64': '<i8'}


def read_safetensors(path):
    """Arrays by name, and the metadata."""
    blob = path.read_bytes()
    (length,) = struct.unpack('<Q', blob[:8])
    header = json.loads(blob[8 : 8 + length])
    metadata = header.pop('__metadata__', {})
    arrays = {}
    for name, entry in header.items():
        start, end = (8 + length + offset for offset in entry['data_offsets'])
        arrays[name] = np.frombuffer(blob[start:end], TYPES[entry['dtype']]).reshape(entry['shape'])
    return arrays, metadata
