import { DskdError, type ErrorCode } from '@dskd/base';
import { hintOf } from './hints.js';

const hint = (code: ErrorCode, details: Record<string, unknown>): string | undefined =>
  hintOf(new DskdError(code, 'It failed.', { hint: 'Call the API otherwise.', details }));

test('memory: every alternative is given as flags', () => {
  const alternatives = [
    { kind: 'worker-threads' },
    { kind: 'preset', value: 'lite' },
    { kind: 'branches-apart' },
    { kind: 'gccb-channels', value: 256 },
    { kind: 'batch-size', value: 8 },
    { kind: 'input-size', value: [320, 192] },
    { kind: 'input-size', value: [128, 128] },
    { kind: 'input-size', value: 64 },
    { kind: 'method-options', value: { storage: 'float16', levels: [2, 3] } },
    { kind: 'backend', value: 'webgpu' },
    { kind: 'unknown' },
  ];
  expect(hint('out-of-memory', { alternatives })).toBe(
    'These would fit: a thread for each student (without --no-workers); or --preset lite; or the students apart ' +
      '(--student local and --student global, then dskd combine); or --gccb-channels 256; or --batch-size 8; or ' +
      '--size 320x192; or --size 128; or --size 64; or ' +
      `--method-options '{"storage":"float16","levels":[2,3]}'; or --backend webgpu.`,
  );
});

test('memory: branches with other names, no alternative that fits, a full heap', () => {
  const apart = [{ kind: 'branches-apart', value: ['one', 'two'] }];
  expect(hint('out-of-memory', { alternatives: apart })).toContain('--student one and --student two');
  expect(hint('out-of-memory', { alternatives: [] })).toContain('Nothing smaller fits');
  expect(hint('out-of-memory', { heapBytes: 2 ** 32 })).toContain('--backend webgpu');
});

test.each([
  ['teacher-mismatch', { wanted: 'abc' }, 'Give the weight file of the teacher: --weights FILE.'],
  ['teacher-mismatch', { wanted: 'abc', got: 'def' }, 'that the model was trained with: --weights FILE.'],
  ['weights-mismatch', { problems: ['x is missing'] }, '--teacher. dskd weights info'],
  ['invalid-config', { copies: 3, method: 'instant', looksOnce: true }, '--augment gcad, or a JSON file.'],
  ['invalid-config', { copies: 3, method: 'dskd', looksOnce: false }, 'Leave out --copies.'],
  ['invalid-config', { thumbnails: 64, method: 'fre', keepsPatches: false }, 'Leave out --thumbnails'],
  ['weights-invalid', { entries: ['x'], unwrap: true }, 'convert CHECKPOINT WEIGHTS.safetensors --unwrap.'],
  ['weights-invalid', { entries: ['x'], unwrap: 'the ema' }, "WEIGHTS.safetensors --entry 'the ema'."],
  ['artifact-invalid', { wanted: 'detector' }, 'Give a file that dskd train wrote.'],
  ['artifact-invalid', { wanted: 'checkpoint' }, 'dskd train --checkpoint FILE'],
  ['artifact-invalid', { wanted: 'distilled-teacher' }, 'dskd distill-teacher'],
  ['file-not-found', { teacher: 'resnet18', file: 'x' }, 'dskd weights pull'],
  ['invalid-argument', { folder: 'x', overwrite: false }, '--force'],
  [
    'dataset-invalid',
    { root: 'my parts', choose: ['my parts/ok'] },
    "all images show good parts: --good 'my parts'.",
  ],
  ['dataset-invalid', { source: 'x', missing: 'test' }, '--good DIR... --bad DIR..., and --masks DIR'],
  ['numerical-instability', { student: 'global' }, '--global-learning-rate'],
  ['invalid-config', { method: 'instant', calibration: 'training' }, '--method dskd'],
] as const)('%s %j', (code, details, words) => {
  expect(hint(code, details)).toContain(words);
});

test.each([
  ['out-of-memory', {}],
  ['teacher-mismatch', { wanted: { levels: [] }, got: { levels: [] } }],
  ['weights-mismatch', { problems: ['x is missing'], fits: [] }],
  ['weights-mismatch', { tensors: [] }],
  ['weights-invalid', { entries: ['x'] }],
  ['artifact-invalid', { issues: [] }],
  ['invalid-config', { method: 'instant', issues: [] }],
  ['invalid-config', { thumbnails: 7 }],
  ['numerical-instability', { student: 'other' }],
  ['numerical-instability', { student: 'local', what: 'teacher features' }],
  ['file-not-found', { plugin: 'x', folder: 'y' }],
  ['invalid-argument', { folder: 'x' }],
  ['dataset-invalid', { root: 'x', problems: [] }],
  ['aborted', {}],
] as const)('%s %j keeps the hint of the library', (code, details) => {
  expect(hint(code, details)).toBe('Call the API otherwise.');
});
