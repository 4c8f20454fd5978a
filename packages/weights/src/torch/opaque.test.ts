import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { readFixture } from '../fixtures.test.util.js';
import { readStateDict } from '../index.js';
import { OpaqueGlobal, OpaqueObject } from '../pickle/pickle-global.js';
import { refusalOf } from '../refusal.test.util.js';
import { findTorchGlobal } from './torch-globals.js';

test('a name that is not in the list is never looked up or called: its arguments are not even looked at', () => {
  const word = fc.oneof(
    fc.constantFrom('os', 'builtins', 'globalThis', 'process', 'constructor', '__proto__', 'Function'),
    fc.constantFrom(
      'eval',
      'system',
      'exit',
      'toString',
      'valueOf',
      'call',
      'require',
      'torch',
      'collections',
    ),
    fc.string({ maxLength: 12 }),
  );
  const names = fc.tuple(fc.array(word, { minLength: 1, maxLength: 4 }), word);
  fc.assert(
    fc.property(names, ([modules, name]) => {
      const touched: string[] = [];
      const trap = (what: string) => (): never => {
        touched.push(what);
        throw new Error(what);
      };
      const watched = new Proxy([], {
        get: trap('get'),
        has: trap('has'),
        ownKeys: trap('ownKeys'),
        getOwnPropertyDescriptor: trap('getOwnPropertyDescriptor'),
        getPrototypeOf: trap('getPrototypeOf'),
        set: trap('set'),
      });
      const module = modules.join('.');
      const found = findTorchGlobal(module, name);
      expect(found).toBeInstanceOf(OpaqueGlobal);
      const made = found.call!(watched, trap('charge'));
      expect(touched).toEqual([]);
      expect(made).toBeInstanceOf(OpaqueObject);
      expect(Object.entries(made as OpaqueObject)).toEqual([['name', `${module}.${name}`]]);
    }),
    { numRuns: 500 },
  );
});

const FILES = ['checkpoint-extras.pth', 'checkpoint-extras-protocol5.pth', 'checkpoint-extras-legacy.pth'];

test.each(FILES)('%s: what Python would run is not run, and each extra has its name', (name) => {
  const bytes = readFixture(name);
  expect(readStateDict(bytes, { unwrap: true }).size).toBe(7);
  expect(existsSync('dskd-was-here')).toBe(false);
  const { message, hint } = refusalOf(bytes);
  expect(message).toContain('"epoch" (an object of "numpy.core.multiarray.scalar")');
  expect(hint).toBe("Pass unwrap: true to read the tensors in 'state_dict'.");
  const system = refusalOf(bytes, { unwrap: 'payload' });
  expect(system.message).toContain('the file contains an object of "posix.system"');
  expect(refusalOf(bytes, { unwrap: 'args' }).message).toContain('"argparse.Namespace"');
  expect(refusalOf(bytes, { unwrap: 'activation' }).message).toContain('"torch.nn.functional.relu"');
  expect(refusalOf(bytes, { unwrap: 'losses' }).message).toContain('"train" (a list of 2)');
});
