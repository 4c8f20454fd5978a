import { writeFileAtomically } from '@dskd/data/node';
import { readPlan, readShard, type Plan, type Scoring } from '../plan/plan.js';
import { Storage } from '../plan/storage.js';
import { openScorer, type OpenedScorer, type ScorerOptions } from './open-scorer.js';
import { scoreShard, type Scorer } from './score-shard.js';

/** Opens what scores for a plan; a test gives another one. */
export type OpenScorer = (
  storage: Storage,
  scoring: Scoring,
  options: ScorerOptions,
  signal: AbortSignal,
) => Promise<Scorer & Partial<OpenedScorer>>;

/** What became of a shard. */
export interface ShardOutcome {
  readonly images: number;
  /** False: its result was there already. */
  readonly computed: boolean;
  readonly seconds: number;
}

/** Scores shards one after another. The model of the last one stays loaded for the next one. */
export class ShardRunner {
  readonly #options: ScorerOptions;
  readonly #open: OpenScorer;
  readonly #plans = new Map<string, Plan>();
  #loaded: { readonly key: string; readonly scorer: Awaited<ReturnType<OpenScorer>> } | undefined;

  constructor(options: ScorerOptions, open: OpenScorer = openScorer) {
    this.#options = options;
    this.#open = open;
  }

  /**
   * Scores a shard and writes its result, unless it is there.
   * @throws {DskdError} of reading the plan, of loading the model, and of {@link scoreShard}
   */
  async run(folder: string, index: number, signal: AbortSignal): Promise<ShardOutcome> {
    const started = performance.now();
    const ended = (): number => (performance.now() - started) / 1000;
    const plan = await this.#plan(folder);
    const storage = Storage.ofPlan(folder);
    const shard = await readShard(folder, plan, index);
    const name = plan.shards[index]!;
    const images = shard.images.length;
    if (await storage.hasResult(name)) return { images, computed: false, seconds: ended() };
    const scorer = await this.#scorer(storage, plan.scoring, signal);
    const text = await scoreShard(shard, { scorer, root: plan.root, signal });
    // Two that compute the same shard write the same bytes.
    await writeFileAtomically(storage.resultFile(name), text);
    return { images, computed: true, seconds: ended() };
  }

  async dispose(): Promise<void> {
    const loaded = this.#loaded;
    this.#loaded = undefined;
    await loaded?.scorer.dispose?.();
  }

  async #plan(folder: string): Promise<Plan> {
    const known = this.#plans.get(folder);
    if (known) return known;
    const plan = await readPlan(folder);
    this.#plans.set(folder, plan);
    return plan;
  }

  async #scorer(storage: Storage, scoring: Scoring, signal: AbortSignal): Promise<Scorer> {
    const key = JSON.stringify([storage.folder, scoring]);
    if (this.#loaded?.key === key) return this.#loaded.scorer;
    await this.dispose();
    const scorer = await this.#open(storage, scoring, this.#options, signal);
    this.#loaded = { key, scorer };
    return scorer;
  }
}
