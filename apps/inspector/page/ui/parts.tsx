import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { attempt } from '../actions/tasks.js';
import { filesOf } from '../actions/files.js';
import { t, type TextKey } from '../languages/index.js';
import { task } from '../state.js';

/** Draws a bitmap. It stays the caller's, who closes it. Without a label it says nothing that is not said beside it. */
export function Bitmap({
  bitmap,
  label,
}: {
  readonly bitmap: ImageBitmap;
  readonly label: string;
}): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const { current } = canvas;
    if (!current || bitmap.width === 0) return;
    current.width = bitmap.width;
    current.height = bitmap.height;
    current.getContext('2d')!.drawImage(bitmap, 0, 0);
  }, [bitmap]);
  return label === '' ? (
    <canvas ref={canvas} aria-hidden="true" />
  ) : (
    <canvas ref={canvas} role="img" aria-label={label} />
  );
}

interface DropProps {
  readonly onFiles: (files: Awaited<ReturnType<typeof filesOf>>) => Promise<void>;
  readonly label: string;
  readonly children: ComponentChildren;
}

/** A place to drop files and folders on. */
export function DropZone({ onFiles, label, children }: DropProps): JSX.Element {
  const [over, setOver] = useState(false);
  return (
    <div
      class={over ? 'drop over' : 'drop'}
      role="group"
      aria-label={label}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        setOver(false);
        void attempt(async () => onFiles(await filesOf(event)));
      }}
    >
      {children}
    </div>
  );
}

interface FileButtonProps {
  readonly onFiles: DropProps['onFiles'];
  readonly label: string;
  readonly accept?: string;
  readonly multiple?: boolean;
  readonly folder?: boolean;
  readonly disabled?: boolean;
  readonly id?: string;
}

/** A button that opens the browser's dialog for files. The input element itself takes the keyboard. */
export function FileButton({
  onFiles,
  label,
  folder = false,
  disabled = false,
  ...rest
}: FileButtonProps): JSX.Element {
  return (
    <label class={disabled ? 'button disabled' : 'button'}>
      <input
        type="file"
        class="visually-hidden"
        disabled={disabled}
        {...rest}
        {...(folder && { webkitdirectory: true })}
        onChange={(event) => {
          const input = event.currentTarget;
          void attempt(async () => {
            const files = await filesOf(event);
            input.value = '';
            await onFiles(files);
          });
        }}
      />
      {label}
    </label>
  );
}

/** Branches of methods, and of the students of the paper. */
const BRANCHES: Readonly<Partial<Record<string, TextKey>>> = {
  local: 'local',
  global: 'global',
  pooled: 'pooled',
  pieces: 'pieces',
};

/** The name of a branch in the language of the page; of a method of one's own it is the method's. */
export function branchName(name: string): string {
  const key = BRANCHES[name];
  return key === undefined ? name : t(key);
}

const STAGES = {
  drawing: 'stageDrawing',
  reading: 'stageReading',
  learning: 'stageLearning',
  scoring: 'stageScoring',
} as const satisfies Record<string, TextKey>;

const KINDS = {
  example: 'drawingExample',
  learn: 'stageLearning',
  inspect: 'inspecting',
  report: 'writingReport',
  look: 'looking',
} as const satisfies Record<string, TextKey>;

/** The bar of the task that runs. */
export function TaskBar(): JSX.Element | null {
  const { value } = task;
  if (!value) return null;
  const { kind, progress, done = 0, total, cancel } = value;
  const share = progress?.share ?? (total === undefined ? undefined : done / total);
  const text = progress ? t(STAGES[progress.stage]) : t(KINDS[kind], { done: done + 1, total: total ?? 0 });
  return (
    <div class="task" data-task={kind}>
      <label>
        {text} <progress {...(share !== undefined && { value: share })} max={1} />
      </label>
      {cancel && (
        <button type="button" onClick={cancel}>
          {t('cancel')}
        </button>
      )}
    </div>
  );
}
