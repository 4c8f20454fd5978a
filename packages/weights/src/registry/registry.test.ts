import { findWeights, WEIGHTS } from './index.js';

test('names, file names and URLs are unique', () => {
  for (const key of ['name', 'file', 'url'] as const) {
    expect(new Set(WEIGHTS.map((entry) => entry[key])).size).toBe(WEIGHTS.length);
  }
});

test.each(WEIGHTS.map((entry) => [entry.name, entry] as const))('%s is complete', (_, entry) => {
  expect(entry.url).toMatch(/^https:\/\/(download\.pytorch\.org|huggingface\.co)\//);
  expect(entry.sha256).toMatch(/^([0-9a-f]{8}|[0-9a-f]{64})$/);
  // The file name contains the first digits of the SHA-256.
  expect(entry.file).toContain(`-${entry.sha256.slice(0, 8)}.`);
  expect(entry.file).toMatch(/^[\w.-]+$/);
  expect(entry.backbone).toMatch(/^(resnet(18|34|50|101)|wide_resnet(50|101)_2|squeezenet1_1)$/);
  if (entry.bytes !== undefined) expect(Math.round(entry.bytes / 2 ** 20)).toBe(entry.mebibytes);
  expect(entry.license.note.length).toBeGreaterThan(50);
  expect(entry.preparation.resize).toBeGreaterThan(entry.preparation.crop);
  expect(entry.inputTransform).toEqual({
    channelOrder: 'rgb',
    scale: 1,
    mean: [0.485, 0.456, 0.406],
    standardDeviation: [0.229, 0.224, 0.225],
  });
});

test('wide_resnet50_2 is torchvision V1', () => {
  expect(findWeights('wide_resnet50_2')).toMatchObject({
    url: 'https://download.pytorch.org/models/wide_resnet50_2-95faca4d.pth',
    source: 'torchvision IMAGENET1K_V1',
    backbone: 'wide_resnet50_2',
    preparation: { resize: 256, crop: 224 },
  });
  expect(findWeights('wide_resnet50_2.imagenet1k_v2').url).toContain('wide_resnet50_2-9ba9bcbe.pth');
});

test('the error for an unknown name lists the known names', () => {
  expect(() => findWeights('resnet9000')).toThrow(
    expect.objectContaining({
      code: 'invalid-argument',
      hint: expect.stringContaining('timm/resnet50.a1_in1k') as string,
    }) as Error,
  );
});
