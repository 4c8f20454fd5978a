// A reporter of jest that notes how long each test file took, for npm run dev. Lines are added, because several jests run at
// a time.
const { appendFileSync, mkdirSync } = require('node:fs');
const path = require('node:path');

const SECONDS_FILE = path.join(__dirname, '../../node_modules/.cache/dskd-dev/test-seconds');

module.exports = class SecondsReporter {
  onTestResult({ path: test }, { perfStats }) {
    const seconds = (perfStats.end - perfStats.start) / 1000;
    if (!(seconds > 0)) return;
    mkdirSync(path.dirname(SECONDS_FILE), { recursive: true });
    appendFileSync(SECONDS_FILE, `${seconds} ${test}\n`);
  }
};
module.exports.SECONDS_FILE = SECONDS_FILE;
