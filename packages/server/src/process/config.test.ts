import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError, describeConfig, readConfig, secretFile } from "./config.ts";
import { systemRandom } from "../platform/kernel/random.ts";
import { openKeyring } from "./master-secret.ts";

test("the default settings give a development server on the loopback address", () => {
  const config = readConfig({});
  assert.equal(config.mode, "development");
  assert.equal(config.host, "127.0.0.1");
  assert.equal(config.accessTtlSeconds, 600);
  assert.equal(config.databaseUrl, undefined);
});

test("durations, numbers and lists are read", () => {
  const config = readConfig({
    PORTCULLIS_ACCESS_TTL: "90s",
    PORTCULLIS_IDLE_TTL: "2h",
    PORTCULLIS_PORT: "0",
    PORTCULLIS_TRUSTED_PROXIES: "10.0.0.0/8, ::1",
  });
  assert.equal(config.accessTtlSeconds, 90);
  assert.equal(config.idleTtlSeconds, 7200);
  assert.equal(config.port, 0);
  assert.deepEqual(config.trustedProxies, ["10.0.0.0/8", "::1"]);
});

const refused: readonly [Record<string, string>, RegExp][] = [
  [{ PORTCULLIS_PROT: "1" }, /PORTCULLIS_PROT is not a setting/],
  [{ PORTCULLIS_PORT: "http" }, /PORTCULLIS_PORT must be a whole number/],
  [{ PORTCULLIS_PORT: "65536" }, /PORTCULLIS_PORT must be a whole number/],
  [{ PORTCULLIS_ACCESS_TTL: "2h" }, /PORTCULLIS_ACCESS_TTL must be a duration from 30s to 1h/],
  [{ PORTCULLIS_ACCESS_TTL: "soon" }, /PORTCULLIS_ACCESS_TTL must be a duration/],
  [{ PORTCULLIS_MODE: "prod" }, /PORTCULLIS_MODE must be development or production/],
  [{ PORTCULLIS_DATABASE_URL: "mysql://x" }, /PORTCULLIS_DATABASE_URL must begin with postgres/],
  [{ PORTCULLIS_FACES: "none,djoser" }, /PORTCULLIS_FACES may not list faces beside none/],
  [
    { PORTCULLIS_DJOSER_PREFIX: "/v1/auth" },
    /PORTCULLIS_DJOSER_PREFIX must be a path such as \/auth, outside \/v1/,
  ],
  [{ PORTCULLIS_MAIL: "sendmail" }, /PORTCULLIS_MAIL must be smtp/],
  [{ PORTCULLIS_MAIL_FROM: "nobody" }, /PORTCULLIS_MAIL_FROM must be one address, such as/],
  [
    { PORTCULLIS_MAIL_FROM: "a@example.com, b@example.com" },
    /PORTCULLIS_MAIL_FROM must be one address/,
  ],
  [
    { PORTCULLIS_MODE: "production", PORTCULLIS_MAIL: "dir:mail" },
    /PORTCULLIS_PUBLIC_URL must be set in production/,
  ],
  [
    { PORTCULLIS_MODE: "production", PORTCULLIS_PUBLIC_URL: "https://a.example.com" },
    /PORTCULLIS_MAIL must be set in production/,
  ],
  [
    {
      PORTCULLIS_MODE: "production",
      PORTCULLIS_PUBLIC_URL: "https://a.example.com",
      PORTCULLIS_MAIL: "mailbox:",
    },
    /PORTCULLIS_MAIL=mailbox: keeps mail in memory/,
  ],
  [
    {
      PORTCULLIS_MODE: "production",
      PORTCULLIS_PUBLIC_URL: "https://a.example.com",
      PORTCULLIS_MAIL: "smtp://h",
    },
    /PORTCULLIS_MAIL_FROM must be set/,
  ],
  [
    { PORTCULLIS_ACCESS_TTL: "10m", PORTCULLIS_IDLE_TTL: "5m" },
    /PORTCULLIS_ACCESS_TTL must not be longer/,
  ],
  [
    { PORTCULLIS_MFA_POLICY: "everybody" },
    /PORTCULLIS_MFA_POLICY must be off or optional or superusers or required/,
  ],
  [
    { PORTCULLIS_MFA_GRACE_UNTIL: "2027-02-31" },
    /PORTCULLIS_MFA_GRACE_UNTIL must be a moment such as 2027-01-31/,
  ],
  [
    { PORTCULLIS_REMEMBER_DEVICE: "31d" },
    /PORTCULLIS_REMEMBER_DEVICE must be off or a duration from 1h to 30d/,
  ],
  [
    { PORTCULLIS_PASSKEY_DOMAIN: "192.168.0.1" },
    /PORTCULLIS_PASSKEY_DOMAIN must be a domain .*no IP address/,
  ],
  [
    { PORTCULLIS_PASSKEY_DOMAIN: "com" },
    /PORTCULLIS_PASSKEY_DOMAIN must be a domain .*no top level/,
  ],
  [
    { PORTCULLIS_ALLOWED_ORIGINS: "https://app.example.com/x" },
    /PORTCULLIS_ALLOWED_ORIGINS must be origins such as/,
  ],
  [
    { PORTCULLIS_PASSKEY_ORIGINS: "https://*.example.com" },
    /PORTCULLIS_PASSKEY_ORIGINS must be origins such as/,
  ],
  [
    { PORTCULLIS_PASSKEY_ORIGINS: "app.example.com" },
    /PORTCULLIS_PASSKEY_ORIGINS must be origins such as https/,
  ],
  [
    { PORTCULLIS_PASSKEY_ORIGINS: "https://app.example.com/" },
    /PORTCULLIS_PASSKEY_ORIGINS must be origins such as https/,
  ],
  [
    {
      PORTCULLIS_PASSKEY_DOMAIN: "example.com",
      PORTCULLIS_PASSKEY_ORIGINS: "https://notexample.com",
    },
    /PORTCULLIS_PASSKEY_ORIGINS must be at PORTCULLIS_PASSKEY_DOMAIN or below it/,
  ],
  [{ PORTCULLIS_PUBLIC_URL: "accounts" }, /PORTCULLIS_PUBLIC_URL must be an address/],
  [
    { PORTCULLIS_IDLE_TTL: "9d", PORTCULLIS_SESSION_TTL: "1d" },
    /PORTCULLIS_IDLE_TTL must not be longer/,
  ],
];
for (const [environment, sentence] of refused) {
  test(`${JSON.stringify(environment)} is refused in a sentence`, () => {
    assert.throws(
      () => readConfig(environment),
      (error) => error instanceof ConfigError && sentence.test(error.message),
    );
  });
}

test("a file gives settings that the environment does not, and unknown names in it are refused", () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-config-"));
  try {
    const file = join(folder, "portcullis.json");
    writeFileSync(
      file,
      JSON.stringify({ port: 9000, host: "::1", allowedOrigins: ["https://app.example.com"] }),
    );
    const config = readConfig({ PORTCULLIS_HOST: "0.0.0.0" }, file);
    assert.deepEqual(
      [config.port, config.host, config.allowedOrigins],
      [9000, "0.0.0.0", ["https://app.example.com"]],
    );
    writeFileSync(file, JSON.stringify({ prot: 1 }));
    assert.throws(() => readConfig({}, file), /"prot" in .* is not a setting/);
    writeFileSync(file, "{");
    assert.throws(() => readConfig({}, file), /is not JSON/);
    assert.throws(() => readConfig({}, join(folder, "absent.json")), /does not exist/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("secrets are masked wherever the configuration is shown", () => {
  const config = readConfig({
    PORTCULLIS_SECRET: "canary-secret",
    PORTCULLIS_DATABASE_URL: "postgres://u:canary-password@h/d",
    PORTCULLIS_MAIL: "smtp://u:canary-mail@h",
    PORTCULLIS_METRICS_TOKEN: "canary-metrics-token",
    PORTCULLIS_PREVIOUS_SECRETS: "canary-old,canary-older",
  });
  assert.doesNotMatch(JSON.stringify(describeConfig(config)), /canary/);
  assert.doesNotMatch(JSON.stringify(config), /canary/);
});

test("KY-01 short, repeating and well-known master secrets are refused", () => {
  const bad = [
    "short",
    "a".repeat(64),
    "changemechangemechangemechangeme",
    "0123456701234567012345670123456701234567",
  ];
  for (const secret of bad)
    assert.throws(
      () => openKeyring(readConfig({ PORTCULLIS_SECRET: secret }), systemRandom),
      ConfigError,
      secret,
    );
  const withoutSecret = {
    PORTCULLIS_DATABASE_URL: "postgres://localhost/p",
    PORTCULLIS_DATA_DIR: join(tmpdir(), "portcullis-no-such-folder"),
  };
  assert.throws(
    () => openKeyring(readConfig(withoutSecret), systemRandom),
    /PORTCULLIS_SECRET must be set/,
  );
});

test("the secret of an embedded database is made once and readable by its owner only", () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-secret-"));
  try {
    const config = readConfig({ PORTCULLIS_DATA_DIR: join(folder, "data") });
    const first = openKeyring(config, systemRandom);
    const second = openKeyring(config, systemRandom);
    assert.ok(second.verifyMac("cursor", "x", first.mac("cursor", "x")));
    assert.equal(statSync(secretFile(config)).mode & 0o777, 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
