import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';

/** What a container, or another control group of Linux, lets this process use. */
export interface MachineLimits {
  /** Processor cores, also in parts; null where there is no limit. */
  readonly cores: number | null;
  /** Bytes; null where there is no limit. */
  readonly memory: number | null;
}

type ReadText = (file: string) => string | undefined;

const readText: ReadText = (file) => {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    // Another system, or a group without this controller.
    return undefined;
  }
};

const ROOT = '/sys/fs/cgroup';
/** Version 1 says "no limit" by a number that no machine reaches. */
const UNLIMITED = 2 ** 60;

function least(values: readonly (number | undefined)[]): number | null {
  const limits = values.filter((value) => value !== undefined && value > 0 && value < UNLIMITED) as number[];
  return limits.length === 0 ? null : Math.min(...limits);
}

/** A folder and those above it, up to the root of the groups: the smallest limit holds. */
function upwards(controller: string, group: string): string[] {
  const top = path.posix.join(ROOT, controller);
  const folders = [top];
  let folder = top;
  for (const part of group.split('/').filter((name) => name !== '')) {
    folder = path.posix.join(folder, part);
    folders.push(folder);
  }
  return folders;
}

/** The group of this process for a controller of version 1, or, for the empty name, of version 2. */
function groupOf(groups: string, controller: string): string {
  for (const line of groups.split('\n')) {
    const [, controllers = '', group = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers.split(',').includes(controller)) return group;
  }
  return '';
}

/** {@link machineLimits} from files that a test gives. */
export function limitsIn(read: ReadText): MachineLimits {
  const groups = read('/proc/self/cgroup') ?? '';
  const numbers = (file: string): number[] => (read(file) ?? '').split(/\s+/).map(Number);
  const unified = upwards('', groupOf(groups, ''));
  const ratio = ([quota, period]: readonly number[]): number | undefined =>
    quota !== undefined && period ? quota / period : undefined;
  const cores = [
    ...unified.map((folder) => ratio(numbers(`${folder}/cpu.max`))),
    ...upwards('cpu', groupOf(groups, 'cpu')).map((folder) =>
      ratio([...numbers(`${folder}/cpu.cfs_quota_us`), ...numbers(`${folder}/cpu.cfs_period_us`)]),
    ),
  ];
  const memory = [
    ...unified.map((folder) => numbers(`${folder}/memory.max`)[0]),
    ...upwards('memory', groupOf(groups, 'memory')).map(
      (folder) => numbers(`${folder}/memory.limit_in_bytes`)[0],
    ),
  ];
  return { cores: least(cores), memory: least(memory) };
}

/** The limits of this process, by cgroups of version 2 and 1. Nothing is limited on other systems. */
export function machineLimits(): MachineLimits {
  return limitsIn(readText);
}

/** Cores that this process may use: those of the machine, or fewer in a container. */
export function usableCores(read: ReadText = readText): number {
  const { cores } = limitsIn(read);
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cores ?? Infinity)));
}
