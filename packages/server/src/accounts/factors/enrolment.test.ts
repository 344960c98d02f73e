import assert from "node:assert/strict";
import { countRows } from "../../../test/steps.ts";
import { eachWorld } from "../../../test/world.ts";
import { operator } from "../../records/audit/origin.ts";
import { endAllSessions } from "../sessions/revoke.ts";
import { findUser } from "../users/users.store.ts";

eachWorld(
  "PK-08 no factor is begun for an account that has changed since it was checked",
  async (world) => {
    const { rules } = world;
    const { id } = await world.user();
    const checked = (await findUser(rules.db, id)) ?? assert.fail();
    const begin = async () => {
      const kinds: Record<string, string> = {};
      for (const { name, enrolment } of rules.factors)
        if (enrolment !== undefined) {
          const flow = {
            kind: "enrolment",
            id: `0190a0a0-0000-7000-8000-${id.slice(-12)}`,
          } as const;
          const origin = { ...operator, address: "192.0.2.1", userAgent: "" };
          kinds[name] = (await enrolment.begin({ flow, user: checked, origin })).kind;
        }
      return kinds;
    };
    await endAllSessions(rules, id, "admin", operator);
    assert.deepEqual(await begin(), {
      totp: "unavailable",
      passkey: "unavailable",
      email: "unavailable",
    });
    for (const table of ["totp_devices", "ceremonies", "email_codes", "outbox"] as const)
      assert.equal(await countRows(world, table), 0, table);
  },
  { PORTCULLIS_EMAIL_CODES: "on" },
);
