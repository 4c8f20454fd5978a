import { DskdError } from '@dskd/base';

/**
 * Whether no name is another one, or begins with another one and `separator`: names of tensors begin with the
 * branch's, and must tell whose they are.
 */
export function namesAreApart(names: readonly string[], separator: string): boolean {
  return names.every((name, index) =>
    names.every((other, at) => at === index || (other !== name && !other.startsWith(name + separator))),
  );
}

/**
 * Refuses names that no file could hold, before anything is trained.
 * @throws {DskdError} `invalid-config`
 */
export function assertBranchNames(names: readonly string[]): void {
  const valid =
    names.length > 0 && !names.includes('') && namesAreApart(names, '.') && namesAreApart(names, '/');
  if (valid) return;
  throw new DskdError(
    'invalid-config',
    `Got the branches ${names.map((name) => `'${name}'`).join(', ') || 'of no name'}; wanted at least one, with names ` +
      'of which none is empty or begins with another and a dot or a slash.',
    { details: { names } },
  );
}
