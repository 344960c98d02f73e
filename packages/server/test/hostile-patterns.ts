/**
 * These texts must be refused in linear time (IN-06). `npm run bench` measures how long that takes.
 */

/** The largest body that the interface reads. */
const BYTES = 65_536;
const filled = (unit: string): string => unit.repeat(Math.ceil(BYTES / unit.length));

/** Addresses that repeat one pattern, as long as a body may be and as long as an address may be. */
export const hostileAddresses: readonly string[] = [
  "a",
  "a.",
  ".",
  "@",
  "a@",
  "-",
  "xn--",
  "\u0301",
  "é",
  "\ufdfa",
  "a.a@",
  "=?",
  '"',
  "(",
].flatMap((unit) => {
  const hostile = filled(unit);
  return [
    hostile,
    `${hostile}@x.test`,
    `anna@${hostile}`,
    `anna@${hostile.slice(0, 249)}`,
    `${hostile.slice(0, 245)}@x.test`,
  ];
});

export const hostileUsernames: readonly string[] = [
  "a",
  ".",
  "a.",
  "\u0301",
  "é",
  "\ufdfa",
  "日a",
  "-_",
].flatMap((unit) => {
  const hostile = filled(unit);
  return [hostile, hostile.slice(0, 384), hostile.slice(0, 64)];
});

export const hostilePasswords: readonly string[] = [
  "aaaaaaab".repeat(32),
  `${"ab".repeat(127)}c`,
  "1!".repeat(120),
  "\u0301".repeat(250),
];

/** Passwords that normalisation would make longer, or that are far too long from the start. */
export const growingPasswords: readonly string[] = [
  "\ufdfa".repeat(1000),
  "\ufdfa".repeat(200),
  "a".repeat(10_000_000),
];

/** The known facts of an account, each as long as a body may be. */
export const hostileContext = {
  serviceName: "a".repeat(BYTES),
  email: `${"a.".repeat(32_768)}@${"aaaa.".repeat(13_000)}`,
  username: "a".repeat(BYTES),
  displayName: "aaaa ".repeat(13_000),
};

/** Bodies of a sign-in. */
export const hostileBodies: readonly string[] = [
  "[".repeat(65_000),
  `{"identifier":"${"\\u0061".repeat(10_000)}","password":"${"a".repeat(1000)}!"}`,
  `{"identifier":"${"a@".repeat(30_000)}","password":"b"}`,
  `{${Array.from({ length: 5000 }, (_, i) => `"k${i}":${i}`).join()}}`,
  `{"identifier":"${"\\\\".repeat(30_000)}"}`,
  " ".repeat(65_000),
  "-".repeat(65_000),
  "1".repeat(65_000),
  `{"identifier":${"9".repeat(60_000)}}`,
];

/** Paths and queries, each as long as a request line may be. */
export const hostileTargets: readonly string[] = [
  `/v1/admin/users?${"a=b&".repeat(4000)}`,
  "/".repeat(16_000),
  `/v1/${"%25".repeat(5000)}`,
];

/** Values of a field of a Django form. */
export const hostileFields: readonly string[] = [
  `${" ".repeat(60_000)}x${" ".repeat(60_000)}y`,
  `"${"\\a".repeat(60_000)}`,
  `${"a.".repeat(60_000)}@b.org`,
  `a@${"a-".repeat(150)}`,
];
