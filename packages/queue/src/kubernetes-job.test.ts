import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Job, type IJob } from 'kubernetes-models/batch/v1';
import { parse } from 'yaml';
import { kubernetesJob, makePlan } from './index.js';

let root: string;
let folder: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'dskd job-'));
  await mkdir(path.join(root, 'images'));
  const images = Array.from({ length: 7 }, (_, index) => path.join(root, 'images', `${index}.png`));
  for (const file of images) await writeFile(file, file);
  const storage = path.join(root, 'shared');
  const options = { storage, model: Buffer.from('model'), engine: 'tfjs', images, shardSize: 2 } as const;
  ({ folder } = await makePlan(options));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const options = { image: 'registry.example.com/dskd:1.0.0', claim: 'parts' };

test('the manifest is valid by the schema of Kubernetes, and covers all shards', async () => {
  const job = parse(await kubernetesJob(folder, { ...options, mount: root })) as IJob;
  expect(() => new Job(job as never).validate()).not.toThrow();
  // The schema refuses something.
  expect(() => new Job({ ...job, spec: { ...job.spec, completions: 'all' } } as never).validate()).toThrow();
  const { spec } = job;
  expect(spec).toMatchObject({ completionMode: 'Indexed', completions: 4, parallelism: 4 });
  const [container] = spec!.template.spec!.containers;
  expect(container!.args!.slice(0, 5)).toEqual(['queue', 'work', folder, '--of', '4']);
  expect(container!.volumeMounts!.map(({ mountPath }) => mountPath)).toEqual([root, '/tmp']);
  expect(container!.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  expect(spec!.template.spec).toMatchObject({
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  });
  expect([container!.resources?.limits?.memory, container!.resources?.limits?.cpu]).not.toContain(undefined);
  // In time to give its work back.
  expect(spec!.template.spec!.terminationGracePeriodSeconds).toBeGreaterThan(20);
});

test('fewer pods take several shards each', async () => {
  const job = parse(
    await kubernetesJob(folder, { ...options, mount: root, parts: 3, parallelism: 2 }),
  ) as IJob;
  expect(job.spec).toMatchObject({ completions: 3, parallelism: 2 });
  expect(job.spec!.template.spec!.containers[0]!.args!.slice(3, 5)).toEqual(['--of', '3']);
});

test('images that pods would not see are refused', async () => {
  await expect(kubernetesJob(folder, options)).rejects.toMatchObject({
    code: 'invalid-argument',
    message: `The image ${root}/images/0.png is not in the folder ${root}/shared, where the volume is mounted.`,
  });
});
