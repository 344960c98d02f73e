/**
 * Explains why an import cannot go on, in a sentence that tells the operator what to do. The
 * command line prints it without a stack.
 */
export class ImportError extends Error {
  constructor(sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = "ImportError";
  }
}
