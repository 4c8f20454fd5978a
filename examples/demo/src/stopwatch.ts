/** Seconds since it was last asked. */
export function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const seconds = (performance.now() - last) / 1000;
    last = performance.now();
    return Number(seconds.toFixed(1));
  };
}
