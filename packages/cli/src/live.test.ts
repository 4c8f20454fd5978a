import { dskd } from './dskd-process.test.util.js';

test.each<[string[], string, string]>([
  [[], "missing required argument 'model'", 'dskd live --help'],
  [['a.onnx'], '--source <address> is missing', 'dskd live --help-all'],
  [
    ['a.onnx', '--source', 'camera'],
    'Got the source "camera": it has no scheme; wanted folder:DIR',
    'folder:camera',
  ],
  [
    ['a.onnx', '--source', 'folder:a', '--sink', 'b'],
    'Got the sink "b": it has no scheme; wanted stdout',
    'folder:b',
  ],
  [
    ['a.onnx', '--source', 'folder:a', '--sink', 'https://a/b'],
    'Got no secret for a webhook',
    'openssl rand',
  ],
  [
    ['a.onnx', '--source', 'folder:a', '--for', '2'],
    '--for: got "2", wanted a time such as 500ms',
    '--help-all',
  ],
  [
    ['a.onnx', '--source', 'folder:a', '--region', '1,2'],
    'Got the area "1,2": these are 2 numbers',
    'In pixels',
  ],
  [['a.onnx', '--source', 'folder:a', '--schedule', 'always'], 'Got the schedule "always"', 'Days are Mon'],
  [
    ['a.onnx', '--source', 'folder:a', '--schedule', '6:00-7:00', '--time-zone', 'Berlin'],
    'Got the time zone "Berlin"',
    'Europe/Berlin',
  ],
  [['a.onnx', '--source', 'folder:a', '--fps', '2'], 'Got fps 2 for a folder', 'Leave fps out'],
  [['a.onnx', '--source', 'folder:a', '--webhook-secret-file', '/no/such'], 'Cannot read /no/such', 'path'],
  [['missing.safetensors', '--source', 'folder:a'], 'Cannot read missing.safetensors', ''],
])('dskd live %j is refused', async (args, message, hint) => {
  const { code, stderr } = await dskd('live', ...args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).toContain(hint);
});
