import path from 'node:path';
import { describeValue, DskdError } from '@dskd/base';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const MODEL_FILE = /^([A-Za-z0-9][A-Za-z0-9._-]{0,99})\.(?:safetensors|onnx)$/;

/** The name of a model in URLs: no separators of paths, and no dot in front. @throws {DskdError} `invalid-argument` */
export function checkModelName(name: string): string {
  if (NAME.test(name) && !name.includes('..')) return name;
  throw new DskdError(
    'invalid-argument',
    `Got ${describeValue(name)} as the name of a model; wanted 1 to 100 letters, digits, dots, dashes or underscores, beginning with a letter or a digit.`,
    { hint: 'Rename the file, or give the model a name: NAME=FILE.' },
  );
}

/** The name of the model in a file; undefined if it is not named like one. */
export function modelNameOf(file: string): string | undefined {
  const name = MODEL_FILE.exec(path.basename(file))?.[1];
  return name === undefined || name.includes('..') ? undefined : name;
}
