import type { Command } from "commander";
import { once } from "node:events";
import { flushCompileCache } from "node:module";
import { createServer } from "node:net";
import type { Config } from "../config.ts";
import { start, type Running } from "../start.ts";
import { openSetup } from "../../accounts/users/setup.ts";
import { CommandError, configOf, publicUrlOf, shownHost } from "./command.ts";
import { print } from "./terminal.ts";

export function addServe(program: Command): void {
  program
    .command("serve")
    .description("run the server until SIGTERM or SIGINT")
    .action(async (_options: object, command: Command) => serve(configOf(command)));
}

async function serve(config: Config): Promise<void> {
  const running = await listenOrExplain(config, async () => {
    const port = await freePort(config);
    return start(config, { port, publicUrl: publicUrlOf(config, port) });
  });
  const told = toldToStop();
  flushCompileCache();
  print(`portcullis ready on http://${shownHost(config)}:${running.port}`);
  if (config.mode === "development") await introduce(config, running);
  await told;
  await running.stop();
}

/**
 * Finds the port before anything is opened, because without PORTCULLIS_PUBLIC_URL it is part of the
 * issuer.
 */
async function freePort(config: Config): Promise<number> {
  const probe = createServer().listen(config.port, config.host);
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  return typeof address === "object" && address !== null ? address.port : config.port;
}

async function listenOrExplain(config: Config, listen: () => Promise<Running>): Promise<Running> {
  try {
    return await listen();
  } catch (error) {
    const sentence =
      error instanceof Error && "syscall" in error && "code" in error
        ? refusals[String(error.code)]?.(config)
        : undefined;
    throw sentence === undefined ? error : new CommandError(sentence, { cause: error });
  }
}

const unknownHost = ({ host }: Config): string =>
  `This machine has no address ${host}: set PORTCULLIS_HOST to one it has, such as 127.0.0.1 or 0.0.0.0.`;

const refusals: Readonly<Record<string, (config: Config) => string>> = {
  EADDRINUSE: ({ host, port }) =>
    `Port ${port} of ${host} is in use: set PORTCULLIS_PORT to a free one, or to 0 to have one picked.`,
  EADDRNOTAVAIL: unknownHost,
  ENOTFOUND: unknownHost,
};

/**
 * Resolves at the first SIGTERM or SIGINT. A second one ends the process at once, as if there were
 * no listener.
 */
async function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    const heard = (): void => {
      process.off("SIGTERM", heard);
      process.off("SIGINT", heard);
      resolve();
    };
    process.on("SIGTERM", heard);
    process.on("SIGINT", heard);
  });
}

async function introduce(config: Config, running: Running): Promise<void> {
  const url = publicUrlOf(config, running.port);
  const setup = await openSetup(running.rules);
  print("");
  print(`  API      ${url}/v1`);
  if (config.accountPages) print(`  Account  ${url}/account`);
  if (config.docs !== "off") print(`  Docs     ${url}/docs`);
  if ((config.mail?.reveal() ?? "mailbox:") === "mailbox:") print(`  Mailbox  ${url}/dev/mailbox`);
  if (setup !== undefined)
    print(
      `  Setup    ${url}/setup#${setup}\n           creates the first superuser; good once, for an hour`,
    );
  print("");
}
