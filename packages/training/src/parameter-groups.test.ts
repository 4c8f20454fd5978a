import fc from 'fast-check';
import { groupsAt, membersOf, updatesOf, type ParameterGroups } from './parameter-groups.js';
import { thrownBy } from './tiny-world.test.util.js';

const RATE = { learningRate: 0.1 };
const GROUPS: ParameterGroups = {
  kind: 'groups',
  optimizers: { critic: RATE, generator: RATE, encoder: RATE },
  phases: [{ steps: 5, cycle: [['critic'], ['critic', 'generator']] }, { cycle: [['encoder']] }],
};
const NAMES = ['critic.weight', 'generator.weight', 'generator.bias', 'encoder.weight'];

test('a step updates the groups of its place in the cycle of its phase', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 99].map((step) => groupsAt(GROUPS.phases, step).join(' '))).toEqual([
    'critic',
    'critic generator',
    'critic',
    'critic generator',
    'critic',
    'encoder',
    'encoder',
    'encoder',
  ]);
});

test('updates of a group are those of all steps so far', () => {
  const cycle = fc.array(fc.subarray(['a', 'b', 'c'], { minLength: 1 }), { minLength: 1, maxLength: 4 });
  const phases = fc
    .tuple(fc.array(fc.record({ steps: fc.integer({ min: 1, max: 6 }), cycle }), { maxLength: 2 }), cycle)
    .map(([first, last]) => [...first, { cycle: last }]);
  fc.assert(
    fc.property(phases, fc.integer({ min: 0, max: 20 }), (given, steps) => {
      for (const group of ['a', 'b', 'c']) {
        const counted = Array.from({ length: steps }, (_, step) => groupsAt(given, step))
          .flat()
          .filter((name) => name === group).length;
        expect(updatesOf(group, given, steps)).toBe(counted);
      }
    }),
    { numRuns: 60 },
  );
});

test('each group has the parameters that begin with its name', () => {
  expect([...membersOf(GROUPS, NAMES)]).toEqual([
    ['critic', ['critic.weight']],
    ['generator', ['generator.weight', 'generator.bias']],
    ['encoder', ['encoder.weight']],
  ]);
});

test.each<[string, Partial<ParameterGroups>, string[], RegExp]>([
  ['a parameter of no group', {}, [...NAMES, 'other'], /'other' is in 0 groups/],
  ['a group without parameters', {}, NAMES.slice(1), /'critic' has no parameters/],
  ['a parameter of two groups', { optimizers: { ...GROUPS.optimizers, 'critic.weight': RATE } }, [...NAMES, 'critic.weight.a'], /'critic.weight.a' is in 2 groups/],
  ['no phases', { phases: [] }, NAMES, /no phases/],
  ['a last phase with an end', { phases: [{ steps: 3, cycle: [['critic']] }] }, NAMES, /phase 1 has 3 steps, wanted none/],
  ['a phase without an end', { phases: [{ cycle: [['critic']] }, { cycle: [['critic']] }] }, NAMES, /phase 1 has undefined steps/],
  ['a step without an update', { phases: [{ cycle: [['critic'], []] }] }, NAMES, /updates nothing/],
  ['a group that there is not', { phases: [{ cycle: [['critics']] }] }, NAMES, /'critics', which is no group/],
])('%s is refused', (_, changes, names, message) => {
  const error = thrownBy(() => membersOf({ ...GROUPS, ...changes }, names));
  expect(error).toMatchObject({ code: 'invalid-config', message: expect.stringMatching(message) as string });
}); // prettier-ignore
