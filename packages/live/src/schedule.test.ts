import fc from 'fast-check';
import { Schedule } from './schedule.js';

const at = (text: string): number => Date.parse(text);

test.each<[string, string, boolean]>([
  // 2026-11-30 is a Monday.
  ['Mon-Fri 06:00-22:00', '2026-11-30T06:00Z', true],
  ['Mon-Fri 06:00-22:00', '2026-11-30T05:59:59.999Z', false],
  ['Mon-Fri 06:00-22:00', '2026-11-30T21:59:59Z', true],
  ['Mon-Fri 06:00-22:00', '2026-11-30T22:00Z', false],
  ['Mon-Fri 06:00-22:00', '2026-11-29T12:00Z', false],
  ['mon-fri 6:00-22:00; Sat,Sun 08:00-12:00', '2026-11-29T08:30Z', true],
  ['Sat-Mon 00:00-24:00', '2026-11-30T23:59Z', true],
  ['Sat-Mon 00:00-24:00', '2026-12-01T00:00Z', false],
  ['Fri 22:00-06:00', '2026-11-28T05:59Z', true],
  ['Fri 22:00-06:00', '2026-11-27T05:59Z', false],
  ['Fri 22:00-06:00', '2026-11-28T06:00Z', false],
  ['Sun 22:00-06:00', '2026-11-30T01:00Z', true],
  ['22:00-06:00', '2026-11-30T23:00Z', true],
  ['00:00-24:00', '2026-11-30T00:00Z', true],
])('%s at %s is %p', (text, time, isOpen) => {
  expect(new Schedule(text, 'UTC').isOpen(at(time))).toBe(isOpen);
});

test('the clock of the time zone counts, also when it is changed for summer', () => {
  const schedule = new Schedule('Mon-Sun 06:00-07:00', 'Europe/Berlin');
  expect(schedule.timeZone).toBe('Europe/Berlin');
  // On 2026-03-29 it is changed from UTC+1 to UTC+2.
  expect(['2026-03-28T05:30Z', '2026-03-28T04:30Z'].map((time) => schedule.isOpen(at(time)))).toEqual([
    true,
    false,
  ]);
  expect(['2026-03-29T05:30Z', '2026-03-29T04:30Z'].map((time) => schedule.isOpen(at(time)))).toEqual([
    false,
    true,
  ]);
});

test('without a time zone it is that of the system', () => {
  expect(new Schedule('06:00-22:00').timeZone).toBe(Intl.DateTimeFormat().resolvedOptions().timeZone);
});

test.each<[string, string | undefined, string]>([
  ['', 'UTC', 'is no span of time'],
  ['Mon-Fri', 'UTC', 'is no span of time'],
  ['Sunset 06:00-22:00', 'UTC', 'there is no day "Sunset"'],
  ['Mon 06:00-25:00', 'UTC', 'there is no time 25:00'],
  ['Mon 06:70-22:00', 'UTC', 'there is no time 06:70'],
  ['Mon 06:00', 'UTC', 'is no span of time'],
  ['06:00-22:00', 'Berlin', 'Got the time zone "Berlin"'],
])('%j in %p is refused', (text, zone, message) => {
  expect(() => new Schedule(text, zone)).toThrow(message);
});

test('each minute of a week is open as the windows say', () => {
  const day = fc.integer({ min: 0, max: 6 });
  const minute = fc.integer({ min: 0, max: 24 * 60 - 1 });
  const NAMES = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
  const clock = (value: number): string => `${Math.floor(value / 60)}:${String(value % 60).padStart(2, '0')}`;
  const monday = at('2026-11-30T00:00Z');
  fc.assert(
    fc.property(day, minute, minute, day, minute, (on, start, end, nowDay, now) => {
      const length = ((end - start + 24 * 60 - 1) % (24 * 60)) + 1;
      const opened = on * 24 * 60 + start;
      const week = 7 * 24 * 60;
      const since = (nowDay * 24 * 60 + now - opened + week) % week;
      const schedule = new Schedule(`${NAMES[on]!} ${clock(start)}-${clock(end)}`, 'UTC');
      expect(schedule.isOpen(monday + (nowDay * 24 * 60 + now) * 60_000)).toBe(since < length);
    }),
  );
});
