import type { ByteReader } from '../byte-reader.js';
import { OPCODES } from './opcodes.js';
import type { PickleHost } from './pickle-global.js';
import { PickleMachine } from './pickle-machine.js';

const PROTO = 0x80;
const STOP = 0x2e;

/**
 * Reads one pickle (protocols 2 to 5) where `reader` stands. Nothing is executed: the host says what every
 * name means. Time is linear in the pickle's length; what it can make this program hold is bounded.
 *
 * Lists, tuples and sets come as arrays, dicts as Maps, None as null, integers beyond 2^53 as bigint. They can
 * contain themselves.
 * @throws {DskdError} `weights-invalid`
 */
export function unpickle(reader: ByteReader, host: PickleHost): unknown {
  const machine = new PickleMachine(reader, host);
  const start = reader.position;
  if (reader.uint8() !== PROTO)
    throw reader.fail(`no pickle of protocol 2 or later starts at byte ${start}.`);
  const protocol = reader.uint8();
  if (protocol < 2 || protocol > 5) throw machine.fail(`has protocol ${protocol}; wanted 2 to 5.`);
  for (;;) {
    const code = reader.uint8();
    if (code === STOP) return machine.pop();
    const opcode = OPCODES[code];
    if (!opcode) {
      const hex = code.toString(16).padStart(2, '0');
      throw machine.fail(
        `has opcode 0x${hex} at byte ${reader.position - 1}, which is unknown or makes objects.`,
      );
    }
    opcode(machine);
  }
}
