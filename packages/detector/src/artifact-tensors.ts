import { DskdError } from '@dskd/base';
import type { StateDict, StateDictEntry } from '@dskd/weights';
import type { DetectorDescription } from './description.js';
import { assertFinite, listed } from '@dskd/weights';

function mismatch(message: string, names: readonly string[]): DskdError {
  return new DskdError('weights-mismatch', `${message}: ${listed(names)}.`, {
    hint: 'The file was put together by something else, or damaged: get it again, or train again.',
    details: { tensors: names },
  });
}

function assertIgnored({ inputSize }: DetectorDescription, { dtype, shape, data }: StateDictEntry): void {
  if (shape.join() !== inputSize.join()) {
    throw new DskdError(
      'input-size-mismatch',
      `The detector's ignore mask is [${shape.join(', ')}]; wanted its input size [${inputSize.join(', ')}].`,
      { details: { got: shape, wanted: inputSize } },
    );
  }
  if (dtype !== 'U8' || (data as Uint8Array).some((value) => value > 1)) {
    throw mismatch('Wanted bytes 0 and 1 in', ['ignored']);
  }
}

/**
 * Checks what can be told without building a network: that the file holds the tensors its description
 * speaks of, no others, in the element types it says, and only finite numbers.
 * @throws {DskdError} `weights-mismatch`, `input-size-mismatch`, `weights-not-finite`
 */
export function assertTensorsFit(description: DetectorDescription, tensors: StateDict): void {
  const groups = [
    ...(description.teacher.embedded ? ['teacher.'] : []),
    ...description.branches.map(({ name }) => `students.${name}.`),
  ];
  const names = [...tensors.keys()];
  const isIgnored = (name: string): boolean => description.ignored && name === 'ignored';
  const extra = names.filter((name) => !isIgnored(name) && !groups.some((group) => name.startsWith(group)));
  if (extra.length > 0) throw mismatch('The file holds tensors its description does not speak of', extra);
  const missing = groups.filter((group) => !names.some((name) => name.startsWith(group))).map((g) => `${g}*`);
  const ignored = tensors.get('ignored');
  if (description.ignored && !ignored) missing.push('ignored');
  if (missing.length > 0) throw mismatch('The file lacks tensors its description speaks of', missing);
  if (ignored) assertIgnored(description, ignored);

  const types = description.storage === 'float16' ? ['F16', 'F32'] : ['F32'];
  const odd = [...tensors].filter(
    ([name, { dtype }]) => name.startsWith('students.') && !types.includes(dtype),
  );
  if (odd.length > 0) {
    throw mismatch(
      `Wanted students stored as ${types.join(' or ')} (${description.storage}); otherwise are`,
      odd.map(([name, { dtype }]) => `${name} (${dtype})`),
    );
  }
  assertFinite(tensors);
}
