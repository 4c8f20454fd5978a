/** A thread that runs `help`, in Node or in a page. */
export interface HelperThread {
  /** Resolves when it waits for work. Rejects if it ends before. */
  readonly ready: Promise<void>;
  /** Resolves with the reason when it ends, where that can be known. */
  readonly ended: Promise<string>;
  /** Ends it, whatever it does. */
  end(): Promise<void>;
}
