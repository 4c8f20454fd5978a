import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, watch } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { randomStream, type RandomStream } from '@dskd/base';
import { readCheckpoint } from '@dskd/training';
import { fixtureTeacher } from './older-formats.test.util.js';
import { loadDetector } from './load-detector.js';
import type { Teacher } from '@dskd/models';

const PROGRAM = fileURLToPath(new URL('./saving-process.test.util.js', import.meta.url));
const FILES = ['model', 'checkpoint'] as const;
type File = (typeof FILES)[number];

export interface KillReport {
  kills: number;
  /** Files loaded after a kill: the older or the newer version, whole. */
  loaded: number;
  /** Kills that left a half-written temporary file, by the file: they came in the middle of its write. */
  readonly inTheMiddle: Record<File, number>;
}

/** The version that a file on disk holds; loading it is what this is about. */
async function versionOf(folder: string, file: File, teacher: Teacher): Promise<number> {
  const bytes = await readFile(path.join(folder, `${file}.safetensors`));
  if (file === 'checkpoint') return readCheckpoint(bytes).state.step;
  const detector = await loadDetector(bytes, { teacher });
  const { threshold } = detector;
  detector.dispose();
  return threshold;
}

/** Resolves when a temporary file for `file` appears. */
async function writeBegins(folder: string, file: File): Promise<void> {
  for await (const { filename } of watch(folder)) if (filename?.startsWith(`.${file}.`)) return;
}

/**
 * Lets a process save from `version` on and kills it at a random moment: any, or soon after it began to write
 * `target`.
 * @returns the last versions it told.
 */
async function killWhileSaving(
  folder: string,
  version: number,
  target: File | 'any',
  random: RandomStream,
): Promise<Map<string, number>> {
  const child = spawn(process.execPath, [PROGRAM, folder, String(version)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const told = new Map<string, number>();
  const lines = createInterface({ input: child.stdout });
  const allTold = once(lines, 'close');
  let started = (): void => undefined;
  const bothAreThere = new Promise<void>((resolve) => (started = resolve));
  lines.on('line', (line) => {
    const [file, number] = line.split(' ');
    told.set(file!, Number(number));
    if (told.size === FILES.length) started();
  });
  await Promise.race([
    bothAreThere,
    exited.then(() => Promise.reject(new Error('The process ended by itself.'))),
  ]);
  if (target === 'any') await sleep(random.uniform() * 150);
  else {
    await writeBegins(folder, target);
    await sleep(random.uniform() * 8);
  }
  child.kill('SIGKILL');
  const [, signal] = (await exited) as [number | null, string | null];
  if (signal !== 'SIGKILL') throw new Error('The process ended by itself.');
  await allTold;
  return told;
}

/** How much of a plan of kills may come between two writes: on a busy machine the kill arrives late. */
const MOST_ROUNDS = 6;

/**
 * Kills a saving process `kills` times and loads its files after each; goes on until each file was hit in the middle of a sixth
 * of them, six times as long at most.
 * @throws where a file does not load, or is neither the last one that was reported nor the one after it.
 */
export async function killSavingProcesses(kills: number): Promise<KillReport> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dskd-killed-'));
  const report: KillReport = { kills: 0, loaded: 0, inTheMiddle: { model: 0, checkpoint: 0 } };
  const random = randomStream(1, 'kills');
  const teacher = fixtureTeacher();
  try {
    let version = 1;
    const isEnough = (kill: number): boolean =>
      kill >= kills && FILES.every((file) => report.inTheMiddle[file] > kills / 6);
    for (let kill = 0; kill < MOST_ROUNDS * kills && !isEnough(kill); kill++) {
      report.kills++;
      const target = ([...FILES, 'any'] as const)[kill % 3]!;
      const told = await killWhileSaving(folder, version, target, random);
      for (const file of FILES) {
        const onDisk = await versionOf(folder, file, teacher);
        const reported = told.get(file)!;
        if (onDisk !== reported && onDisk !== reported + 1) {
          throw new Error(`Kill ${kill}: ${file} was told to be version ${reported}, on disk is ${onDisk}.`);
        }
        report.loaded++;
        version = Math.max(version, onDisk + 1);
      }
      for (const name of await readdir(folder)) {
        if (/^(model|checkpoint)\.safetensors$/.test(name)) continue;
        const [, file] = /^\.(model|checkpoint)\.safetensors\.[0-9a-f]+\.tmp$/.exec(name) ?? [];
        if (file === undefined) throw new Error(`Kill ${kill} left ${name}.`);
        report.inTheMiddle[file as File]++;
        await rm(path.join(folder, name));
      }
    }
    return report;
  } finally {
    teacher.dispose();
    await rm(folder, { recursive: true });
  }
}
