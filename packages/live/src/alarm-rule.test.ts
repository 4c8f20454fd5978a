import fc from 'fast-check';
import { AlarmRule } from './alarm-rule.js';

interface Step {
  readonly time: number;
  readonly isAnomalous: boolean;
}

/** Indices of the frames that are alarms. */
function alarmsOf(rule: AlarmRule, steps: readonly Step[]): number[] {
  return steps.flatMap(({ time, isAnomalous }, index) => (rule.next(time, isAnomalous) ? [index] : []));
}

const run = (marks: string): Step[] =>
  Array.from(marks).map((mark, second) => ({ time: second * 1000, isAnomalous: mark === 'x' }));

test.each<[string, { minDuration?: number; coolDown?: number }, number[]]>([
  ['.xx.x', {}, [1, 2, 4]],
  ['.xx.x', { coolDown: 2000 }, [1, 4]],
  ['xxxxxxx', { coolDown: 3000 }, [0, 3, 6]],
  ['.xxx.xx.xxxx', { minDuration: 2000 }, [3, 10, 11]],
  ['xx.xx.xx.', { minDuration: 2000 }, []],
  ['xxxx', { minDuration: 2000, coolDown: 60_000 }, [2]],
])('%s with %j', (marks, options, wanted) => {
  expect(alarmsOf(new AlarmRule(options), run(marks))).toEqual(wanted);
});

test('an alarm says since when', () => {
  const rule = new AlarmRule({ minDuration: 1000 });
  expect([rule.next(0, false), rule.next(500, true), rule.next(1500, true)]).toEqual([
    undefined,
    undefined,
    { since: 500 },
  ]);
});

test('after an interruption an anomaly begins anew; the cool-down goes on', () => {
  const rule = new AlarmRule({ minDuration: 1000, coolDown: 2000 });
  rule.next(0, true);
  rule.interrupt();
  expect(rule.next(1000, true)).toBeUndefined();
  expect(rule.next(2000, true)).toEqual({ since: 1000 });
  rule.interrupt();
  expect(rule.next(2500, true)).toBeUndefined();
  expect(rule.next(3600, true)).toBeUndefined();
  expect(rule.next(4000, true)).toEqual({ since: 2500 });
});

test('a clock that is set back silences nothing', () => {
  const rule = new AlarmRule({ coolDown: 10_000 });
  expect(rule.next(1_000_000, true)).toBeDefined();
  expect(rule.next(0, true)).toBeDefined();
  expect(rule.next(5000, true)).toBeUndefined();
  expect(rule.next(10_000, true)).toBeDefined();
});

test.each([-1, NaN, Infinity])('%p milliseconds are refused', (value) => {
  expect(() => new AlarmRule({ coolDown: value })).toThrow(`Got coolDown ${value}`);
  expect(() => new AlarmRule({ minDuration: value })).toThrow(`Got minDuration ${value}`);
});

/** The definition: a frame is an alarm if all frames of the last `minDuration` are anomalous and no alarm is nearer than `coolDown`. */
function byDefinition(steps: readonly Step[], minDuration: number, coolDown: number): number[] {
  const alarms: number[] = [];
  for (const [index, { time }] of steps.entries()) {
    let first = index;
    while (first >= 0 && steps[first]!.isAnomalous) first--;
    const isRun = first < index && time - steps[first + 1]!.time >= minDuration;
    const isQuiet = alarms.every((alarm) => time - steps[alarm]!.time >= coolDown);
    if (isRun && isQuiet) alarms.push(index);
  }
  return alarms;
}

test('alarms are those of the definition', () => {
  const steps = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 900 }), fc.boolean()), { maxLength: 80 })
    .map((pairs) => {
      let time = 0;
      return pairs.map(([pause, isAnomalous]) => ({ time: (time += pause), isAnomalous }));
    });
  const milliseconds = fc.integer({ min: 0, max: 3000 });
  fc.assert(
    fc.property(steps, milliseconds, milliseconds, (frames, minDuration, coolDown) => {
      const rule = new AlarmRule({ minDuration, coolDown });
      expect(alarmsOf(rule, frames)).toEqual(byDefinition(frames, minDuration, coolDown));
    }),
    { numRuns: 300 },
  );
});
