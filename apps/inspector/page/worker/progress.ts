import type { DskdEvent, EventListener } from '@dskd/base';
import type { Note, OnProgress, Progress } from './api.js';

/** Milliseconds between two messages about a task: a page that draws more often than it shows is slow. */
const PAUSE_MS = 60;

/** Passes on what is new, seldom; the last losses of a pause stand for all of it. */
export function throttled(onProgress: OnProgress): OnProgress {
  let last = -Infinity;
  return (progress) => {
    const now = performance.now();
    if (now - last < PAUSE_MS && progress.share < 1) return;
    last = now;
    onProgress(progress);
  };
}

/** Events of a training as shares of stages. */
export function trainingProgress(onProgress: OnProgress, onNote: (note: Note) => void): EventListener {
  let steps = 1;
  let done = 0;
  let calibrating = 1;
  const report = throttled(onProgress);
  const emit = (stage: Progress['stage'], share: number, losses?: Progress['losses']): void =>
    report({ stage, share: Math.min(1, share), ...(losses && { losses }) });
  return (event: DskdEvent) => {
    switch (event.type) {
      case 'image-read':
        emit('reading', event.done / event.total);
        break;
      case 'training-start':
        steps = event.epochs * event.stepsPerEpoch;
        break;
      case 'step-end':
        done += 1;
        emit('learning', done / steps, event.losses);
        break;
      case 'fit-progress':
        emit('learning', event.done / event.total);
        break;
      case 'calibration-start':
        calibrating = event.samples;
        emit('scoring', 0);
        break;
      case 'image-scored':
        emit('scoring', (event.index + 1) / calibrating);
        break;
      case 'warning':
        onNote({ type: 'warning', message: event.message });
        break;
    }
  };
}
