/**
 * Lets this thread handle what came meanwhile, and lets messages that were posted just before be delivered. Steps on wasm
 * are of one piece: without a break nothing could stop a training in a page's worker.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
