import type { Execute, Job, JobResult } from './job.js';
import { fromJson, toJson } from './json.js';
import { fromPlain, plainError, type PlainError } from './plain-error.js';

type Answer = { readonly result?: unknown } | { readonly error: PlainError };

/**
 * Runs a job for a caller on another machine.
 * @returns its result or its error, as text for {@link resultOf}. Never rejects.
 */
export async function answerJob(job: Job, execute: Execute): Promise<string> {
  const answer: Answer = await execute(job).then(
    (result) => ({ result }),
    (error: unknown) => ({ error: plainError(error) }),
  );
  return toJson(answer);
}

/**
 * The result of a job that {@link answerJob} ran.
 * @throws {DskdError} what the job threw.
 */
export function resultOf<J extends Job>(answer: string): JobResult<J> {
  const read = fromJson(answer) as Answer;
  if ('error' in read) throw fromPlain(read.error);
  return read.result as JobResult<J>;
}
