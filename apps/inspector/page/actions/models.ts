import { inspector } from '../client.js';
import { number, t } from '../languages/index.js';
import { areas, inspected, model, openName, savedNames, say, selected, threshold } from '../state.js';
import type { ModelFacts } from '../worker/api.js';
import { download } from './files.js';
import { inspectAgain } from './inspect.js';
import { attempt, runTask } from './tasks.js';

/** Shows a model that is now the worker's; what was inspected before it is inspected again. */
export function useModel(facts: ModelFacts): void {
  model.value = facts;
  threshold.value = facts.threshold;
  if (inspected.value.length > 0) void inspectAgain();
}

export async function listModels(): Promise<void> {
  savedNames.value = await inspector.savedModels().catch(() => []);
}

/** Keeps the current model on this machine under its name. @returns whether it is kept. */
export function keepModel(): Promise<boolean> {
  return attempt(async () => {
    await inspector.saveModel(openName.value!);
    await listModels();
  });
}

/** Opens a model file, such as one that `dskd train` wrote. */
export function openModelFile(file: File): Promise<boolean> {
  return attempt(async () => {
    const facts = await inspector.open(file);
    openName.value = file.name.replace(/\.safetensors$/, '');
    useModel(facts);
    const name = openName.value;
    say(() => t('opened', { name }));
  });
}

export function openModel(name: string): Promise<boolean> {
  return attempt(async () => {
    const facts = await inspector.openSaved(name);
    openName.value = name;
    useModel(facts);
    say(() => t('opened', { name }));
  });
}

export function removeModel(name: string): Promise<boolean> {
  return attempt(async () => {
    await inspector.removeSaved(name);
    await listModels();
  });
}

/** A name that every file system takes. */
const fileName = (): string => (openName.value ?? 'model').replaceAll(/[^\p{L}\p{N}._-]+/gu, '-');

export function downloadModel(): Promise<boolean> {
  return attempt(async () => download(await inspector.toSafetensors(), `${fileName()}.safetensors`));
}

export function downloadOnnx(): Promise<boolean> {
  return attempt(async () => download(await inspector.toOnnx(), `${fileName()}.onnx`));
}

/** The report of everything that was inspected. */
export async function downloadReport(): Promise<void> {
  const images = inspected.value
    .filter(({ inspection }) => inspection)
    .map(({ id, file, truth }) => ({ id, file, truth }));
  const request = { name: openName.value ?? 'model', images, ignored: areas.value };
  const page = await runTask('report', (task, onProgress) => inspector.report(task, request, onProgress));
  if (page) download(page, `${fileName()}-report.html`);
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Scores as CSV (RFC 4180): one line an image. */
export function downloadCsv(): void {
  const names = model.value!.branches;
  const rows = inspected.value.flatMap(({ id, inspection, truth }) => {
    if (!inspection) return [];
    const { score, pValue, branches } = inspection;
    const verdict = score > threshold.value ? 'anomalous' : 'normal';
    const scores = names.map((name) => String(branches[name]?.score ?? ''));
    return [
      [quoted(id), verdict, String(score), String(threshold.value), String(pValue), truth ?? '', ...scores],
    ];
  });
  const header = [
    'image',
    'verdict',
    'score',
    'threshold',
    'p',
    'known',
    ...names.map((name) => `score.${name}`),
  ];
  const text = `${[header, ...rows].map((row) => row.join(',')).join('\n')}\n`;
  download(new Blob([text], { type: 'text/csv' }), `${fileName()}-scores.csv`);
}

let changing: ReturnType<typeof setTimeout> | undefined;

/** Sets the threshold: verdicts follow at once, the worker and the open image when the slider rests. */
export function changeThreshold(value: number): void {
  threshold.value = value;
  clearTimeout(changing);
  changing = setTimeout(() => {
    void attempt(async () => {
      await inspector.setThreshold(value);
      await keepModel();
      const open = selected.value;
      selected.value = undefined;
      selected.value = open;
    });
  }, 250);
}

/** The image is good: the model learns it, and everything is inspected again. */
export async function teach(id: string): Promise<void> {
  const image = inspected.value.find((each) => each.id === id)!;
  const before = image.inspection!.score;
  inspected.value = inspected.value.map((each) => (each.id === id ? { ...each, truth: 'good' } : each));
  const outcome = await runTask('learn', (task, onProgress) =>
    inspector.extend(task, { id, file: image.file }, onProgress),
  );
  if (!outcome) return;
  model.value = outcome.model;
  threshold.value = outcome.model.threshold;
  await inspectAgain();
  const after = inspected.value.find((each) => each.id === id)!.inspection!.score;
  if (!(await keepModel())) return;
  const { threshold: now } = outcome.model;
  say(() => t('taught', { before: number(before, 2), after: number(after, 2), threshold: number(now, 2) }));
}

export async function undoLesson(): Promise<void> {
  await attempt(async () => {
    const facts = await inspector.forget();
    model.value = facts;
    threshold.value = facts.threshold;
    await inspectAgain();
    if (await keepModel()) say(() => t('forgotten'));
  });
}
