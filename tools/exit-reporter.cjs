// A reporter of jest. When all tests are over but the process does not exit, it prints which kinds of resources are still open and ends the
// process as failed. Without it a test that fails before it closes its server would keep the whole run waiting without end.
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
