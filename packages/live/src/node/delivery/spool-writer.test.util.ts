import { madeUpAlarm } from '../alarms.test.util.js';
import { Spool } from './spool.js';

/** A program that adds alarms to the spool of its first argument forever, and prints the id of each that is safe. */
const spool = await Spool.open(process.argv[2], {
  retryRefused: false,
  limits: { alarms: 1e6, bytes: 1e12 },
  onEvent: (event) => {
    throw new Error(event.type);
  },
});
const image = { bytes: new Uint8Array(20_000).fill(7), extension: 'png' };
for (let index = spool.size; ; index++) {
  const id = String(index);
  await spool.add(madeUpAlarm(id, image));
  process.stdout.write(`${id}\n`);
}
