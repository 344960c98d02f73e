import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startServer } from "../process.ts";

export interface PagesServer {
  readonly url: string;
  /** The folder into which the server writes its mail. */
  readonly mails: string;
  stop(): Promise<void>;
}

const READY = fileURLToPath(new URL("../../../pages/build/ready.ts", import.meta.url));

/** Builds the account pages if they have changed, as `npm start` does. */
export async function buildPages(): Promise<void> {
  const { stderr } = await promisify(execFile)(process.execPath, [READY]);
  assert.equal(stderr, "");
}

/** Starts a server with the account pages on a host that passkeys can be used on. */
export async function servePages(
  settings: Readonly<Record<string, string>> = {},
): Promise<PagesServer> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-pages-"));
  const mails = join(folder, "mails");
  mkdirSync(mails);
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const server = await startServer({
    PORTCULLIS_DATA_DIR: folder,
    PORTCULLIS_PORT: String(port),
    PORTCULLIS_PUBLIC_URL: url,
    PORTCULLIS_MAIL: `dir:${mails}`,
    ...settings,
  });
  return {
    url,
    mails,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const socket = createServer().listen(0, "127.0.0.1");
  await once(socket, "listening");
  const address = socket.address();
  socket.close();
  await once(socket, "close");
  return typeof address === "object" && address !== null ? address.port : assert.fail("no port");
}
