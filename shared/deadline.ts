/** Something took longer than it may. Whether it happens yet is unknown. */
export class DeadlineExceeded extends Error {
  override readonly name = "DeadlineExceeded";
  constructor(what: string, deadline_ms: number) {
    super(`${what} took longer than ${Math.round(deadline_ms)} ms`);
  }
}

/** The promise's outcome, or DeadlineExceeded; a late failure of the promise is then nobody's. */
export async function withDeadline<T>(promise: Promise<T>, deadline_ms: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineExceeded(what, deadline_ms)), Math.max(0, deadline_ms));
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => undefined);
  }
}
