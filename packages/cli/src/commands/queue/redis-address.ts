/** The address with the password of the environment, in which it is not shown by a list of processes. */
export function redisAddress(on: string): string {
  const password = process.env.DSKD_REDIS_PASSWORD;
  if (password === undefined || !URL.canParse(on)) return on;
  const url = new URL(on);
  url.password = encodeURIComponent(password);
  return url.href;
}
