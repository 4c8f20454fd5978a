/** What each command does, in a line: known without loading the command. */
export const SUMMARIES = {
  train: 'learn good parts from images of good parts only',
  evaluate: 'score the test images of a dataset and compare with its labels and masks',
  predict: 'say of images whether, where and how they are anomalous: one line of JSON each',
  calibrate: 'set the threshold of a model for a rate of false alarms, without training again',
  combine: 'join two models whose students were trained apart',
  check: 'read a dataset: what it holds, and everything that is wrong with it',
  info: 'print what a model is and how it came to be',
  'distill-teacher': 'make a small teacher of a large one, with images of anything or none',
  weights: 'list, download, inspect and convert weights of teachers',
  init: 'write a config file in which every option of a command stands, explained',
  synth: 'draw a dataset with structural and logical anomalies: nothing to download',
  benchmark: "train and evaluate a grid of students in several processes, and make the paper's tables of it",
  reproduce: "make one of the paper's tables or figures again, with its settings or smaller ones",
  doctor: 'say what this machine can run dskd on',
} as const;

export type CommandName = keyof typeof SUMMARIES;
