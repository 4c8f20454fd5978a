import { DskdError } from '@dskd/base';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
const DAY_MINUTES = 24 * 60;

/** One span of time on some days. */
interface Window {
  /** 0 is Monday. */
  readonly days: ReadonlySet<number>;
  /** Minutes from midnight. An end that is not after the start is on the next day. */
  readonly start: number;
  readonly end: number;
}

function refused(text: string, why: string): DskdError {
  return new DskdError(
    'invalid-argument',
    `Got the schedule ${JSON.stringify(text)}: ${why}; wanted days and times, for example "Mon-Fri 06:00-22:00; Sat,Sun 08:00-12:00".`,
    {
      hint: `Days are ${DAYS.join(', ')}, and may be left out. A time such as 22:00-06:00 ends on the next day.`,
      details: { got: text },
    },
  );
}

function dayOf(name: string, text: string): number {
  const day = DAYS.findIndex((each) => each.toLowerCase() === name.trim().toLowerCase());
  if (day < 0) throw refused(text, `there is no day ${JSON.stringify(name.trim())}`);
  return day;
}

/** `Mon-Fri,Sun`; the week goes on after Sunday: `Sat-Mon`. */
function daysOf(days: string, text: string): Set<number> {
  const found = new Set<number>();
  for (const range of days.split(',')) {
    const [first, last = first] = range.split('-').map((name) => dayOf(name, text)) as [number, number?];
    for (let day = first; ; day = (day + 1) % 7) {
      found.add(day);
      if (day === last) break;
    }
  }
  return found;
}

function minutesOf(time: string, text: string): number {
  const [hours, minutes] = time.split(':').map(Number) as [number, number];
  const total = hours * 60 + minutes;
  if (minutes > 59 || total > DAY_MINUTES) throw refused(text, `there is no time ${time}`);
  return total;
}

const WINDOW = /^(?:([a-z][a-z,\s-]*?)\s+)?(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})$/i;

function windowOf(part: string, text: string): Window {
  const [, days = 'Mon-Sun', start, end] = WINDOW.exec(part.trim()) ?? [];
  if (start === undefined || end === undefined)
    throw refused(text, `${JSON.stringify(part.trim())} is no span of time`);
  return { days: daysOf(days, text), start: minutesOf(start, text), end: minutesOf(end, text) };
}

/** When images are inspected: spans of time in a week, by the clock of a time zone. */
export class Schedule {
  /** As it was given. */
  readonly text: string;
  readonly #windows: readonly Window[];
  readonly #clock: Intl.DateTimeFormat;

  /**
   * @param text `Mon-Fri 06:00-22:00; Sat,Sun 08:00-12:00`. Without days it is every day.
   * @param timeZone an IANA name: `Europe/Berlin`, `UTC`. Default: that of the system.
   * @throws {DskdError} `invalid-argument`
   */
  constructor(text: string, timeZone?: string) {
    this.text = text;
    this.#windows = text.split(';').map((part) => windowOf(part, text));
    try {
      this.#clock = new Intl.DateTimeFormat('en-US', {
        weekday: 'short',
        hour: 'numeric',
        minute: 'numeric',
        hourCycle: 'h23',
        timeZone,
      });
    } catch (cause) {
      throw new DskdError(
        'invalid-argument',
        `Got the time zone ${JSON.stringify(timeZone)}, wanted an IANA name.`,
        { hint: 'For example Europe/Berlin, America/New_York or UTC.', details: { got: timeZone }, cause },
      );
    }
  }

  /** The time zone that counts. */
  get timeZone(): string {
    return this.#clock.resolvedOptions().timeZone;
  }

  /** @param time in milliseconds since 1970. */
  isOpen(time: number): boolean {
    const parts = new Map(this.#clock.formatToParts(time).map(({ type, value }) => [type, value]));
    const day = DAYS.findIndex((name) => name === parts.get('weekday'));
    const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
    return this.#windows.some(({ days, start, end }) => {
      if (start < end) return days.has(day) && minute >= start && minute < end;
      const dayBefore = (day + 6) % 7;
      return (days.has(day) && minute >= start) || (days.has(dayBefore) && minute < end);
    });
  }
}
