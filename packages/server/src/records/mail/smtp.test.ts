import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import tls from "node:tls";
import {
  reply,
  sinkCertificate,
  startSmtpSink,
  type SinkOptions,
  type SmtpSink,
} from "../../../test/smtp-sink.ts";
import { systemClock } from "../../platform/kernel/clock.ts";
import type { Message } from "./message.ts";
import { smtpTransport, type SmtpOptions } from "./smtp.ts";
import type { SendOutcome, Transport } from "./transport.ts";

const message: Message = {
  id: "018f0000-0000-7000-8000-000000000001",
  messageId: "<018f0000-0000-7000-8000-000000000001@accounts.example.com>",
  at: 1_800_000_000,
  from: { name: "Acme", address: "accounts@example.com" },
  to: "anna@example.com",
  subject: "Grüße",
  text: "Your code: 01234567\n.\nFrom here on\n",
  html: "<p>01234567</p>",
};
const never = new AbortController().signal;
const sent: SendOutcome = { kind: "sent" };

async function sinkFor(t: TestContext, options: SinkOptions = {}): Promise<SmtpSink> {
  const sink = await startSmtpSink(options);
  t.after(async () => sink.close());
  return sink;
}

function transportTo(
  t: TestContext,
  setting: string,
  options: Partial<SmtpOptions> = {},
): Transport {
  const transport = smtpTransport(setting, { connections: 1, ...options });
  t.after(() => transport.close());
  return transport;
}

async function sendThrough(t: TestContext, setting: string): Promise<SendOutcome> {
  return transportTo(t, setting).send(message, never);
}

/** A server of our own making, for what a mail server does not do. */
async function rawServer(t: TestContext, onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test("a mail server gets each mail for one recipient, dots and umlauts included, and several over one connection", async (t) => {
  let connections = 0;
  const sink = await sinkFor(t, {
    onConnect: (_, callback) => {
      connections += 1;
      callback();
    },
  });
  const transport = transportTo(t, `smtp://127.0.0.1:${sink.port}`);
  assert.deepEqual(await transport.send(message, never), sent);
  assert.deepEqual(await transport.send({ ...message, to: "bob@example.com" }, never), sent);
  assert.deepEqual(
    sink.received.map(({ from, to, messageId }) => [from, to, messageId]),
    [
      ["accounts@example.com", "anna@example.com", message.messageId],
      ["accounts@example.com", "bob@example.com", message.messageId],
    ],
  );
  assert.match(sink.received[0]?.raw ?? "", /\r\nYour code: 01234567\r\n\.\r\nFrom here on\r\n/);
  assert.equal(connections, 1);
});

// ── encryption: the server of these tests has an untrusted certificate

for (const { search, arrives, encrypted } of [
  { search: "", arrives: true, encrypted: true },
  { search: "?tls=optional", arrives: true, encrypted: true },
  { search: "?tls=unverified", arrives: true, encrypted: true },
  { search: "?tls=required", arrives: false, encrypted: false },
]) {
  test(`a server that offers STARTTLS with an untrusted certificate: smtp:${search} ${arrives ? "sends" : "does not send"}`, async (t) => {
    const sink = await sinkFor(t, { disabledCommands: [] });
    const outcome = await sendThrough(t, `smtp://127.0.0.1:${sink.port}${search}`);
    if (!arrives)
      assert.partialDeepStrictEqual(outcome, { kind: "unavailable", cause: "encryption" });
    assert.deepEqual(
      sink.received.map((mail) => mail.encrypted),
      arrives ? [encrypted] : [],
    );
  });
}

for (const encryption of ["required", "unverified"]) {
  test(`a server without STARTTLS gets nothing from smtp:?tls=${encryption}`, async (t) => {
    const sink = await sinkFor(t);
    const outcome = await sendThrough(t, `smtp://127.0.0.1:${sink.port}?tls=${encryption}`);
    assert.partialDeepStrictEqual(outcome, { kind: "unavailable", cause: "encryption" });
    assert.deepEqual(sink.received, []);
  });
}

test("smtps: does not send to a server with an untrusted certificate, unless told to", async (t) => {
  const sink = await sinkFor(t, { secure: true });
  const refused = await sendThrough(t, `smtps://127.0.0.1:${sink.port}`);
  assert.partialDeepStrictEqual(refused, { kind: "unavailable", cause: "encryption" });
  assert.deepEqual(await sendThrough(t, `smtps://127.0.0.1:${sink.port}?tls=unverified`), sent);
  assert.deepEqual(
    sink.received.map((mail) => mail.encrypted),
    [true],
  );
});

test("a server with a trusted certificate gets mail by smtp:?tls=required and by smtps:", async (t) => {
  const vouchedFor = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...vouchedFor, sinkCertificate]);
  t.after(() => tls.setDefaultCACertificates(vouchedFor));
  const [upgrading, encrypted] = [
    await sinkFor(t, { disabledCommands: [] }),
    await sinkFor(t, { secure: true }),
  ];
  assert.deepEqual(await sendThrough(t, `smtp://localhost:${upgrading.port}?tls=required`), sent);
  assert.deepEqual(await sendThrough(t, `smtps://localhost:${encrypted.port}`), sent);
  const elsewhere = await sendThrough(t, `smtps://127.0.0.1:${encrypted.port}`);
  assert.partialDeepStrictEqual(elsewhere, { kind: "unavailable", cause: "encryption" });
});

test("smtps: to a server that speaks plain SMTP is a matter of encryption", async (t) => {
  const sink = await sinkFor(t);
  assert.partialDeepStrictEqual(await sendThrough(t, `smtps://127.0.0.1:${sink.port}`), {
    kind: "unavailable",
    cause: "encryption",
  });
});

// ── authentication

const guarded: SinkOptions = {
  authOptional: false,
  allowInsecureAuth: true,
  onAuth: ({ username, password }, _, callback) =>
    username === "anna@example.com" && password === "p@ss word"
      ? callback(null, { user: username })
      : callback(reply(535, `5.7.8 ${username}: ${password} is wrong`)),
};

test("a password is decoded from the setting and lets us in", async (t) => {
  const sink = await sinkFor(t, guarded);
  assert.deepEqual(
    await sendThrough(t, `smtp://anna%40example.com:p%40ss%20word@127.0.0.1:${sink.port}`),
    sent,
  );
  assert.equal(sink.received[0]?.user, "anna@example.com");
});

test("a wrong password is reported as a fault of the settings, and is not shown", async (t) => {
  const sink = await sinkFor(t, guarded);
  const outcome = await sendThrough(t, `smtp://anna%40example.com:hunter2@127.0.0.1:${sink.port}`);
  assert.deepEqual(outcome, { kind: "unavailable", cause: "authentication", error: "535 5.7.8" });
});

test("a missing password is reported as a wrong one is", async (t) => {
  const sink = await sinkFor(t, guarded);
  assert.partialDeepStrictEqual(await sendThrough(t, `smtp://127.0.0.1:${sink.port}`), {
    kind: "unavailable",
    cause: "authentication",
  });
});

test("a password for another machine is not sent over a connection that is not encrypted", async (t) => {
  const heard: string[] = [];
  const port = await rawServer(t, (socket) => {
    socket.write("220 ready\r\n");
    socket.on("data", (data) => {
      heard.push(String(data));
      socket.write(
        String(data).startsWith("EHLO") ? "250-here\r\n250 AUTH PLAIN\r\n" : "502 no\r\n",
      );
    });
  });
  // Another name of this machine that is not one of those everybody's machine has.
  const outcome = await sendThrough(t, `smtp://anna:hunter2@[::ffff:127.0.0.1]:${port}`);
  assert.partialDeepStrictEqual(outcome, { kind: "unavailable", cause: "encryption" });
  assert.doesNotMatch(heard.join(""), /AUTH/);
});

// ── answers of the server about a mail

interface Verdict {
  readonly status: number;
  readonly words: string;
  readonly outcome: {
    readonly permanent: boolean;
    readonly deadAddress: boolean;
    readonly error: string;
  };
}

const verdicts: readonly Verdict[] = [
  {
    status: 451,
    words: "4.7.1 Greylisted, come back",
    outcome: { permanent: false, deadAddress: false, error: "451 4.7.1" },
  },
  {
    status: 450,
    words: "anna@example.com is busy",
    outcome: { permanent: false, deadAddress: false, error: "450" },
  },
  {
    status: 550,
    words: "5.1.1 <anna@example.com> unknown",
    outcome: { permanent: true, deadAddress: true, error: "550 5.1.1" },
  },
  {
    status: 550,
    words: "5.1.10 null MX",
    outcome: { permanent: true, deadAddress: true, error: "550 5.1.10" },
  },
  {
    status: 550,
    words: "no such user",
    outcome: { permanent: true, deadAddress: true, error: "550" },
  },
  {
    status: 553,
    words: "mailbox name",
    outcome: { permanent: true, deadAddress: true, error: "553" },
  },
  {
    status: 550,
    words: "relay not permitted",
    outcome: { permanent: true, deadAddress: false, error: "550" },
  },
  {
    status: 553,
    words: "not in my list of allowed rcpthosts",
    outcome: { permanent: true, deadAddress: false, error: "553" },
  },
  {
    status: 550,
    words: "5.7.1 policy",
    outcome: { permanent: true, deadAddress: false, error: "550 5.7.1" },
  },
  {
    status: 550,
    words: "5.1.8 your domain does not exist",
    outcome: { permanent: true, deadAddress: false, error: "550 5.1.8" },
  },
  {
    status: 552,
    words: "5.2.2 mailbox full",
    outcome: { permanent: true, deadAddress: false, error: "552 5.2.2" },
  },
];

for (const { status, words, outcome } of verdicts) {
  test(`a recipient refused with ${status} ${words}`, async (t) => {
    const sink = await sinkFor(t, {
      onRcptTo: (_, __, callback) => callback(reply(status, words)),
    });
    assert.deepEqual(await sendThrough(t, `smtp://127.0.0.1:${sink.port}`), {
      kind: "refused",
      ...outcome,
    });
  });
}

test("a refusal of several lines is reported by its class", async (t) => {
  const port = await rawServer(t, (socket) => {
    socket.write("220 ready\r\n");
    socket.on("data", (data) => {
      socket.write(
        String(data).startsWith("RCPT")
          ? "550-5.1.1 unknown\r\n550 5.1.1 see elsewhere\r\n"
          : "250 fine\r\n",
      );
    });
  });
  const outcome = await sendThrough(t, `smtp://127.0.0.1:${port}`);
  assert.deepEqual(outcome, {
    kind: "refused",
    permanent: true,
    deadAddress: true,
    error: "550 5.1.1",
  });
});

test("a refusal after DATA says nothing about the address", async (t) => {
  const sink = await sinkFor(t, { judge: () => reply(550, "5.1.1 I do not like it") });
  const outcome = await sendThrough(t, `smtp://127.0.0.1:${sink.port}`);
  assert.deepEqual(outcome, {
    kind: "refused",
    permanent: true,
    deadAddress: false,
    error: "550 5.1.1",
  });
});

test("after a refusal the next mail goes over the same connection", async (t) => {
  const sink = await sinkFor(t, {
    onRcptTo: ({ address }, _, callback) =>
      callback(address === "anna@example.com" ? reply(550, "5.1.1 unknown") : undefined),
  });
  const transport = transportTo(t, `smtp://127.0.0.1:${sink.port}`);
  assert.equal((await transport.send(message, never)).kind, "refused");
  assert.deepEqual(await transport.send({ ...message, to: "bob@example.com" }, never), sent);
});

test("a refused sender is no fault of the mail", async (t) => {
  const sink = await sinkFor(t, {
    onMailFrom: (_, __, callback) => callback(reply(553, "5.7.1 not yours")),
  });
  const outcome = await sendThrough(t, `smtp://127.0.0.1:${sink.port}`);
  assert.deepEqual(outcome, { kind: "unavailable", cause: "sender", error: "553 5.7.1" });
});

test("a mail that is too large is refused after whichever command the server says so", async (t) => {
  const sink = await sinkFor(t, {
    onMailFrom: (_, __, callback) => callback(reply(552, "5.3.4 too large")),
  });
  const outcome = await sendThrough(t, `smtp://127.0.0.1:${sink.port}`);
  assert.deepEqual(outcome, {
    kind: "refused",
    permanent: true,
    deadAddress: false,
    error: "552 5.3.4",
  });
});

// ── when the server is not itself

test("a server that is down is unavailable until it is up again", async (t) => {
  const away = await startSmtpSink();
  await away.close();
  const transport = transportTo(t, `smtp://127.0.0.1:${away.port}`);
  const down = { kind: "unavailable", cause: "connection", error: "ECONNREFUSED" };
  assert.deepEqual(await transport.send(message, never), down);
  assert.deepEqual(await transport.send(message, never), down);
  const back = await sinkFor(t, { port: away.port });
  assert.deepEqual(await transport.send(message, never), sent);
  assert.equal(back.received.length, 1);
});

test("a server with another name that does not exist is unavailable", async (t) => {
  const outcome = await sendThrough(t, "smtp://mail.invalid:25");
  assert.partialDeepStrictEqual(outcome, { kind: "unavailable", cause: "connection" });
});

test("a server that refuses all connections is unavailable", async (t) => {
  const sink = await sinkFor(t, {
    onConnect: (_, callback) => callback(reply(421, "4.3.2 maintenance")),
  });
  const outcome = await sendThrough(t, `smtp://127.0.0.1:${sink.port}`);
  assert.deepEqual(outcome, { kind: "unavailable", cause: "connection", error: "421 4.3.2" });
});

test("a server that hangs up before it has said anything is unavailable", async (t) => {
  const port = await rawServer(t, (socket) => socket.end());
  assert.deepEqual(await sendThrough(t, `smtp://127.0.0.1:${port}`), {
    kind: "unavailable",
    cause: "connection",
    error: "ECONNECTION",
  });
});

test("a server that never says anything is unavailable, after a while", async (t) => {
  const port = await rawServer(t, () => {});
  const transport = transportTo(t, `smtp://127.0.0.1:${port}`, { greetingSeconds: 0.1 });
  assert.deepEqual(await transport.send(message, never), {
    kind: "unavailable",
    cause: "connection",
    error: "ETIMEDOUT",
  });
});

test("a connection that drops in the middle of DATA leaves open whether the mail has arrived", async (t) => {
  let drops = 1;
  const port = await rawServer(t, (socket) => {
    socket.write("220 ready\r\n");
    socket.on("data", (data) => {
      const heard = String(data);
      if (heard.startsWith("DATA")) socket.write("354 go on\r\n");
      else if (/^(EHLO|MAIL|RCPT|RSET|QUIT)/.test(heard)) socket.write("250 fine\r\n");
      else if (drops > 0) {
        drops -= 1;
        socket.destroy();
      } else if (heard.endsWith("\r\n.\r\n")) socket.write("250 taken\r\n");
    });
  });
  const transport = transportTo(t, `smtp://127.0.0.1:${port}`);
  assert.equal((await transport.send(message, never)).kind, "interrupted");
  assert.deepEqual(await transport.send(message, never), sent);
});

test("a mail that takes too long is interrupted, and the next one gets a connection of its own", async (t) => {
  let isSlow = true;
  const heard = Promise.withResolvers<void>();
  const sink = await sinkFor(t, {
    onRcptTo: (_, __, callback) => {
      heard.resolve();
      if (!isSlow) callback();
    },
  });
  const transport = transportTo(t, `smtp://127.0.0.1:${sink.port}`);
  const deadline = new AbortController();
  const slow = transport.send(message, deadline.signal);
  await heard.promise;
  deadline.abort();
  assert.deepEqual(await slow, { kind: "interrupted", error: "EABORT" });
  isSlow = false;
  assert.deepEqual(await transport.send(message, never), sent);
});

test("a connection that the server gave up while it was idle costs nothing", async (t) => {
  const sockets: Socket[] = [];
  const sink = await sinkFor(t);
  const port = await rawServer(t, (socket) => {
    sockets.push(socket);
    socket.write("220 ready\r\n");
    socket.on("data", (data) => {
      const heard = String(data);
      if (heard.startsWith("DATA")) socket.write("354 go on\r\n");
      else if (/^(EHLO|MAIL|RCPT)/.test(heard) || heard.endsWith("\r\n.\r\n"))
        socket.write("250 fine\r\n");
    });
  });
  const transport = transportTo(t, `smtp://127.0.0.1:${port}`);
  assert.deepEqual(await transport.send(message, never), sent);
  sockets[0]?.destroy();
  await systemClock.sleep(20);
  assert.deepEqual(await transport.send(message, never), sent);
  assert.deepEqual([sockets.length, sink.received.length], [2, 0]);
});

test("no more mails are under way at once than there are connections", async (t) => {
  const underWay: (() => void)[] = [];
  let most = 0;
  const sink = await sinkFor(t, {
    onRcptTo: (_, __, callback) => {
      most = Math.max(most, underWay.push(callback));
      // Both are kept waiting for a moment, in which a third would come.
      if (underWay.length === 2) setTimeout(() => underWay.splice(0).forEach((goOn) => goOn()), 50);
    },
  });
  const transport = transportTo(t, `smtp://127.0.0.1:${sink.port}`, { connections: 2 });
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, async () => transport.send(message, never)),
  );
  assert.deepEqual(
    outcomes,
    outcomes.map(() => sent),
  );
  assert.equal(most, 2);
});
