import { readFile } from 'node:fs/promises';
import { writeSafetensors } from '@dskd/weights';
import { readDistillationRecord, VERSION } from './record.js';

test('the version in records is that of the package', async () => {
  const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(VERSION).toBe(manifest.version);
});

test('a file without a record is refused', () => {
  expect(() => readDistillationRecord(writeSafetensors(new Map()))).toThrow(/no record of a distillation/);
});
