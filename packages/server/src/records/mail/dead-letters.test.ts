import { transact } from "../../platform/db/transact.ts";
import type { endpoints } from "@portcullis/contract";
import assert from "node:assert/strict";
import { eventsOf, par, statuses } from "../../../test/steps.ts";
import { eachWorld, type AnswerOf, type Refused, type World } from "../../../test/world.ts";
import { enqueueMail, type Mail } from "./mail.ts";

type Listed = AnswerOf<typeof endpoints.adminListMails>;

async function superuserToken(world: World): Promise<string> {
  return (await world.signIn(await world.user({ superuser: true }))).accessToken;
}

async function queue(
  world: World,
  more: Partial<Pick<Mail, "expiresAt">> & { readonly recipient?: string } = {},
): Promise<void> {
  const mail = {
    recipient: "anna@example.com",
    locale: null,
    template: "already_registered",
    data: {},
    ...more,
  } as const;
  await transact(world.rules, async (tx) => enqueueMail(tx, world.rules, mail));
}

/** Does what the sender does once it has tried for long enough. */
async function giveUp(world: World): Promise<void> {
  await world.rules.db
    .updateTable("outbox")
    .set({ failed_at: world.clock.now(), attempts: 10, last_error: "450 4.2.0" })
    .where("sent_at", "is", null)
    .execute();
}

async function listed(world: World, token: string, query = ""): Promise<Listed> {
  const answered = await world.request<Listed & Refused>("GET", `/v1/admin/mails${query}`, {
    token,
  });
  assert.equal(answered.status, 200, answered.text);
  return answered.body;
}

async function again(world: World, token: string, id: string | undefined) {
  return world.request("POST", `/v1/admin/mails/${id}/send-again`, { token });
}

eachWorld("an operator sees what was given up and why, and sends it again", async (world) => {
  const operator = await world.user({ superuser: true });
  const { accessToken: token } = await world.signIn(operator);
  await queue(world);
  await giveUp(world);
  assert.deepEqual(await world.mails(), []);

  const [mail, ...others] = (await listed(world, token, "?state=failed")).items;
  assert.ok(mail !== undefined && others.length === 0);
  const now = world.clock.now();
  assert.deepEqual(mail, {
    id: mail.id,
    recipient: "anna@example.com",
    template: "already_registered",
    state: "failed",
    attempts: 10,
    createdAt: now,
    nextAttemptAt: null,
    sentAt: null,
    failedAt: now,
    lastError: "450 4.2.0",
  });

  assert.equal((await again(world, token, mail.id)).status, 202);
  assert.deepEqual((await listed(world, token, "?state=failed")).items, []);
  assert.deepEqual(
    (await listed(world, token, "?state=queued")).items.map(
      ({ id, attempts, lastError, nextAttemptAt }) => [id, attempts, lastError, nextAttemptAt],
    ),
    [[mail.id, 0, null, now]],
  );
  assert.deepEqual(
    (await world.mails()).map(({ to }) => to),
    ["anna@example.com"],
  );
  assert.deepEqual(
    (await listed(world, token)).items.map(({ state }) => state),
    ["sent"],
  );
  const requeued = await world.rules.db
    .selectFrom("audit_events")
    .selectAll()
    .where("event", "=", "mail.requeued")
    .execute();
  assert.deepEqual(
    requeued.map((event) => [event.actor_kind, event.actor_id, JSON.parse(event.details)]),
    [["superuser", operator.id, { mailId: mail.id }]],
  );
});

eachWorld("if twenty callers send the same mail again at once, one succeeds", async (world) => {
  const token = await superuserToken(world);
  await queue(world);
  await giveUp(world);
  const [mail] = (await listed(world, token)).items;
  assert.deepEqual(statuses(await par(20, async () => again(world, token, mail?.id))), {
    202: 1,
    404: 19,
  });
  assert.equal((await eventsOf(world)).filter((event) => event === "mail.requeued").length, 1);
  assert.equal((await world.mails()).length, 1);
});

eachWorld(
  "a mail whose content has expired is not sent again: its user must ask anew",
  async (world) => {
    const token = await superuserToken(world);
    await queue(world, { expiresAt: world.clock.now() + 600 });
    await giveUp(world);
    const [mail] = (await listed(world, token)).items;
    world.clock.advance(600);
    const { accessToken } = await world.signIn(await world.user({ superuser: true }));
    const refused = await again(world, accessToken, mail?.id);
    assert.deepEqual([refused.status, refused.body.code], [409, "mail_expired"]);
    assert.ok(!(await eventsOf(world)).includes("mail.requeued"));
  },
);

eachWorld(
  "a mail that waits, was sent or does not exist cannot be sent again, and strangers' pages show none of it",
  async (world) => {
    const token = await superuserToken(world);
    await queue(world);
    const [waiting] = (await listed(world, token)).items;
    assert.equal((await again(world, token, waiting?.id)).body.code, "not_found");
    await world.mails();
    assert.equal((await again(world, token, waiting?.id)).body.code, "not_found");
    assert.equal(
      (await again(world, token, "0190a0a0-0000-7000-8000-000000000000")).body.code,
      "not_found",
    );
    await transact(world.rules, async (tx) => enqueueMail(tx, world.rules, "nothing"));
    assert.equal((await listed(world, token)).items.length, 1);
  },
);

eachWorld("AD-08: mails are listed newest first, page by page, each once", async (world) => {
  const token = await superuserToken(world);
  for (let n = 0; n < 7; n += 1) {
    await queue(world, { recipient: `user${n}@example.com` });
    world.clock.advance(1);
  }
  const seen: string[] = [];
  let page = await listed(world, token, "?limit=3");
  seen.push(...page.items.map(({ recipient }) => recipient));
  await queue(world, { recipient: "later@example.com" });
  while (page.nextCursor !== null) {
    page = await listed(world, token, `?limit=3&cursor=${page.nextCursor}`);
    seen.push(...page.items.map(({ recipient }) => recipient));
  }
  assert.deepEqual(
    seen,
    [6, 5, 4, 3, 2, 1, 0].map((n) => `user${n}@example.com`),
  );
});
