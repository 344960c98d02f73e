import { AxeBuilder } from "@axe-core/playwright";
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { BrowserContext, Page } from "playwright-core";
import { readBuiltPages } from "../../src/interfaces/pages/built-pages.ts";
import { findChromium, launch } from "./chromium.ts";
import { buildPages, servePages } from "./pages-server.ts";
import { size } from "../../../../tools/size.ts";
import { walkPages } from "./walk-pages.ts";

const found = await findChromium();
const skip = found.kind === "absent" && found.reason;
await buildPages();
const browser = found.kind === "found" ? await launch(found.path) : undefined;
const server = found.kind === "found" ? await servePages() : undefined;
const immediate =
  found.kind === "found" ? await servePages({ PORTCULLIS_REGISTRATION: "immediate" }) : undefined;
after(async () => {
  await browser?.close();
  await server?.stop();
  await immediate?.stop();
});

/** The greatest size of everything that the first page loads, compressed. */
const FIRST_LOAD_BYTES = 150_000;
/** The script and the words of one language, which it loads. */
const LANGUAGES = /^(?:en|de)-/;

test("the first page loads at most 150 kB, compressed", () => {
  const { script, styles, assets } = readBuiltPages() ?? assert.fail("the pages are not built");
  const sizeOf = (name: string): number =>
    gzipSync(assets.get(name)?.body ?? assert.fail(`${name} is missing`), { level: 9 }).length;
  const words = [...assets.keys()].filter((name) => LANGUAGES.test(name)).map(sizeOf);
  assert.equal(words.length, 2);
  const first = [script, ...styles].map((path) => sizeOf(path.replace("assets/", "")));
  const total = first.reduce((sum, bytes) => sum + bytes, Math.max(...words));
  assert.ok(total <= FIRST_LOAD_BYTES, `${total} bytes`);
});

/** Opens a browser that notes what a page must not do. */
async function open(faults: string[], options: object = {}): Promise<BrowserContext> {
  const context = await (browser ?? assert.fail()).newContext({ locale: "en-US", ...options });
  context.on("page", (page) => {
    page.on("pageerror", (error) => faults.push(`${page.url()}: ${error.message}`));
    page.on("console", (message) => {
      if (/Content.Security.Policy|violates/i.test(message.text())) faults.push(message.text());
    });
    page.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol.startsWith("http") && origin !== server?.url)
        faults.push(`request to ${request.url()}`);
    });
  });
  return context;
}

/** Axe takes most of the time of a walk. The small size leaves it out, and the dark colours. */
const isThorough = size({ small: false, full: true });

async function complaintsOfAxe(page: Page): Promise<readonly string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

for (const scheme of ["light", "dark"] as const)
  test(
    `in a browser: a new user walks through all account pages, in ${scheme} colours, and axe finds nothing serious`,
    { skip: skip || (scheme === "dark" && !isThorough) },
    async () => {
      const faults: string[] = [];
      const pages = new Set<string>();
      await walkPages({
        ...(server ?? assert.fail()),
        email: `${scheme}@example.com`,
        open: async () => open(faults, { colorScheme: scheme }),
        seen: async (page, name) => {
          pages.add(name);
          const complaints = isThorough ? await complaintsOfAxe(page) : [];
          faults.push(...complaints.map((complaint) => `${name}: ${complaint}`));
        },
      });
      assert.deepEqual(faults, []);
      assert.ok(pages.size >= 24, [...pages].join(", "));
    },
  );

test(
  "in a browser: with a virtual authenticator a passkey is added, signs in, and is removed",
  { skip },
  async () => {
    const faults: string[] = [];
    const context = await open(faults);
    const page = await context.newPage();
    const devTools = await context.newCDPSession(page);
    await devTools.send("WebAuthn.enable");
    await devTools.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    const { url } = immediate ?? assert.fail();
    const button = (name: string) => page.getByRole("button", { name, exact: true });
    await page.goto(`${url}/account/register`);
    await page.fill("[name=email]", "kim@example.com");
    await page.fill("[name=password]", "nine grey geese fly");
    await button("Register").click();
    await page.getByText("Your account is ready").waitFor();
    await page.fill("[name=identifier]", "kim@example.com");
    await page.fill("[name=password]", "nine grey geese fly");
    await button("Sign in").click();
    await page.getByRole("link", { name: "Security" }).click();
    await button("Add a passkey").click();
    await button("I have kept them").click();
    await page.getByText("The passkey has been added.").waitFor();
    await button("Log out").click();
    await page.getByRole("heading", { name: /^Sign in to/ }).waitFor();
    // The browser offers the passkey while the name is typed, or the button asks for it.
    if (await button("Sign in with a passkey").isVisible())
      await button("Sign in with a passkey")
        .click({ timeout: 5000 })
        .catch(() => undefined);
    await page.getByRole("heading", { name: "Profile" }).waitFor();
    await page.getByRole("link", { name: "Security" }).click();
    await page.getByRole("button", { name: /^Remove: / }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByText("The passkey has been removed.").waitFor();
    assert.deepEqual(
      faults.filter((fault) => !fault.startsWith("request to")),
      [],
    );
    await context.close();
  },
);

test(
  "in a browser: without JavaScript, storage or passkeys, a page says so in a sentence",
  { skip },
  async () => {
    const { url } = server ?? assert.fail();
    for (const [path, sentence] of [
      ["/account", /This page needs JavaScript\. Turn it on/],
      ["/reset#token", /Without it, type the code from the mail/],
    ] as const) {
      const context = await open([], { javaScriptEnabled: false });
      const page = await context.newPage();
      await page.goto(url + path);
      await page.locator("noscript p").waitFor();
      assert.match(await page.locator("noscript p").innerText(), sentence);
      await context.close();
    }
    const shown = async (path: string, text: string, script = "") => {
      const context = await open([]);
      await context.addInitScript(script);
      const page = await context.newPage();
      await page.goto(url + path);
      await page.getByText(text).waitFor();
      const isOffered = await page.getByRole("button", { name: "Sign in with a passkey" }).count();
      await context.close();
      return isOffered;
    };
    await shown(
      "/account/sign-in",
      "Your browser blocks cookies and storage",
      `Object.defineProperty(window, "localStorage", { get() { throw new DOMException("", "SecurityError"); } });`,
    );
    const withoutPasskeys = "delete window.PublicKeyCredential;";
    const offers = await shown("/account/sign-in", "Keep me signed in", withoutPasskeys);
    assert.equal(offers, 0, "no button that cannot work");
    assert.equal(await shown("/account/sign-in", "Keep me signed in"), 1);
  },
);

test(
  "in a browser: an address to return to that is not listed is refused in a sentence",
  { skip },
  async () => {
    const { url } = server ?? assert.fail();
    const context = await open([]);
    const page = await context.newPage();
    await page.goto(`${url}/account/sign-in?return_to=https://evil.example/`);
    await page.getByText("The address to return to is not one of this service").waitFor();
    await context.close();
  },
);

test("in a browser: a reader of German gets German pages", { skip }, async () => {
  const { url } = server ?? assert.fail();
  const context = await open([], { locale: "de-AT" });
  const page = await context.newPage();
  await page.goto(`${url}/account/forgotten`);
  await page.getByRole("heading", { name: "Passwort vergessen" }).waitFor();
  assert.equal(await page.evaluate("document.documentElement.lang"), "de");
  assert.equal(await page.title(), "Passwort vergessen · Portcullis");
  await context.close();
});
