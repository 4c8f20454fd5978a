import { resolveOptions } from '../options/resolve.js';
import { calibrateOptions, checkRule, type CalibrateOptions } from './calibrate.js';

const given = (options: object): CalibrateOptions =>
  resolveOptions('calibrate', calibrateOptions, { flags: { normals: 'good', ...options } });

test.each([
  {},
  { falseAlarmRate: 0.01, confidence: 0.95 },
  { anomalies: 'bad', thresholdFrom: 'f1-max' },
  { anomalies: 'bad', thresholdFrom: 'cost', costOfAMiss: 10, costOfAFalseAlarm: 1, prevalence: 0.01 },
])('%j is a complete rule', (options) => {
  expect(() => checkRule(given(options))).not.toThrow();
});

test.each([
  [{ thresholdFrom: 'f1-max' }, /f1-max without images of bad parts/],
  [{ anomalies: 'bad' }, /--anomalies with --threshold-from normals/],
  [{ costOfAMiss: 10 }, /--cost-of-a-miss with --threshold-from normals/],
  [{ anomalies: 'bad', thresholdFrom: 'f1-max', costOfAFalseAlarm: 2 }, /--cost-of-a-false-alarm with/],
  [{ anomalies: 'bad', thresholdFrom: 'f1-max', prevalence: 0.1 }, /--prevalence with/],
  [{ anomalies: 'bad', thresholdFrom: 'cost', falseAlarmRate: 0.1 }, /--false-alarm-rate with/],
  [{ anomalies: 'bad', thresholdFrom: 'cost', confidence: 0.9 }, /--confidence with/],
])('refuses %j: no option is ignored silently', (options, message) => {
  expect(() => checkRule(given(options))).toThrow(message);
});
