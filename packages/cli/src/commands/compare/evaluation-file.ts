import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { z } from 'zod';

/** JSON has no NaN: it is written as null. */
const metric = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);

/** What is read of a file that `dskd evaluate --out` wrote. */
const evaluationFile = z.object({
  source: z.string(),
  protocol: z.enum(['mvtec-ad', 'mvtec-loco-ad']),
  images: z.object({ good: z.int(), anomalous: z.int() }),
  fused: z.object({
    imageAuroc: metric,
    pixelAuroc: metric,
    imageAurocByDefect: z.record(z.string(), metric),
  }),
  atThreshold: z.object({ falseAlarms: z.int(), misses: z.int() }),
  samples: z.array(
    z.object({
      id: z.string(),
      label: z.enum(['good', 'anomalous']),
      defectType: z.string(),
      score: z.number(),
      branchScores: z.record(z.string(), z.number()),
      verdict: z.enum(['normal', 'anomalous']),
    }),
  ),
  /** Left out by `evaluateDetector` itself, which knows no file and takes no time. */
  detector: z
    .object({ method: z.string(), bytes: z.int(), secondsPerImage: z.number().nonnegative() })
    .optional(),
});

export interface EvaluationFile extends z.output<typeof evaluationFile> {
  /** Shortest name that tells the files of one comparison apart. */
  readonly name: string;
}

/** As few folders as tell the paths apart, and no ending. */
function namesOf(paths: readonly string[]): string[] {
  const parts = paths.map((file) => {
    const { dir, name } = path.parse(path.resolve(file));
    return [...dir.split(path.sep), name];
  });
  const different = new Set(parts.map((each) => each.join('/'))).size;
  for (let count = 1; ; count++) {
    const names = parts.map((each) => each.slice(-count).join('/'));
    if (new Set(names).size === different) return names;
  }
}

async function readEvaluation(file: string): Promise<z.output<typeof evaluationFile>> {
  const hint = 'Give files that dskd evaluate --out wrote.';
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read ${file}.`, { hint, cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DskdError('invalid-argument', `${file} is not JSON.`, { hint, cause });
  }
  const { success, data, error } = evaluationFile.safeParse(value);
  if (success) return data;
  const { path: where, message } = error.issues[0]!;
  throw new DskdError(
    'invalid-argument',
    `${file} is not an evaluation: ${where.length > 0 ? `${where.join('.')}: ` : ''}${message}.`,
    { hint, details: { file, at: where } },
  );
}

/**
 * Reads evaluations.
 * @throws {DskdError} `file-not-found`, `invalid-argument`
 */
export async function readEvaluations(paths: readonly string[]): Promise<EvaluationFile[]> {
  const files = await Promise.all(paths.map(readEvaluation));
  const names = namesOf(paths);
  return files.map((file, index) => ({ ...file, name: names[index]! }));
}
