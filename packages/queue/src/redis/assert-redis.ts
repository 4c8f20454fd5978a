import { openRedis } from './connection.js';

/**
 * Checks that a Redis answers and loses no job: before a long preparation of what is to be queued.
 * @param redis address: `redis://HOST:PORT`
 * @throws {DskdError} `dependency-missing`, `invalid-argument`, `queue-unavailable`
 */
export async function assertRedis(redis: string): Promise<void> {
  const { close } = await openRedis(redis);
  await close();
}
