/**
 * Implementation of a function that a pickle may call. It must call `charge` with the estimated bytes of results that
 * grow with the arguments, because a pickle can pass one long list many times.
 */
export type PickleCall = (args: readonly unknown[], charge: (bytes: number) => void) => unknown;

/** A global name that a pickle may use. It is callable if it has a `call`. */
export class PickleGlobal {
  /** For example `torch.Size`. */
  readonly name: string;
  readonly call: PickleCall | undefined;

  constructor(name: string, call?: PickleCall) {
    this.name = name;
    this.call = call;
  }
}

/**
 * An object of a pickle whose class or function is not known here: nothing but the name of that is kept. It was not created:
 * nothing is looked up or called, and its arguments, attributes and items are dropped.
 */
export class OpaqueObject {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A name that is not known here. What a pickle calls it with is dropped. */
export class OpaqueGlobal extends PickleGlobal {
  constructor(name: string) {
    super(name, () => new OpaqueObject(name));
  }
}
