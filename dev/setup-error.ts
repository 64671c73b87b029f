/** Something outside the program keeps it from starting; the message is one line that says what to do next. */
export class SetupError extends Error {
  override readonly name = "SetupError";
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
