import { DskdError } from '@dskd/base';
import type { Alarm } from '../alarm.js';

/** Where alarms go. */
export interface Sink {
  /** As logs name it, without passwords. */
  readonly name: string;
  /** Whether its alarms are kept on disk until they are delivered. */
  readonly isSpooled: boolean;
  /** Whether it wants the image of an alarm. */
  readonly wantsImage: boolean;
  /**
   * Delivers an alarm. It is delivered when the promise resolves; otherwise it is tried again, before any later alarm.
   * @param signal gives it up.
   * @throws {DskdError} `delivery-failed`; `details.retryMs` is the pause that the receiver asks for, in milliseconds. Where
   * `details.refused` is true the receiver will never take this alarm: it is set aside, and later ones are delivered.
   */
  deliver(alarm: Alarm, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export function deliveryFailed(
  sink: string,
  reason: string,
  {
    retryMs,
    isRefused = false,
    cause,
    hint,
  }: {
    readonly retryMs?: number | undefined;
    readonly isRefused?: boolean;
    readonly cause?: unknown;
    readonly hint?: string;
  } = {},
): DskdError {
  return new DskdError('delivery-failed', `An alarm could not be delivered to ${sink}: ${reason}.`, {
    hint: hint ?? 'It is tried again until it succeeds. Check that the receiver runs and can be reached.',
    details: { ...(retryMs !== undefined && { retryMs }), ...(isRefused && { refused: true }) },
    cause,
  });
}
