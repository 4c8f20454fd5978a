/**
 * A function of ours that a pickle may call. `charge` counts the memory and work of what grows with the arguments:
 * a pickle can pass one long list a million times.
 */
export type PickleCall = (args: readonly unknown[], charge: (bytes: number) => void) => unknown;

/** What a pickle may name, and call where it has a `call`. */
export class PickleGlobal {
  /** `module.name`. */
  readonly name: string;
  readonly call: PickleCall | undefined;

  constructor(name: string, call?: PickleCall) {
    this.name = name;
    this.call = call;
  }
}

/** Everything that a pickle can reach. */
export interface PickleHost {
  /** Throws for every name that is not on the host's list. */
  findGlobal(module: string, name: string): PickleGlobal;
  /** The object that the file keeps outside its pickle under `id`. */
  loadPersistent(id: unknown): unknown;
}
