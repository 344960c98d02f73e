import { compose } from "./message.ts";
import type { SendOutcome, Transport, UnavailableCause } from "./transport.ts";

export interface SmtpOptions {
  /** The highest number of connections at a time. Further mails wait for one of them. */
  readonly connections: number;
  /**
   * How long the server may take to greet us. 30 s if not given, because some servers make
   * strangers wait.
   */
  readonly greetingSeconds?: number;
}

/**
 * @param setting `smtp://user:password@host:port` or `smtps://…`, with `?tls=`
 * @throws {RangeError} for anything else
 */
export function smtpTransport(setting: string, options: SmtpOptions): Transport {
  const { greetingSeconds = 30 } = options;
  const server = serverOf(setting);
  // The library is loaded with the first mail, so that the start of the server does not wait for
  // it.
  const connect = async () => {
    const { createTransport } = await import("nodemailer");
    return createTransport({
      ...server,
      pool: true,
      maxConnections: options.connections,
      // One retry is for a connection that the server gave up while it was idle. All other retries
      // are the work of the outbox.
      maxRequeues: 1,
      connectionTimeout: greetingSeconds * 1000,
      greetingTimeout: greetingSeconds * 1000,
      socketTimeout: 50_000,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  };
  let connected: ReturnType<typeof connect> | undefined;
  return {
    send: async (message, signal) => {
      const envelope = { from: message.from.address, to: message.to };
      const mail = { envelope, raw: await compose(message), signal };
      const smtp = await (connected ??= connect());
      return smtp.sendMail(mail).then(() => ({ kind: "sent" }) as const, outcomeOf);
    },
    close: () => void connected?.then((smtp) => smtp.close()),
  };
}

/**
 * - `optional`: encrypted if the server offers it. Its certificate is not checked, because an
 *   attacker who could forge one could as well take the offer away (RFC 7435 §3).
 * - `required`: encrypted, and the certificate must be good for the host.
 * - `unverified`: encrypted, whatever the certificate says.
 */
type Encryption = "optional" | "required" | "unverified";

const SMTP_FORM =
  "PORTCULLIS_MAIL must have the form smtp://user:password@host:port or smtps://…, with ?tls=required, unverified or (smtp only) optional; in user and password, @ : / # ? and % are percent-encoded, such as @ as %40";

function serverOf(setting: string) {
  // The setting holds a password, so none of our messages may quote it.
  const url = URL.canParse(setting) ? new URL(setting) : undefined;
  if (
    url === undefined ||
    url.hostname === "" ||
    !["", "/"].includes(url.pathname) ||
    url.hash !== ""
  )
    throw new RangeError(SMTP_FORM);
  const secure = url.protocol === "smtps:";
  const encryption = encryptionOf(url);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTLS: encryption !== "optional",
    tls: { rejectUnauthorized: encryption === "required" },
    // We authenticate even if the server does not offer it: a password in the setting is meant to
    // be used.
    ...(url.username !== "" && {
      auth: { user: decoded(url.username), pass: decoded(url.password) },
      forceAuth: true,
    }),
  };
}

/**
 * Chooses encryption so that a password travels encrypted and to the right server, unless the
 * setting says otherwise.
 */
function encryptionOf(url: URL): Encryption {
  const secure = url.protocol === "smtps:";
  const atStake = url.username !== "" && !/^(localhost|127\..*|\[::1\])$/.test(url.hostname);
  switch (url.search) {
    case "":
      return secure || atStake ? "required" : "optional";
    case "?tls=required":
      return "required";
    case "?tls=unverified":
      return "unverified";
    case "?tls=optional":
      if (!secure) return "optional";
  }
  throw new RangeError(SMTP_FORM);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RangeError(SMTP_FORM);
  }
}

// ── failures

/** The parts of an error of nodemailer. */
interface Failure {
  readonly code: string | undefined;
  /** The code of the system's error if `code` is nodemailer's. */
  readonly originalCode: string | undefined;
  /** The command that the server refused. `CONN` is the connection itself. */
  readonly command: string | undefined;
  readonly status: number | undefined;
  readonly response: string;
  /** True if there was no connection yet. */
  readonly connecting: boolean;
}

function outcomeOf(error: unknown): SendOutcome {
  const failure = read(error);
  if (failure.status !== undefined) return byResponse(failure, failure.status);
  const words = wordsOf(failure);
  if (failure.code === "EAUTH")
    return { kind: "unavailable", cause: "authentication", error: words };
  if (isAboutEncryption(failure)) return { kind: "unavailable", cause: "encryption", error: words };
  if (failure.connecting) return { kind: "unavailable", cause: "connection", error: words };
  // Nodemailer itself has refused the mail, before asking the server.
  if (failure.code === "EENVELOPE" || failure.code === "EMESSAGE")
    return { kind: "refused", permanent: true, deadAddress: false, error: words };
  return { kind: "interrupted", error: words };
}

/** The answers to RCPT and DATA are about this mail. All others are about us or the server. */
function byResponse(failure: Failure, status: number): SendOutcome {
  const permanent = status >= 500 && status !== 503;
  const error = wordsOf(failure);
  const ofThisMail =
    failure.command === "RCPT TO" || failure.command === "DATA" || OF_THE_MAIL.has(status);
  if (ofThisMail)
    return {
      kind: "refused",
      permanent,
      deadAddress: permanent && isDeadAddress(failure, status),
      error,
    };
  if (!permanent) return { kind: "unavailable", cause: "connection", error };
  return { kind: "unavailable", cause: permanentCause(failure, status), error };
}

function permanentCause({ code, command }: Failure, status: number): UnavailableCause {
  if (code === "EAUTH" || status === 530) return "authentication";
  if (code === "ETLS") return "encryption";
  return command === "MAIL FROM" ? "sender" : "connection";
}

/**
 * The mail is too large, or has parameters that the server does not take (RFC 5321 §4.2.3). These
 * statuses are about the mail after any command.
 */
const OF_THE_MAIL: ReadonlySet<number> = new Set([552, 555]);

/**
 * Tells whether mailbox or domain do not exist (RFC 3463 §3.2, RFC 7505 §4.1). 5.1.7 and 5.1.8 are
 * about the sender and do not count.
 */
function isDeadAddress({ command, response }: Failure, status: number): boolean {
  if (command !== "RCPT TO") return false;
  const enhanced = enhancedOf(response);
  if (enhanced !== undefined) return /^5\.1\.([0-6]|10)$/.test(enhanced);
  return [550, 551, 553].includes(status) && !ABOUT_US.test(response);
}

/**
 * Servers without enhanced codes also answer 550 if they do not relay for us or do not trust us.
 */
const ABOUT_US = /relay|rcpthosts|authenti|block|spam|polic|denied|not allowed/i;

const TLS_CODES = /CERT|SSL|TLS|SIGNATURE|^EPROTO$|^HOSTNAME_MISMATCH$/;

function isAboutEncryption({ code, originalCode }: Failure): boolean {
  return code === "ETLS" || (originalCode !== undefined && TLS_CODES.test(originalCode));
}

function read(error: unknown): Failure {
  const part = (name: string): unknown =>
    error instanceof Error ? Reflect.get(error, name) : undefined;
  const text = (name: string): string | undefined => {
    const value = part(name);
    return typeof value === "string" ? value : undefined;
  };
  const status = part("responseCode");
  const [code, originalCode, command] = [text("code"), text("originalCode"), text("command")];
  const timeout = text("timeoutType");
  return {
    code,
    originalCode,
    command,
    status: typeof status === "number" ? status : undefined,
    response: text("response") ?? "",
    connecting:
      code === "EDNS" ||
      originalCode === "ECONNREFUSED" ||
      text("syscall") === "connect" ||
      error instanceof AggregateError || // all addresses of the host have failed
      (timeout !== undefined && timeout !== "SOCKET_TIMEOUT") ||
      // The pool reports this if the connection was closed before the server had said anything, or
      // before the mail was begun.
      (code === "ECONNECTION" && command === undefined),
  };
}

/**
 * Returns `550 5.1.1` or a code such as `ECONNREFUSED`. It never returns the message, which quotes
 * addresses and the words of the other side.
 */
function wordsOf({ status, response, originalCode, code }: Failure): string {
  if (status !== undefined)
    return [status, enhancedOf(response)].filter((part) => part !== undefined).join(" ");
  const name = originalCode ?? code ?? "";
  return /^\w{1,40}$/.test(name) ? name : "Error";
}

/** RFC 3463 §2, RFC 2034 §4. */
function enhancedOf(response: string): string | undefined {
  return /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(response)?.[1];
}
