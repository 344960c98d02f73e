import type { Db } from "../db/open.ts";

/** A second factor, as the sign-in pipeline sees it. Implemented below, handed down by compose.ts. */
export interface Factor {
  readonly name: string;
  isEnrolled(db: Db, userId: string): Promise<boolean>;
}
