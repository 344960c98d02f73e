import { SMTPServer } from "smtp-server";

// This SMTP server accepts every mail and keeps none.

const server = new SMTPServer({
  disabledCommands: ["AUTH", "STARTTLS"],
  logger: false,
  onData: (stream, _session, taken) => {
    stream.resume();
    stream.on("end", () => taken());
  },
});
server.listen(0, "127.0.0.1", () => {
  const address = server.server.address();
  if (typeof address === "object" && address !== null)
    console.log(`ready on http://127.0.0.1:${address.port}`);
});
process.on("SIGTERM", () => server.close(() => process.exit(0)));
