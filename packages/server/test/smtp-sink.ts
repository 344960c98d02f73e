import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from "smtp-server";

/**
 * A mail server that keeps what it receives. It sends no enhanced status codes except those in its
 * configured answers.
 */
export interface SmtpSink {
  readonly port: number;
  /** The mails that were accepted completely, oldest first. */
  readonly received: readonly ReceivedMail[];
  /** Drops every connection and stops listening. */
  close(): Promise<void>;
}

export interface ReceivedMail {
  readonly from: string;
  readonly to: string;
  /** The message id, with angle brackets. */
  readonly messageId: string;
  readonly raw: string;
  readonly encrypted: boolean;
  /** The user who authenticated. */
  readonly user: string | undefined;
}

export interface SinkOptions extends Omit<SMTPServerOptions, "onData"> {
  /** The port. The default is 0, which picks a free one. */
  readonly port?: number;
  /** Judges a mail after it was received and before it is accepted. */
  readonly judge?: (mail: ReceivedMail) => Error | undefined;
}

/** Starts the server. By default it speaks plain SMTP on this machine, without authentication. */
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
      // The client left before it had sent everything.
      stream.on("error", () => {});
      stream.on("end", () => {
        const mail = receivedMail(session, Buffer.concat(chunks).toString());
        const refusal = judge?.(mail);
        if (refusal === undefined) received.push(mail);
        callback(refusal);
      });
    },
  });
  // A client that breaks its connection is not an error of this server.
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

/** Makes an answer with a status, such as `reply(451, "4.7.1 Greylisted")`. */
export function reply(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

/**
 * A self-signed certificate for `localhost`, valid until 2120. It is worth nothing anywhere else.
 */
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
