import { DskdError, isDskdError, throwIfAborted } from './errors.js';

test('carries code, hint, details and cause', () => {
  const cause = new Error('inner');
  const error = new DskdError('weights-invalid', 'message', { hint: 'hint', details: { got: 1 }, cause });
  expect(error).toMatchObject({
    code: 'weights-invalid',
    message: 'message',
    hint: 'hint',
    details: { got: 1 },
    cause,
  });
  expect(error).toBeInstanceOf(Error);
});

test('is recognized by its marker, not its class', () => {
  const error = new DskdError('aborted', 'x');
  const foreign = Object.assign(new Error('x'), { code: 'aborted', [Symbol.for('dskd.error')]: true });
  expect(isDskdError(error)).toBe(true);
  expect(isDskdError(foreign, 'aborted')).toBe(true);
  expect(isDskdError(error, 'disposed')).toBe(false);
  expect(isDskdError(new Error('x'))).toBe(false);
  expect(isDskdError(null)).toBe(false);
});

test('throwIfAborted throws only after the abort, with its reason', () => {
  const controller = new AbortController();
  throwIfAborted(undefined);
  throwIfAborted(controller.signal);
  controller.abort('enough');
  let thrown: unknown;
  try {
    throwIfAborted(controller.signal);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: 'aborted', cause: 'enough' });
});
