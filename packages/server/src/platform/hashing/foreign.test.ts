import assert from "node:assert/strict";
import fc from "fast-check";
import { after, test } from "node:test";
import { systemClock } from "../kernel/clock.ts";
import { silentLog } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import { isKnownHash, readForeignHash } from "./foreign.ts";
import { createHasher } from "./pool.ts";

const warned: string[] = [];
const hasher = createHasher({
  log: { ...silentLog, warn: (event) => warned.push(event) },
  clock: systemClock,
  random: systemRandom,
  concurrency: 2,
  queueLimit: 1000,
  waitMilliseconds: 60_000,
  params: { memoryCost: 64, timeCost: 1, parallelism: 1 },
});
after(async () => hasher.close());

/**
 * Normalised as ours are, which is the wrong password for a foreign hash wherever it makes a
 * difference.
 */
const opens = async (hash: string, password: string): Promise<boolean> => {
  const outcome = await hasher.verify(hash, {
    normalized: password.normalize("NFKC"),
    asTyped: password,
  });
  assert.notEqual(outcome.kind, "busy");
  return outcome.kind === "matched";
};

const PASSWORD = "seven quiet herons";
const PBKDF2 = "pbkdf2_sha256$10000$oldsaltoldsalt$C2Lewzdy0GbOVqERZpwzRFfQW0z9UUE39OPYo5xmvjk=";
const SCRYPT =
  "scrypt$1024$oldsaltoldsalt$8$1$Rvp8H7/tFGAdas5ILyBGTT8jhnhHTEA82IINbp3i3Uk1wiV6ZFhQeWNsW5gxzkh5MERS2YTKzPdsYYyN+Sdelw==";
const BCRYPT = "bcrypt$$2b$04$65iDHNUbx0lu0nmBeoVX.eTlDFWUGElihx3Y2F3mOzv.ECOgXUgJS";
const BCRYPT_SHA256 = "bcrypt_sha256$$2b$04$BYpR5V02i4DUQ8n5501ptewFfIH3O0ZLhsbVcCvYQOWg.DLBgsJTa";
const ARGON2 =
  "argon2$argon2id$v=19$m=102400,t=2,p=8$NjA0N05tU2NoR0pyVjg1QWp2OUxocw$UDSPrHE4/6dMD2C1eOWW3LQqiC1Jj+jg/y3OUgtyaJw";
const CHEAP = ARGON2.replace("m=102400", "m=64");

/** Hashes of `PASSWORD`. */
const written: Readonly<Record<string, readonly string[]>> = {
  // make_password with the hashers as they come, bcrypt 5.0.0, argon2-cffi 25.1.0.
  "Django 5.2.17": [
    "pbkdf2_sha256$1000000$GKoTtIbJGalLDE3ml51Mxy$jDZr2hl27Bp1cNm/jTff3O5BC1sfUu2+VBh9u+s5fgo=",
    "pbkdf2_sha1$1000000$wCSqZjYFdudowU6yfHL0XJ$58Inoa9trmuyc2R23010Hv2TCK4=",
    ARGON2,
    "bcrypt_sha256$$2b$12$WgImtFBNB4Y65r0HGW2uourDm5BLgtJwdFALNGL8Az.oNcf9juEkG",
    "bcrypt$$2b$12$GiZI.ZPtk0VF3bICUdecS.KBHOLawUgGRseIjezUnquhAmpq7Yoxa",
    "scrypt$16384$6stc5C7vT1QLzLSIIxHPev$8$5$ywRdgb0ZoE1u6WO7giDwB1B/rLmb8wu0YxJRrz3QhOPpr2M6R49D7lkYkN9IMuFf2iA3Wxw0ra9FvfsJrW+4Sg==",
    "md5$TgiYWQYEDlYpQ1u6JZZ1jE$406fdd9bfdc00390c00bb840f8bc7ead",
  ],
  "Django 5.2.17 with lower costs or salts of its user's": [
    PBKDF2,
    "pbkdf2_sha256$10000$grüßesalz$TsmW4/HeAI195BORNWY2BaIBTnoRm5x4F3mko5V6CcM=",
    SCRYPT,
    BCRYPT,
    BCRYPT_SHA256,
  ],
  "Django 3.2.25": [
    "sha1$jjWantFbUNG4tHXx2I4DeF$9d6e456446f0624309c77b52fdae2fa395b91afa",
    "sha1$$f76449c3f78912d8ee5ebba8bce83159d517f07e",
    "4cc00b6b169790c371cb211d5b52a422",
    "md5$$4cc00b6b169790c371cb211d5b52a422",
  ],
  "argon2-cffi 25.1.0, with and without Django's prefix": [
    "argon2$argon2i$v=19$m=512,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$HI2m/fc7sRFTQXHx8h59Cg",
    "$argon2i$v=16$m=512,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$wJ44eWewbakPPlrX2HAa8Q",
    "$argon2d$v=19$m=512,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$ZSdw311ZfP57R9/vRMyp8w",
    "$argon2id$v=16$m=512,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$EzCCjxlzTBJ0YZKBHE2Pug",
    "$argon2id$v=19$m=512,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$E1INO0EcDCtHZt13Wrc/jA",
  ],
  "bcrypt 5.0.0, and the same under its other names": [
    "$2a$04$ndAWshvphnQK12pDJz3z/eZch9igs1kRgnInEIqj6Z62Gt6v0jzT.",
    "$2b$04$ndAWshvphnQK12pDJz3z/eZch9igs1kRgnInEIqj6Z62Gt6v0jzT.",
    "$2y$04$ndAWshvphnQK12pDJz3z/eZch9igs1kRgnInEIqj6Z62Gt6v0jzT.",
  ],
};

for (const [writer, hashes] of Object.entries(written)) {
  test(`PW-09: hashes written by ${writer} open with their password and no other, and are due for an upgrade`, async () => {
    for (const hash of hashes) {
      assert.ok(isKnownHash(hash), hash);
      assert.ok(hasher.needsUpgrade(hash), hash);
      assert.deepEqual(
        await Promise.all([opens(hash, PASSWORD), opens(hash, "seven quiet heron")]),
        [true, false],
        hash,
      );
    }
  });
}

test("a foreign hash is compared with the password as it was typed", async () => {
  // Django 5.2.17, make_password.
  const typed = " Cafe\u0301 \ufb01sh \u2460";
  for (const hash of [
    "argon2$argon2id$v=19$m=102400,t=2,p=8$WjRIbFdaS3ltRzlKblppekZ3TmFtcA$DrechujkMaWvMSIpYTrD1l6ms2Axe9qvUs0Aj7XbT+s",
    "bcrypt_sha256$$2b$12$LUfcLROi3O1xAa.oUSh5Kea02lrDHuyYtVzsBQ1RYvpZtiKLYCfXS",
    "scrypt$16384$xpiCabXYvSoZAmkWoRRlhr$8$5$ygTtvfaEbjiDbD1NdDB1nRvVxcufhuqEUXsZO2qJnXhow8W1PwkaFBa1XP4o5Me2WUwPByf5Or8SClFpXXWzKA==",
    "md5$XOVguWmtMhimjlk7wSg32Y$4a24c34b82efbebf6d7269ffaca23a19",
  ]) {
    assert.deepEqual(
      await Promise.all([opens(hash, typed), opens(hash, typed.normalize("NFKC"))]),
      [true, false],
      hash,
    );
  }
});

test("one of ours is compared with the normalised password only", async () => {
  const hashed = await hasher.hash("fish");
  assert.ok(hashed.kind === "hashed" && isKnownHash(hashed.phc));
  assert.equal(readForeignHash(hashed.phc), undefined);
  assert.equal(
    (await hasher.verify(hashed.phc, { normalized: "fish", asTyped: "\ufb01sh" })).kind,
    "matched",
  );
  assert.equal(
    (await hasher.verify(hashed.phc, { normalized: "other", asTyped: "fish" })).kind,
    "mismatched",
  );
});

test("bcrypt reads 72 bytes and bcrypt_sha256 all, as in Django", async () => {
  // Django 5.2.17 with bcrypt of cost 4.
  const long = `${"72 bytes of a password longer than that: ".padEnd(72, "x")} and the rest`;
  const plain = "bcrypt$$2b$04$GKzGsSdiT1tpY607w98SrOv9AG1MCPe.oIceMwUAJNqz/Pr9Pblpe";
  const prehashed = "bcrypt_sha256$$2b$04$1x/hliMvbdIkNnUZuCbBGOyUOugsMgMxyY55n0Xmzd.l.HhrIEPA.";
  assert.deepEqual(
    [
      await opens(plain, long),
      await opens(plain, long.slice(0, 72)),
      await opens(plain, long.slice(0, 71)),
    ],
    [true, true, false],
  );
  assert.deepEqual(
    [await opens(prehashed, long), await opens(prehashed, long.slice(0, 72))],
    [true, false],
  );
});

test("PW-03: a password followed by a NUL is another one, whatever the algorithm makes of it", async () => {
  for (const hash of [BCRYPT, BCRYPT_SHA256, PBKDF2, SCRYPT])
    for (const tail of ["\0", "\0tail", `\0${PASSWORD}`])
      assert.equal(await opens(hash, PASSWORD + tail), false, hash);
});

test("an unusable password is known, and none matches it", async () => {
  for (const unusable of ["!", "!Kxxr03aupzAgIZswAEhWU1KjH46GPUe7WnakYODT", `!${PBKDF2}`]) {
    assert.ok(isKnownHash(unusable));
    assert.ok(hasher.needsUpgrade(unusable));
    for (const password of [unusable, unusable.slice(1), "", PASSWORD])
      assert.equal(await opens(unusable, password), false);
  }
});

test("a text without a hash, a truncated hash and a too costly one are unknown; they match nothing, and the log says so", async () => {
  const phc = ARGON2.replace("argon2$", "$");
  for (const text of [
    "",
    "not a hash at all",
    PASSWORD,
    "pbkdf2_sha256",
    "crypt$$abJnggxhB/yWI",
    "bcrypt_sha512$$2b$04$BYpR5V02i4DUQ8n5501ptewFfIH3O0ZLhsbVcCvYQOWg.DLBgsJTa",
    "$2x$04$ndAWshvphnQK12pDJz3z/eZch9igs1kRgnInEIqj6Z62Gt6v0jzT.",
    "9d6e456446f0624309c77b52fdae2fa395b91afa",
    "4CC00B6B169790C371CB211D5B52A422",
    "sha1$salt$4cc00b6b169790c371cb211d5b52a422",
    "md5$salt$9d6e456446f0624309c77b52fdae2fa395b91afa",
    PBKDF2.replace("sha256", "sha512"),
    PBKDF2.replace("sha256", "sha1"),
    PBKDF2.replace("$10000$", "$0$"),
    PBKDF2.replace("$10000$", "$-1$"),
    PBKDF2.replace("$10000$", "$10000001$"),
    PBKDF2.replace("oldsaltoldsalt", ""),
    SCRYPT.replace("$1024$", "$1023$"),
    SCRYPT.replace("$1024$", "$1$"),
    SCRYPT.replace("$1024$", "$1048576$"),
    SCRYPT.replace("$1024$", "$65536$").replace("$8$", "$1$"),
    SCRYPT.replace("$8$", "$0$"),
    SCRYPT.replace("$1$", "$4294967295$"),
    BCRYPT.replace("$04$", "$03$"),
    BCRYPT.replace("$04$", "$15$"),
    phc.replace("m=102400", "m=4294967295"),
    ARGON2.replace("m=102400", "m=4294967295"),
    ARGON2.replace("p=8", "p=0"),
    ARGON2.replace("m=102400", "m=0102400"),
    `${phc.slice(0, -1)}x`,
    ...[PBKDF2, SCRYPT, BCRYPT, BCRYPT_SHA256].flatMap((hash) => [
      hash.slice(0, -1),
      `${hash}\n`,
      ` ${hash}`,
      `${hash}${hash}`,
    ]),
  ]) {
    assert.equal(isKnownHash(text), false, text);
    const before = warned.length;
    assert.equal(await opens(text, PASSWORD), false, text);
    assert.deepEqual(warned.slice(before), ["hashing.unverifiable"], text);
  }
});

test("no text in the place of a hash is a fault", async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "pbkdf2_sha256",
      "pbkdf2_sha1",
      "scrypt",
      "bcrypt",
      "bcrypt_sha256",
      "argon2",
      "argon2id",
      "md5",
      "sha1",
      "!",
    ),
    fc.constantFrom("", "0", "1", "2", "1024", "2b", "04", "v=19", "m=64,t=1,p=1", "m=8,t=1,p=2"),
    fc.base64String({ maxLength: 90 }),
    fc.string({ unit: "binary", maxLength: 60 }),
  );
  const pieces = fc.array(piece, { maxLength: 8 }).map((all) => all.join("$"));
  const damaged = fc
    .tuple(
      fc.constantFrom(PBKDF2, SCRYPT, BCRYPT, BCRYPT_SHA256, CHEAP, CHEAP.replace("argon2$", "$")),
      fc.nat(130),
      fc.string({ maxLength: 3 }),
    )
    .map(([hash, at, inserted]) => hash.slice(0, at) + inserted + hash.slice(at + inserted.length));
  await fc.assert(
    fc.asyncProperty(fc.oneof(pieces, damaged), async (text) => {
      await hasher.verify(text, { normalized: "", asTyped: "" });
    }),
    { numRuns: 400 },
  );
  const scrypts = fc.tuple(
    fc.nat(12),
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 4 }),
  );
  await fc.assert(
    fc.asyncProperty(scrypts, async ([log, blockSize, parallelism]) => {
      const hash = SCRYPT.replace("$1024$", `$${2 ** log}$`).replace(
        "$8$1$",
        `$${blockSize}$${parallelism}$`,
      );
      assert.equal(await opens(hash, "another password"), false);
    }),
    { numRuns: 60 },
  );
});

test("PW-11: bcrypt leaves the process that hashes free to answer others", async () => {
  const slow = hasher.verify(
    "bcrypt$$2b$12$GiZI.ZPtk0VF3bICUdecS.KBHOLawUgGRseIjezUnquhAmpq7Yoxa",
    {
      normalized: PASSWORD,
      asTyped: PASSWORD,
    },
  );
  let isAnswered = false;
  void slow.finally(() => (isAnswered = true));
  for (let others = 0; others < 5; others += 1) await hasher.hash("password");
  assert.equal(isAnswered, false);
  assert.equal((await slow).kind, "matched");
});
