/**
 * Every event of the log, with its meaning to an operator. The references list them
 * (`docs/reference/log-events.md`), and a test compares this table with the calls of `Log`.
 */
export const logEvents = {
  "server.ready": "The server answers. The facts name its port, database and mode.",
  "server.draining":
    "The server has been told to stop: it accepts nothing new and lets running calls finish.",
  "server.stopped": "The server has stopped.",
  "http.request":
    "A call was answered. Logged at `debug`; with status 500 at `warn` and above 500 at `info`.",
  "http.fault":
    "A call met an unexpected fault and was answered with 500. The request id is the one in the answer.",
  "http.unavailable": "The database could not be reached, so the call was answered with 503.",
  "http.listener_fault": "The HTTP listener met an unexpected fault before a call was routed.",
  "http.preflight_refused":
    "A browser asked whether a page of another origin may call, and was told no. The fact `setting` names the setting that would allow it. Logged once in ten seconds.",
  "http.connection_dropped":
    "A connection was refused because the limit of connections is reached.",
  "database.connection_lost":
    "A connection to PostgreSQL was lost. The pool opens another one when it is needed.",
  "revocations.poll_failed":
    "Reading the revocation log failed. After 10 seconds without success no token is accepted.",
  "lease.drop_failed":
    "A stopping node could not give its lease back, so other nodes wait until it has run out.",
  "hashing.priority_unchanged":
    "The process that hashes passwords runs at normal priority and may slow other calls down.",
  "hashing.process_ended":
    "The process that hashes passwords has ended unexpectedly. Another one is started.",
  "hashing.unverifiable":
    "A stored password hash has a format that cannot be verified, so its user cannot sign in.",
  "job.failed": "A housekeeping job or a periodic task failed. It runs again at its next time.",
  "mail.sent": "A mail was handed to the mail server.",
  "mail.postponed": "A mail could not be sent and will be tried again.",
  "mail.failed": "A mail was given up. It can be sent again with `portcullis mail`.",
  "mail.fault": "A mail met an unexpected fault. The other mails go on.",
  "mail.server_unavailable": "The mail server cannot be reached. Mails wait.",
  "mail.authentication_failed": "The mail server refuses the credentials in `PORTCULLIS_MAIL`.",
  "mail.encryption_failed": "The connection to the mail server could not be encrypted.",
  "mail.sender_refused": "The mail server refuses the sender in `PORTCULLIS_MAIL_FROM`.",
  "mail.directory_unavailable": "The directory in `PORTCULLIS_MAIL` cannot be written to.",
} as const satisfies Readonly<Record<string, string>>;
