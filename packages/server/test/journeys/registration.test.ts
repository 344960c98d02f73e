import assert from "node:assert/strict";
import {
  attempt,
  codeIn,
  confirm,
  latestMail,
  linkIn,
  otherCode,
  register,
  tokenIn,
} from "../steps.ts";
import { confirmByLink, resend, stateOf } from "../registration.ts";
import { eachWorld, publicUrl } from "../world.ts";

const ANNA = "anna@example.com";
const PASSWORD = "nine grey geese fly";

eachWorld(
  "somebody registers on one device and confirms on another by link; the first one signs in",
  async (world) => {
    // The app on her computer says that a mail is under way, and asks now and then whether it was
    // answered.
    const { body: pending } = await register(world, ANNA, { password: PASSWORD, locale: "de" });
    assert.equal(await stateOf(world, pending), "pending");
    assert.equal((await attempt(world, ANNA, PASSWORD)).status, 401);

    // She opens the mail on her telephone; the link shows a page and changes nothing yet.
    const mail = await latestMail(world, ANNA);
    const link = new URL(linkIn(mail, "/confirm"));
    assert.equal(link.origin, publicUrl);
    const page = await world.request<string>("GET", link.pathname, {
      headers: { "accept-language": "de-DE" },
      address: "203.0.113.9",
    });
    assert.match(page.body, /E-Mail-Adresse bestätigen/);
    assert.equal(await stateOf(world, pending), "pending");

    // A slip of the finger, then the password she chose.
    const phone = { address: "203.0.113.9" };
    assert.equal(
      (await confirmByLink(world, link.hash.slice(1), "nine gray geese fly", phone)).body.code,
      "wrong_password",
    );
    assert.equal((await confirmByLink(world, link.hash.slice(1), PASSWORD, phone)).status, 201);

    // The telephone has no session; the computer learns of it and signs in.
    assert.equal(await stateOf(world, pending), "confirmed");
    assert.equal((await attempt(world, ANNA, PASSWORD)).status, 201);
    assert.equal((await confirmByLink(world, link.hash.slice(1), PASSWORD)).body.code, "link_used");
    assert.equal((await confirm(world, pending, codeIn(mail))).body.code, "code_used");
  },
);

eachWorld("somebody is slow, asks for another mail and types its code", async (world) => {
  const { body: pending } = await register(world, ANNA, { password: PASSWORD });
  const first = await latestMail(world, ANNA);
  world.clock.advance(660);
  assert.equal((await confirm(world, pending, codeIn(first))).body.code, "code_expired");
  assert.equal((await resend(world, pending)).status, 202);
  const second = await latestMail(world, ANNA);
  assert.equal(
    (await confirm(world, pending, otherCode(codeIn(second)))).body.code,
    "invalid_code",
  );
  assert.equal(
    (await confirmByLink(world, tokenIn(first), PASSWORD)).body.code,
    "link_void",
    "the older mail is of no use",
  );
  const account = await confirm(world, pending, codeIn(second));
  assert.deepEqual([account.status, account.body.email], [201, ANNA]);
  assert.equal((await attempt(world, ANNA, PASSWORD)).status, 201);
});
