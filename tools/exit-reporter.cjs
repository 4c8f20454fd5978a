// A reporter of jest that ends a run whose tests are over but whose process does not exit: what a test left open, such
// as a server of a test that failed before it closed it, would keep the process, and with it the whole run, for ever.
// The run has failed then, and the kinds of what is open are printed.
const PATIENCE_MS = 15_000;

module.exports = class ExitReporter {
  onRunComplete() {
    const timer = setTimeout(() => {
      const open = [...new Set(process.getActiveResourcesInfo())].sort().join(', ');
      console.error(
        `The tests are over, but the process did not exit in ${PATIENCE_MS / 1000} s; open: ${open}. ` +
          'Close in `finally` or `afterEach` what a test opens.',
      );
      process.exit(1);
    }, PATIENCE_MS);
    timer.unref();
  }
};
