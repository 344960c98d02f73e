import type { Db } from "../src/platform/db/open.ts";
import { uuidv4 } from "../src/platform/kernel/ids.ts";
import { systemRandom } from "../src/platform/kernel/random.ts";

/** Rows of second factors for tests of what happens to them. They do not work for a sign-in. */
export const rowsOf = {
  totp: async (db: Db, user_id: string, confirmed_at: number | null = 1) => {
    const id = newId();
    const secret = {
      secret_sealed: Buffer.from("sealed"),
      digits: 6,
      period_seconds: 30,
      last_step: 0,
    };
    await db
      .insertInto("totp_devices")
      .values({ id, user_id, name: "Phone", flow_id: "", ...secret, created_at: 1, confirmed_at })
      .execute();
    return id;
  },
  passkey: async (db: Db, user_id: string) => {
    const id = newId();
    const key = {
      credential_id: id,
      public_key: Buffer.from("key"),
      sign_count: 0,
      transports: "[]",
      kind: "single_device",
    } as const;
    const past = {
      backed_up_at: null,
      verified_at: 1,
      suspect_since: null,
      aaguid: "",
      created_at: 1,
      last_used_at: null,
    };
    await db
      .insertInto("passkeys")
      .values({ id, user_id, name: "Key", ...key, ...past })
      .execute();
    return id;
  },
  email: async (db: Db, user_id: string) => {
    await db.insertInto("email_factors").values({ user_id, created_at: 1 }).execute();
  },
  recoveryCode: async (db: Db, user_id: string, used_at: number | null = null) => {
    const code = { id: newId(), user_id, code_sealed: Buffer.from("sealed") };
    await db
      .insertInto("recovery_codes")
      .values({ ...code, created_at: 1, used_at })
      .execute();
  },
  /** Adds enrolments that were begun and not finished. */
  begun: async (db: Db, user_id: string) => {
    const [flow_id, expires_at] = [newId(), 9_999_999_999];
    const mailed = {
      code_mac: "mac",
      tries_left: 5,
      email_canonical: "a@example.com",
      created_at: 1,
      expires_at,
      used_at: null,
    };
    await db
      .insertInto("email_codes")
      .values({ flow_id, user_id, ...mailed })
      .execute();
    const ceremony = {
      kind: "registration",
      challenge: "c",
      flow_id,
      standing: "s",
      created_at: 1,
      expires_at,
    } as const;
    await db
      .insertInto("ceremonies")
      .values({ id: newId(), user_id, ...ceremony })
      .execute();
    await rowsOf.totp(db, user_id, null);
  },
  device: async (db: Db, user_id: string) => {
    const id = newId();
    const seen = {
      address: "192.0.2.1",
      user_agent: "",
      created_at: 1,
      last_used_at: 1,
      expires_at: 9_999_999_999,
    };
    await db
      .insertInto("remembered_devices")
      .values({ id, user_id, password_changed_at: null, ...seen })
      .execute();
    return id;
  },
};

function newId(): string {
  return uuidv4(systemRandom);
}
