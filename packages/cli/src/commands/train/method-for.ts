import { DskdError } from '@dskd/base';
import { TRAINING_DEFAULTS } from '@dskd/methods/defaults';
import { flagOf, type OptionFacts, type OptionSet } from '../../options/option.js';

/** The method of the paper's students. Options that only students have select it. */
const STUDENTS = 'dskd';

/** Whether a method has an option. */
export function hasOption(method: string, { methods }: OptionFacts): boolean {
  if (methods === undefined) return true;
  return 'allBut' in methods ? !methods.allBut.includes(method) : methods.includes(method);
}

/**
 * Returns the method to train: the named one; otherwise that of the students, if an option is given that the default method
 * does not have; otherwise the default.
 * @param given options of the command line and of the config file, by key; not checked yet.
 * @throws {DskdError} `invalid-argument` for options that the method does not have.
 */
export function methodFor(given: Readonly<Record<string, unknown>>, options: OptionSet): string {
  const special = Object.entries(options).filter(
    ([key, { facts }]) => facts.methods !== undefined && given[key] !== undefined,
  );
  // A value that is not text is refused later, with all other wrong values.
  const named = typeof given.method === 'string' ? given.method : undefined;
  const isForStudents = special.some(([, { facts }]) => !hasOption(TRAINING_DEFAULTS.method, facts));
  const method = named ?? (isForStudents ? STUDENTS : TRAINING_DEFAULTS.method);
  const foreign = special.filter(([, { facts }]) => !hasOption(method, facts)).map(([key]) => flagOf(key));
  if (foreign.length === 0) return method;
  throw new DskdError(
    'invalid-argument',
    `Got ${foreign.join(', ')}; wanted only options that the method ${method} has.`,
    {
      hint:
        `Leave ${foreign.length === 1 ? 'it' : 'them'} out, or train the paper's students: --method ${STUDENTS}. ` +
        'Options of other methods without a flag go into --method-options.',
      details: { method, options: foreign },
    },
  );
}
