import type { DskdError } from '@dskd/base';
import { z } from 'zod';
import type { Method } from './contract.js';
import { TRAINING_DEFAULTS } from './defaults.js';
import { createMethod, methodNames, registerMethod } from './registry.js';

function methodCalled(name: string): Method {
  const refuse = (): never => {
    throw new Error('The method was used.');
  };
  return {
    name,
    summary: 'does nothing',
    options: z.strictObject({}),
    profiles: {},
    needs: { teacher: false, validation: false },
    estimate: refuse,
    fit: refuse,
    restore: refuse,
  };
}

/** What registering `method` throws. */
function refusalOf(method: Parameters<typeof registerMethod>[0]): DskdError {
  try {
    registerMethod(method);
  } catch (error) {
    return error as DskdError;
  }
  throw new Error(`${method.name} was registered.`);
}

test('the methods that come with the package are there, each under its own name', async () => {
  expect(methodNames()).toEqual(expect.arrayContaining(['dskd', 'rd']));
  for (const name of methodNames()) expect((await createMethod(name)).name).toBe(name);
});

test('the defaults name the methods without a teacher', async () => {
  const methods = await Promise.all(methodNames().map((name) => createMethod(name)));
  const names = methods.filter(({ needs }) => !needs.teacher).map(({ name }) => name);
  expect(names).toEqual(TRAINING_DEFAULTS.withoutTeacher);
});

test('a registered method is found by its name; names come in alphabetical order', async () => {
  const [later, earlier] = [methodCalled('zebra-2'), methodCalled('aardvark')];
  registerMethod(later);
  registerMethod(earlier);
  expect(await createMethod('zebra-2')).toBe(later);
  expect(await createMethod('aardvark')).toBe(earlier);
  expect(methodNames()).toEqual([...methodNames()].sort());
  expect(methodNames()).toEqual(expect.arrayContaining(['aardvark', 'dskd', 'rd', 'zebra-2']));
});

test('the same object again changes nothing', async () => {
  const method = methodCalled('twice');
  registerMethod(method);
  const names = methodNames();
  registerMethod(method);
  expect(methodNames()).toEqual(names);
  expect(await createMethod('twice')).toBe(method);
});

test.each(['dskd', 'rd', 'taken'])("another object under the name '%s' is refused", async (name) => {
  if (name === 'taken') registerMethod(methodCalled(name));
  const before = await createMethod(name);
  expect(refusalOf(methodCalled(name))).toMatchObject({
    code: 'invalid-argument',
    message: expect.stringContaining(`'${name}'`) as string,
  });
  expect(await createMethod(name)).toBe(before);
});

test.each(['', 'Mine', '2nd', '-a', 'a.b', 'a/b', 'a_b', 'a b', 'ä', '__proto__', 'teacher', 'ignored'])(
  "the name '%s' is refused: no file could hold it",
  (name) => {
    expect(refusalOf(methodCalled(name))).toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining(`'${name}'`) as string,
    });
    expect(methodNames()).not.toContain(name);
  },
);

test('a lazy method is loaded when it is asked for, not before', async () => {
  const method = methodCalled('lazy');
  let loads = 0;
  const lazy = {
    name: 'lazy',
    load: () => {
      loads++;
      return Promise.resolve(method);
    },
  };
  registerMethod(lazy);
  registerMethod(lazy);
  expect(methodNames()).toContain('lazy');
  expect(loads).toBe(0);
  expect(await createMethod('lazy')).toBe(method);
  expect(loads).toBe(1);
});

test.each(['mystery', '', 'DSKD', 'toString', '__proto__'])(
  "'%s', which nobody registered, is refused with the names there are",
  async (name) => {
    await expect(createMethod(name)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: `Got method '${name}'; wanted one of ${methodNames().join(', ')}.`,
    });
  },
);
