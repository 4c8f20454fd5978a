#!/usr/bin/env node
import { main } from '@dskd/cli';

// `dskd … | head`: whoever reads has gone. End as other tools do, without a word; 141 is 128 + SIGPIPE.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => process.exit(error.code === 'EPIPE' ? 141 : 1));
}

process.exitCode = await main(process.argv);
