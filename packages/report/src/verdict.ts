import type { ScoredSample } from '@dskd/metrics';

/** What became of an image, in the words of someone who sorts parts. */
export interface Outcome {
  readonly name: 'passed' | 'caught' | 'missed' | 'false alarm';
  /** A sign beside the word: color alone says nothing. */
  readonly sign: '✓' | '✗';
  readonly right: boolean;
}

export function outcomeOf({ label, verdict }: Pick<ScoredSample, 'label' | 'verdict'>): Outcome {
  if (label === verdict || (label === 'good' && verdict === 'normal')) {
    return { name: label === 'good' ? 'passed' : 'caught', sign: '✓', right: true };
  }
  return { name: label === 'good' ? 'false alarm' : 'missed', sign: '✗', right: false };
}
