import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A server in its own process, as `npm start` runs it. */
export interface ServerProcess {
  readonly url: string;
  /** Its output so far. */
  readonly said: { readonly stdout: string; readonly stderr: string };
  /** Kills the process like a power cut: it finishes nothing and closes no connection. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const MAIN = fileURLToPath(new URL("../bin/portcullis.js", import.meta.url));
const READY = /^portcullis ready on (http:\S+)$/m;

/**
 * @param settings settings by their environment names; the environment of the tests is not passed
 *   on
 */
export async function startServer(
  settings: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [MAIN, "serve"], {
    env: { PATH: process.env["PATH"], PORTCULLIS_PORT: "0", ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  const exited = once(child, "exit");
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said.stdout += text;
      const ready = READY.exec(said.stdout);
      if (ready !== null) resolve(ready[1] ?? "");
    });
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new Error(`the server ended with ${code} before it was ready: ${said.stderr}`)),
    );
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  return { url, said, kill: async () => end("SIGKILL"), stop: async () => end("SIGTERM") };
}
