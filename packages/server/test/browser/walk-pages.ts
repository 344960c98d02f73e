import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { generateSync } from "otplib";
import type { BrowserContext, Page } from "playwright-core";

export interface Walk {
  /** Makes a browser of its own, with its own cookies. */
  readonly open: () => Promise<BrowserContext>;
  readonly url: string;
  /** The folder into which the server writes its mail. */
  readonly mails: string;
  /** The address of the new user. */
  readonly email: string;
  /** Is called at every page, and at every state of it that looks different. */
  readonly seen: (page: Page, name: string) => Promise<void>;
}

const PASSWORD = "nine grey geese fly";
const OTHER_PASSWORD = "seven quiet herons stand";

/** Takes the texts of the newest mail to an address, as soon as there is one with a match. */
async function inMail(folder: string, address: string, pattern: RegExp): Promise<string> {
  for (let tries = 0; tries < 200; tries += 1) {
    for (const name of readdirSync(folder).toSorted().toReversed()) {
      const text = readFileSync(join(folder, name), "utf8").replaceAll(/=\r?\n/g, "");
      if (!text.includes(`To: ${address}`)) continue;
      const found = pattern.exec(text.replaceAll("=3D", "="))?.[1];
      if (found !== undefined) return found;
    }
    await new Promise((done) => setTimeout(done, 50));
  }
  return assert.fail(`no mail to ${address} matches ${String(pattern)}`);
}

const heading = (page: Page, text: string | RegExp) =>
  page.getByRole("heading", { level: 1, name: text }).waitFor();
const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();

/** Walks the main paths of the account pages in English, in the order of a new user. */
export async function walkPages(walk: Walk): Promise<void> {
  const { open, url, mails, email, seen } = walk;
  const context = await open();
  const page = await context.newPage();

  await page.goto(`${url}/account`);
  await heading(page, /^Sign in to/);
  await seen(page, "sign-in");
  await press(page, "Sign in");
  await page.getByText("Please fill this in.").first().waitFor();
  assert.equal(await page.evaluate("document.activeElement.name"), "identifier");
  await seen(page, "sign-in-empty");

  await page.getByRole("link", { name: "Register" }).click();
  await heading(page, /^Register at/);
  await page.fill("[name=email]", email);
  await page.fill("[name=password]", "password");
  await press(page, "Register");
  await page.getByText("Many people use this password").waitFor();
  assert.equal(await page.evaluate("document.activeElement.name"), "password");
  await seen(page, "register");
  await page.fill("[name=password]", PASSWORD);
  await press(page, "Register");
  await heading(page, "Confirm your e-mail address");
  await seen(page, "register-code");
  await page.fill("[name=code]", await inMail(mails, email, /^ {4}(\d{8})\r?$/m));
  await press(page, "Confirm");
  await page.getByText("Your account is ready").waitFor();

  await page.fill("[name=identifier]", email);
  await page.fill("[name=password]", "a wrong password");
  await press(page, "Sign in");
  await page.getByText("The name or the password is wrong.").waitFor();
  await seen(page, "sign-in-refused");
  await page.fill("[name=password]", PASSWORD);
  await press(page, "Sign in");
  await heading(page, "Profile");
  await page.getByText(email).waitFor();
  await seen(page, "profile");

  await profile(page, seen);
  const codes = await security(page, seen);
  await devices(walk, page, codes[0] ?? assert.fail());

  await page.getByRole("link", { name: "Activity" }).click();
  await page.getByText("Password changed").first().waitFor();
  await seen(page, "activity");

  await page.getByRole("link", { name: "Your data" }).click();
  await heading(page, "Your data");
  await seen(page, "data");
  const saving = page.waitForEvent("download");
  await press(page, "Download");
  const saved = await (await saving).path();
  assert.ok(readFileSync(saved, "utf8").includes(email));
  await press(page, "Delete the account");
  await page.getByRole("dialog").waitFor();
  await seen(page, "delete");
  await page.fill("[name=password]", OTHER_PASSWORD);
  await page.getByLabel("I understand").check();
  await page.getByRole("dialog").getByRole("button", { name: "Delete the account" }).click();
  await page.getByText("Your account has been deleted.").waitFor();
  await seen(page, "deleted");

  await links(page, url, seen);
  await context.close();
}

async function profile(page: Page, seen: Walk["seen"]): Promise<void> {
  await press(page, "Change the username");
  await page.getByRole("dialog").waitFor();
  await page.fill("[name=username]", "anna.berg");
  await page.fill("[name=password]", PASSWORD);
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByText("Your username has been changed.").waitFor();

  await press(page, "Change the e-mail address");
  await page.getByRole("dialog").waitFor();
  await seen(page, "change-email");
  await page.keyboard.press("Escape");

  await press(page, "Change the password");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await page.fill("[name=password]", "not the password");
  await page.fill("[name=newPassword]", OTHER_PASSWORD);
  await dialog.getByRole("button", { name: "Change the password" }).click();
  await page.getByText("This is not the right password.").waitFor();
  await seen(page, "change-password-refused");
  await page.fill("[name=password]", PASSWORD);
  await dialog.getByRole("button", { name: "Change the password" }).click();
  await page.getByText("Your password has been changed.").waitFor();
  await seen(page, "password-changed");
}

/** Sets up an app. Returns the recovery codes that come with it. */
async function security(page: Page, seen: Walk["seen"]): Promise<readonly string[]> {
  await page.getByRole("link", { name: "Security" }).click();
  await page.getByText("You have no passkeys yet.").waitFor();
  await seen(page, "security-empty");
  await press(page, "Add an app");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await page.getByAltText("QR code for your authenticator app").waitFor();
  await seen(page, "add-app");
  const secret = (await page.locator(".secret").textContent()) ?? "";
  await page.fill("[name=code]", "12");
  await press(page, "Confirm");
  await page.getByText("The code has 6 digits.").waitFor();
  await page.fill("[name=code]", generateSync({ secret: secret.replaceAll(" ", "") }));
  await press(page, "Confirm");
  await dialog.getByText("Keep these codes").waitFor();
  await seen(page, "recovery-codes");
  const codes = await page.locator(".codes code").allTextContents();
  assert.equal(codes.length, 10);
  await press(page, "I have kept them");
  await page.getByText("10 of 10 left").waitFor();
  await seen(page, "security");
  return codes;
}

/** A second browser signs in with a recovery code, and the first one logs it out. */
async function devices({ open, url, email, seen }: Walk, page: Page, code: string): Promise<void> {
  const second = await open();
  const other = await second.newPage();
  await other.goto(`${url}/account/sign-in`);
  await other.fill("[name=identifier]", email);
  await other.fill("[name=password]", OTHER_PASSWORD);
  await press(other, "Sign in");
  await heading(other, "One more step");
  await seen(other, "second-step");
  await proveWith(other, code);
  await heading(other, "Profile");

  await page.getByRole("link", { name: "Devices" }).click();
  await page.getByText("You are signed in on these devices.").waitFor();
  await seen(page, "devices");
  await page.getByRole("button", { name: /^Log out .* on / }).click();
  await page.getByText("The device is logged out.").waitFor();
  await heading(other, "You are signed out");
  await other.getByText("You logged this device out from another device.").waitFor();
  await seen(other, "signed-out");
  await second.close();
}

/** Answers a second step, or a step-up, with a recovery code. */
async function proveWith(page: Page, code: string): Promise<void> {
  await press(page, "Recovery code");
  await page.fill("[name=code]", code);
  await press(page, "Continue");
}

/** A page whose link is incomplete, foreign or used says so, and offers the way on. */
async function links(page: Page, url: string, seen: Walk["seen"]): Promise<void> {
  await page.goto(`${url}/confirm`);
  await page.getByText("The link is incomplete.").waitFor();
  await seen(page, "link-incomplete");
  const sent: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/v1/")) sent.push(request.url());
  });
  await page.goto(`${url}/reset#not-one-of-ours`);
  await heading(page, "Set a new password");
  await page.waitForLoadState("networkidle");
  assert.deepEqual(sent, [], "opening the page of a link asks the server nothing");
  assert.equal(new URL(page.url()).hash, "", "the token leaves the address");
  await seen(page, "link-reset");
  await page.fill("[name=newPassword]", PASSWORD);
  await press(page, "Set password");
  await page.getByText("The link is incomplete or not one of ours.").waitFor();
  await page.getByRole("link", { name: "Forgotten your password?" }).click();
  await heading(page, "Forgotten password");
  await seen(page, "forgotten");
  await page.fill("[name=email]", "anna@example.com");
  await press(page, "Mail me a code");
  await heading(page, "Set a new password");
  await seen(page, "forgotten-code");
  await page.goto(`${url}/account/nothing-here`);
  await heading(page, /Sign in|There is no such page/);
}
