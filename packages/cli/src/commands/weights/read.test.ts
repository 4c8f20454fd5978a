import { formatOf } from './read.js';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const zip = (name: string): Uint8Array =>
  bytes(`PK\x03\x04${'\0'.repeat(22)}${String.fromCharCode(name.length)}\0\0\0${name}...`);

test.each([
  [bytes('\x10\0\0\0\0\0\0\0{}'), 'safetensors'],
  [bytes('\x80\x02\x8a\x0al\xfc\x9cF\xf9 j'), 'PyTorch .pth (legacy stream)'],
  [bytes('\x93NUMPY\x01\0v\0{'), 'NumPy .npy'],
  [zip('archive/data.pkl'), 'PyTorch .pth (zip)'],
  [zip('arr_0.npy'), 'NumPy .npz'],
])('%#', (file, format) => {
  expect(formatOf(file)).toBe(format);
});
