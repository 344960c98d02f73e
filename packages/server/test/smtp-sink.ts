import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from "smtp-server";

/**
 * A mail server that keeps what it is given, and knows no enhanced status codes but those its
 * answers are written with.
 */
export interface SmtpSink {
  readonly port: number;
  /** Accepted whole, oldest first. */
  readonly received: readonly ReceivedMail[];
  /** Drops every connection; nobody listens any more. */
  close(): Promise<void>;
}

export interface ReceivedMail {
  readonly from: string;
  readonly to: string;
  /** With angle brackets. */
  readonly messageId: string;
  readonly raw: string;
  readonly encrypted: boolean;
  /** Who authenticated. */
  readonly user: string | undefined;
}

export interface SinkOptions extends Omit<SMTPServerOptions, "onData"> {
  /** 0, and one is picked, unless given. */
  readonly port?: number;
  /** Asked when a mail has been received and before it is accepted. */
  readonly judge?: (mail: ReceivedMail) => Error | undefined;
}

/** Plain SMTP on this machine without authentication, unless the options say otherwise. */
export async function startSmtpSink({
  port = 0,
  judge,
  ...options
}: SinkOptions = {}): Promise<SmtpSink> {
  const received: ReceivedMail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    hideENHANCEDSTATUSCODES: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    key: KEY,
    cert: sinkCertificate,
    ...options,
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      // The client was gone before it had said all.
      stream.on("error", () => {});
      stream.on("end", () => {
        const mail = receivedMail(session, Buffer.concat(chunks).toString());
        const refusal = judge?.(mail);
        if (refusal === undefined) received.push(mail);
        callback(refusal);
      });
    },
  });
  // What clients do to their connections is no fault of the server.
  server.on("error", () => {});
  server.listen(port, "127.0.0.1");
  await once(server.server, "listening");
  return {
    port: (server.server.address() as AddressInfo).port,
    received,
    close: async () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function receivedMail({ envelope, secure, user }: SMTPServerSession, raw: string): ReceivedMail {
  return {
    from: envelope.mailFrom === false ? "" : envelope.mailFrom.address,
    to: envelope.rcptTo.map(({ address }) => address).join(", "),
    messageId: /^message-id: *(<\S+>)/im.exec(raw)?.[1] ?? "",
    raw,
    encrypted: secure,
    user,
  };
}

/** An answer with a status, such as `reply(451, "4.7.1 Greylisted")`. */
export function reply(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

/** Of `localhost`, signed by itself, until 2120: worth nothing anywhere else. */
export const sinkCertificate = `-----BEGIN CERTIFICATE-----
MIIBYDCCAQegAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJQJtE+IWG3f81Xg
AhNQaKzAqjum5jHxzC3x0aGwELFI7mEJ76WlVJfJ6VwLbu69oNDNfP+eRHDu7D79
bsOCLHCjSDBGMBQGA1UdEQQNMAuCCWxvY2FsaG9zdDAPBgNVHRMBAf8EBTADAQH/
MB0GA1UdDgQWBBS7sjcgoVZindhh1dgadyS/94nrejAKBggqhkjOPQQDAgNHADBE
AiBOJTcbr2VZvmOSnft5nzSU37bm8DkSd++rHl2QaSD0RAIgX74ThkgiXC+aKrjN
oHrSCnFIdh7TiXRz6vEG7uKutYQ=
-----END CERTIFICATE-----
`;

const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWUjXc+7kb/ArYcpa
kx3v96Q3dnNm0IuudBse4htqmKuhRANCAASUCbRPiFht3/NV4AITUGiswKo7puYx
8cwt8dGhsBCxSO5hCe+lpVSXyelcC27uvaDQzXz/nkRw7uw+/W7Dgixw
-----END PRIVATE KEY-----
`;
