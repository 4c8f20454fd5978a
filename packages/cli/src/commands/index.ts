import type { AnyCommand } from '../define-command.js';

/** The commands in the order of the help. Each is loaded only when it is used. */
export const COMMANDS: Readonly<Record<string, () => Promise<AnyCommand>>> = {
  train: async () => (await import('./train.js')).train,
  evaluate: async () => (await import('./evaluate.js')).evaluate,
  compare: async () => (await import('./compare.js')).compare,
  predict: async () => (await import('./predict.js')).predict,
  calibrate: async () => (await import('./calibrate.js')).calibrate,
  teach: async () => (await import('./teach.js')).teach,
  studio: async () => (await import('./studio.js')).studio,
  combine: async () => (await import('./combine.js')).combine,
  serve: async () => (await import('./serve.js')).serve,
  live: async () => (await import('./live.js')).live,
  queue: async () => (await import('./queue.js')).queue,
  export: async () => (await import('./export.js')).exportCommand,
  check: async () => (await import('./check.js')).check,
  info: async () => (await import('./info.js')).info,
  'distill-teacher': async () => (await import('./distill-teacher.js')).distillTeacherCommand,
  weights: async () => (await import('./weights.js')).weights,
  init: async () => (await import('./init.js')).init,
  synth: async () => (await import('./synth.js')).synth,
  benchmark: async () => (await import('./benchmark.js')).benchmark,
  reproduce: async () => (await import('./reproduce.js')).reproduce,
  doctor: async () => (await import('./doctor.js')).doctor,
};
