import { DskdError } from '@dskd/base';
import type { Method } from './contract.js';
import type { Tiling } from './tiles/grid.js';

/** A method that is loaded when it is first used. */
export interface LazyMethod {
  readonly name: string;
  load(): Promise<Method>;
}

const methods = new Map<string, LazyMethod>([
  ['dskd', { name: 'dskd', load: async () => (await import('./dskd/method.js')).dskdMethod }],
  ['rd', { name: 'rd', load: async () => (await import('./dskd/method.js')).rdMethod }],
  [
    'instant',
    { name: 'instant', load: async () => (await import('./closed-form/methods.js')).instantMethod },
  ],
  [
    'patchcore',
    { name: 'patchcore', load: async () => (await import('./closed-form/methods.js')).patchcoreMethod },
  ],
  ['fre', { name: 'fre', load: async () => (await import('./closed-form/methods.js')).freMethod }],
  [
    'gaussian',
    { name: 'gaussian', load: async () => (await import('./closed-form/methods.js')).gaussianMethod },
  ],
  [
    'efficientad',
    { name: 'efficientad', load: async () => (await import('./efficientad/methods.js')).efficientAdMethod },
  ],
  ['puad', { name: 'puad', load: async () => (await import('./efficientad/methods.js')).puadMethod }],
  ['stfpm', { name: 'stfpm', load: async () => (await import('./stfpm/method.js')).stfpmMethod }],
  ['mkd', { name: 'mkd', load: async () => (await import('./mkd/method.js')).mkdMethod }],
  ['mnad', { name: 'mnad', load: async () => (await import('./mnad/method.js')).mnadMethod }],
  ['gcad', { name: 'gcad', load: async () => (await import('./gcad/method.js')).gcadMethod }],
  ['fanogan', { name: 'fanogan', load: async () => (await import('./fanogan/method.js')).fanoganMethod }],
  ['ae', { name: 'ae', load: async () => (await import('./reconstruction/methods.js')).aeMethod }],
  ['ae-ssim', { name: 'ae-ssim', load: async () => (await import('./reconstruction/ssim.js')).aeSsimMethod }],
  ['vae', { name: 'vae', load: async () => (await import('./reconstruction/methods.js')).vaeMethod }],
  ['padim', { name: 'padim', load: async () => (await import('./closed-form/methods.js')).padimMethod }],
  ['sinbad', { name: 'sinbad', load: async () => (await import('./closed-form/methods.js')).sinbadMethod }],
  ['spade', { name: 'spade', load: async () => (await import('./closed-form/methods.js')).spadeMethod }],
  ['us', { name: 'us', load: async () => (await import('./uninformed/method.js')).usMethod }],
  ['vm', { name: 'vm', load: async () => (await import('./variation-model/method.js')).vmMethod }],
]);

/** What {@link registerMethod} was given, by name: giving the same object again changes nothing. */
const registered = new Map<string, Method | LazyMethod>();

/** Names are parts of tensor names and of file names. */
const NAME = /^(?!teacher$|ignored$)[a-z][a-z0-9-]*$/;

/**
 * Makes a method known by its name, in this thread. Registering the same object again changes nothing.
 * @throws {DskdError} `invalid-argument` for a name that is taken, or is not lower-case letters, digits and hyphens.
 */
export function registerMethod(method: Method | LazyMethod): void {
  const { name } = method;
  if (!NAME.test(name)) {
    throw new DskdError(
      'invalid-argument',
      `Got the method name '${name}'; wanted lower-case letters, digits and hyphens, a letter first.`,
    );
  }
  if (methods.has(name) && registered.get(name) !== method) {
    throw new DskdError('invalid-argument', `There is a method '${name}' already.`, {
      hint: 'Give the method another name.',
    });
  }
  registered.set(name, method);
  methods.set(name, 'load' in method ? method : { name, load: () => Promise.resolve(method) });
}

/** All known methods, in alphabetical order. */
export function methodNames(): string[] {
  return [...methods.keys()].sort();
}

/**
 * The method called `name`, on tiles of its images where it is given some.
 * @throws {DskdError} `invalid-argument` listing the methods there are, or those that can run on tiles.
 */
export async function createMethod(name: string, tiling?: Tiling | null): Promise<Method> {
  const known = methods.get(name);
  if (known) {
    const method = await known.load();
    if (!tiling) return method;
    const { tiledMethod } = await import('./tiles/tiled-method.js');
    return tiledMethod(method, tiling, method.tiling ? [] : await methodsOnTiles());
  }
  throw new DskdError(
    'invalid-argument',
    `Got method '${name}'; wanted one of ${methodNames().join(', ')}.`,
    {
      hint: 'A method of another package must be registered first: registerMethod of @dskd/methods.',
    },
  );
}

async function methodsOnTiles(): Promise<string[]> {
  const able: string[] = [];
  for (const name of methodNames()) if ((await methods.get(name)!.load()).tiling) able.push(name);
  return able;
}
