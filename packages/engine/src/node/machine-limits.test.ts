import { availableParallelism } from 'node:os';
import { limitsIn, machineLimits, usableCores } from './machine-limits.js';

const reading =
  (files: Readonly<Record<string, string>>) =>
  (file: string): string | undefined =>
    files[file];

test('cgroups of version 2: the smallest limit of a group and those above it', () => {
  const read = reading({
    '/proc/self/cgroup': '0::/kubepods/pod7/app',
    '/sys/fs/cgroup/cpu.max': 'max 100000',
    '/sys/fs/cgroup/kubepods/pod7/cpu.max': '150000 100000',
    '/sys/fs/cgroup/kubepods/pod7/app/cpu.max': '400000 100000',
    '/sys/fs/cgroup/kubepods/pod7/memory.max': 'max',
    '/sys/fs/cgroup/kubepods/pod7/app/memory.max': '536870912',
  });
  expect(limitsIn(read)).toEqual({ cores: 1.5, memory: 536870912 });
  expect(usableCores(read)).toBe(1);
});

test('a container sees its own group as the root', () => {
  const read = reading({
    '/proc/self/cgroup': '0::/',
    '/sys/fs/cgroup/cpu.max': '50000 100000',
    '/sys/fs/cgroup/memory.max': '1073741824',
  });
  expect(limitsIn(read)).toEqual({ cores: 0.5, memory: 1073741824 });
  // Less than a core is one thread.
  expect(usableCores(read)).toBe(1);
});

test('cgroups of version 1', () => {
  const read = reading({
    '/proc/self/cgroup': '4:memory:/app\n2:cpu,cpuacct:/app\n0::/',
    '/sys/fs/cgroup/cpu/app/cpu.cfs_quota_us': '200000',
    '/sys/fs/cgroup/cpu/app/cpu.cfs_period_us': '100000',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
    '/sys/fs/cgroup/memory/app/memory.limit_in_bytes': '268435456',
  });
  expect(limitsIn(read)).toEqual({ cores: 2, memory: 268435456 });
});

test('no limit: none is written, or another system', () => {
  const none = { cores: null, memory: null };
  expect(limitsIn(reading({}))).toEqual(none);
  const unlimited = reading({
    '/proc/self/cgroup': '4:memory:/\n1:cpu:/\n0::/',
    '/sys/fs/cgroup/cpu.max': 'max 100000',
    '/sys/fs/cgroup/memory.max': 'max',
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
  });
  expect(limitsIn(unlimited)).toEqual(none);
  expect(usableCores(unlimited)).toBe(availableParallelism());
});

test('this machine can be read', () => {
  const { cores, memory } = machineLimits();
  expect(cores === null || cores > 0).toBe(true);
  expect(memory === null || memory > 2 ** 20).toBe(true);
});
