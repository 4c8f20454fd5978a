import type { Lesson, LessonOutcome } from '@dskd/detector';
import { printJson, printLine } from './print.js';

function images(count: number): string {
  return `${count} ${count === 1 ? 'image' : 'images'}`;
}

/** Prints what a lesson changed. */
export function printLesson(outcome: LessonOutcome, json: boolean): void {
  if (json) {
    printJson({ type: 'lesson-learned', ...outcome });
    return;
  }
  const { alarms, calibrating, threshold } = outcome;
  printLine(
    `learned ${images(outcome.images)} of good parts: ${alarms.before} raised an alarm, ${alarms.after} still ${alarms.after === 1 ? 'does' : 'do'}`,
  );
  printLine(
    calibrating === 0
      ? 'a single image cannot be scored by a model that did not learn it: threshold and p-values are unchanged'
      : `their scores, each from a model that had not learned the image, were added to those of the other good images`,
  );
  if (threshold.after !== threshold.before) {
    printLine(`the threshold was ${threshold.before.toFixed(4)}`);
  }
}

/** Prints which lesson was undone. */
export function printForgotten(lesson: Lesson, json: boolean): void {
  if (json) {
    printJson({ type: 'lesson-forgotten', images: lesson.images.map(({ id }) => id) });
    return;
  }
  printLine(`forgot the last lesson, ${images(lesson.images.length)}: the model is as it was before`);
}
