/**
 * Says what is wrong with the place that Portcullis was started in, and what to do about it. It is
 * printed as it is, without a stack.
 */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StartError";
  }
}

export function nodeComplaints(version: string): readonly (string | false)[] {
  return [
    parts(version).major < 24 &&
      `Node.js ${version} is too old: Portcullis needs Node.js 24 or later.`,
  ];
}

/** The parts of a version such as 24.1.0. */
export function parts(version: string): {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
} {
  const [major = 0, minor = 0, patch = 0] = version
    .split(".")
    .map((part) => Number.parseInt(part, 10));
  return { major, minor, patch };
}

/** @throws {StartError} if there are complaints */
export function refuseIf(complaints: readonly (string | false)[]): void {
  const sentences = complaints.filter((complaint) => complaint !== false);
  if (sentences.length > 0) throw new StartError(sentences.join("\n"));
}
