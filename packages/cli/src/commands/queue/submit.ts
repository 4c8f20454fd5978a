import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';
import { listImages, writeFileAtomically } from '@dskd/data/node';
import { openEngine } from '@dskd/engine/node';
import { assertRedis, kubernetesJob, makePlan, submit, type ImageReference } from '@dskd/queue';
import { embeddedTeacherFor, isExported, readModel } from '../../models.js';
import { printWarnings } from '../../open-data.js';
import { printJson, printLine } from '../../output/print.js';
import { ProgressBar, progressRenderer } from '../../output/progress.js';
import { pluginModules } from '../../plugins.js';
import { engineFor } from '../predict/scorer.js';
import type { SubmitOptions } from '../queue.js';
import { redisAddress } from './redis-address.js';

const isUrl = (image: string): boolean => /^[a-z][a-z\d+.-]+:\/\//i.test(image);

/** A line of `--list`. */
function referenceOf(line: string, place: string): ImageReference {
  if (!line.startsWith('{')) return line;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  const { path, sha256 } = (value ?? {}) as Partial<Record<'path' | 'sha256', unknown>>;
  if (typeof path === 'string' && sha256 === undefined) return path;
  if (typeof path === 'string' && typeof sha256 === 'string') return { path, sha256 };
  throw new DskdError(
    'invalid-argument',
    `${place}: got ${line}, wanted {"path": …} or {"path": …, "sha256": …}.`,
    {
      hint: 'Or write the path or URL alone.',
    },
  );
}

function unreadable(file: string): (cause: unknown) => never {
  return (cause) => {
    throw new DskdError('file-not-found', `Cannot read ${file}.`, {
      hint: 'Check the path, and who may read it.',
      cause,
    });
  };
}

async function listed(file: string): Promise<ImageReference[]> {
  const text = await readFile(file, 'utf8').catch(unreadable(file));
  return text
    .split(/\r?\n/)
    .flatMap((line, index) => (line === '' ? [] : [referenceOf(line, `${file}:${index + 1}`)]));
}

/** Images of the arguments in the order of `dskd predict`, URLs after them, then those of the list. */
async function imagesOf(given: readonly string[], list: string | undefined): Promise<ImageReference[]> {
  const paths = given.filter((image) => !isUrl(image));
  const found =
    paths.length === 0
      ? []
      : await listImages(paths, {
          unsupported: 'listed',
          missing: 'listed',
          onWarning: (warning) => printWarnings([warning]),
        });
  return [...found, ...given.filter(isUrl), ...(list === undefined ? [] : await listed(list))];
}

/** Plans shards of images, and queues them or writes a manifest. Prints the folder of the plan. */
export async function runSubmit(
  model: string,
  given: readonly string[],
  options: SubmitOptions,
  signal: AbortSignal,
): Promise<void> {
  const { storage, on, shardSize, threshold, minArea, ignoreMask, weights, backend, plugin, json } = options;
  const images = await imagesOf(given, options.list);
  if (images.length === 0) {
    throw new DskdError('invalid-argument', 'No images are given.', {
      hint: 'Name images, folders or URLs after the model, or a file that lists them: --list FILE.',
    });
  }
  const redis = on === undefined ? undefined : redisAddress(on);
  if (redis !== undefined) await assertRedis(redis);
  const kind = engineFor(model, { ...options, workers: 0 }, images.length);
  const bytes = await readModel(model);
  if (isExported(model)) await assertOneFile(bytes, model);
  const teacher =
    weights === undefined
      ? await embeddedTeacherFor(bytes, model)
      : new Uint8Array(await readFile(weights).catch(unreadable(weights)));
  // A model that cannot be used is found out here, not by each worker.
  const engine = await openEngine(model, {
    engine: kind,
    backend,
    workers: 0,
    warmUp: false,
    signal,
    imports: await pluginModules(plugin),
    onEvent: progressRenderer(options),
    ...(teacher && { teacher }),
  });
  const { engine: chosen } = engine.info;
  await engine.dispose();
  const bar = new ProgressBar();
  const { folder, ...counts } = await makePlan({
    storage,
    model: bytes,
    images,
    shardSize,
    engine: chosen,
    backend,
    minArea,
    signal,
    onImage: (done, total) => bar.show(`hashed ${done}/${total}`, done, total),
    ...(threshold !== undefined && { threshold }),
    ...(ignoreMask !== undefined && { ignoreMask }),
    ...(teacher && { teacher }),
  });
  bar.clear();
  await writeManifest(folder, options);
  const submitted = redis === undefined ? undefined : await submit(folder, redis);
  if (json) {
    printJson({
      type: 'plan',
      plan: folder,
      engine: chosen,
      ...counts,
      ...(submitted && { done: submitted.done, queued: submitted.shards - submitted.done }),
    });
    return;
  }
  const queued = submitted
    ? `: ${submitted.done} done, ${submitted.shards - submitted.done} queued`
    : '; nothing is queued without --on';
  process.stderr.write(
    `${counts.images} images in ${counts.shards} shards for the engine ${chosen}${queued}\n`,
  );
  printLine(folder);
}

async function writeManifest(
  folder: string,
  { manifest, containerImage, claim, mount, parts, parallelism }: SubmitOptions,
): Promise<void> {
  if (manifest === undefined) return;
  const text = await kubernetesJob(folder, {
    image: containerImage,
    claim,
    parallelism,
    ...(mount !== undefined && { mount }),
    ...(parts !== undefined && { parts }),
  });
  await writeFileAtomically(manifest, text);
}

/** The storage keeps one file of a model. @throws {DskdError} `invalid-argument` */
async function assertOneFile(bytes: Uint8Array, model: string): Promise<void> {
  const { readExported } = await import('@dskd/onnx');
  const { externalData } = readExported(bytes);
  if (!externalData) return;
  throw new DskdError(
    'invalid-argument',
    `Got ${model}, whose values are in ${externalData.location}; a queue keeps models of one file.`,
    { hint: 'Submit the .safetensors file that it was exported from.' },
  );
}
