import path from 'node:path';
import { DskdError } from '@dskd/base';
import { stringify } from 'yaml';
import { planId, readPlan, readShard, type Plan } from './plan/plan.js';
import { Storage } from './plan/storage.js';
import { isUrl } from './shard/fetch-image.js';

export interface KubernetesJobOptions {
  /** Container image with the `dskd` command. */
  readonly image: string;
  /** Name of the claim of the volume with the storage and the images. */
  readonly claim: string;
  /** Where the volume is mounted: the folder that all paths of the plan are in. Default: that of the storage. */
  readonly mount?: string;
  /** Pods in all, each with its part of the shards. Default: as many as shards, at most 1000. */
  readonly parts?: number;
  /** Pods at a time. Default 10. */
  readonly parallelism?: number;
}

const MOST_PARTS = 1000;

/** @throws {DskdError} `invalid-argument` for the storage or an image that pods would not see */
async function assertInside(mount: string, folder: string, plan: Plan): Promise<void> {
  const check = (what: string, place: string): void => {
    if (!path.relative(mount, place).startsWith('..')) return;
    throw new DskdError(
      'invalid-argument',
      `The ${what} ${place} is not in the folder ${mount}, where the volume is mounted.`,
      { hint: 'Name a folder that has both. Pods must see files at the paths of the plan.' },
    );
  };
  check('storage', Storage.ofPlan(folder).folder);
  for (let index = 0; index < plan.shards.length; index++) {
    const { images } = await readShard(folder, plan, index);
    for (const image of images) if (!isUrl(image.path)) check('image', path.resolve(plan.root, image.path));
  }
}

/**
 * An indexed Job of Kubernetes that scores a plan without a queue: each pod runs its part of the shards, and is started again where
 * it fails.
 * @returns the manifest, as YAML.
 * @throws {DskdError} `invalid-argument` where the storage or the images are outside of the mounted folder; of reading the plan
 */
export async function kubernetesJob(folder: string, options: KubernetesJobOptions): Promise<string> {
  const plan = await readPlan(folder);
  const { image, claim, parallelism = 10 } = options;
  const { parts = Math.min(plan.shards.length, MOST_PARTS) } = options;
  const storage = Storage.ofPlan(folder).folder;
  const mount = path.resolve(options.mount ?? storage);
  await assertInside(mount, folder, plan);
  const name = `dskd-${planId(plan)}`;
  const labels = { 'app.kubernetes.io/name': 'dskd-queue', 'app.kubernetes.io/instance': name };
  const manifest = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, labels },
    spec: {
      completionMode: 'Indexed',
      completions: parts,
      parallelism: Math.min(parallelism, parts),
      // Of each part: a damaged machine must not end the others. What a part has finished stays.
      backoffLimitPerIndex: 3,
      maxFailedIndexes: parts,
      ttlSecondsAfterFinished: 86_400,
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 30,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 10_001,
            runAsGroup: 10_001,
            fsGroup: 10_001,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              name: 'work',
              image,
              command: ['dskd'],
              // The part is the variable JOB_COMPLETION_INDEX, which Kubernetes sets.
              args: ['queue', 'work', path.resolve(folder), '--of', String(parts), '--workers', '1'],
              resources: {
                requests: { cpu: '1', memory: '1Gi' },
                limits: { cpu: '2', memory: '2Gi' },
              },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              volumeMounts: [
                { name: 'storage', mountPath: mount },
                { name: 'tmp', mountPath: '/tmp' },
              ],
            },
          ],
          volumes: [
            { name: 'storage', persistentVolumeClaim: { claimName: claim } },
            { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
          ],
        },
      },
    },
  };
  return `# Scores the plan ${planId(plan)}: ${plan.images} images in ${plan.shards.length} shards.\n${stringify(manifest, { aliasDuplicateObjects: false })}`;
}
