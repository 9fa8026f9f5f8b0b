/** How long a server asks us to wait (RFC 9110, 10.2.3): seconds or a date. */

/** Longer waits would look like a stuck import; asking again then costs one request. */
const waitMsMax = 300_000;

export function retryAfterMs(
  text: string | undefined,
  nowMs: number = Date.now(),
): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined;
  const ms = seconds === undefined ? Date.parse(text) - nowMs : seconds * 1_000;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), waitMsMax);
}
