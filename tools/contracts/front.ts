import { once } from "node:events";
import { createServer, connect, type AddressInfo, type Socket } from "node:net";

/** A proxy in front of the server. */
export interface Front {
  readonly url: string;
  /** Lets requests through to a port of this machine. */
  openTo(port: number): void;
  close(): Promise<void>;
}

/** The address that the server must trust. */
export const FRONT_ADDRESS = "127.0.0.1";

/**
 * Forwards every connection byte for byte, and adds a line that names its client, each time another
 * one. A replay stands for many people, who would together register and fail more often than one
 * address may.
 */
export async function startFront(): Promise<Front> {
  let backend: number | undefined;
  let clients = 0;
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (backend === undefined) return client.destroy();
    clients += 1;
    passOn(
      client,
      connect({ port: backend, host: FRONT_ADDRESS, allowHalfOpen: true }),
      addressOf(clients),
    );
    open.add(client);
    client.once("close", () => open.delete(client));
  }).listen(0, FRONT_ADDRESS);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${FRONT_ADDRESS}:${port}`,
    openTo: (to) => void (backend = to),
    close: async () => {
      server.close();
      for (const client of open) client.destroy();
      await once(server, "close");
    },
  };
}

/**
 * Takes addresses of the range for measurements (RFC 2544); neighbours are in different subnets.
 */
function addressOf(client: number): string {
  return `198.18.${client % 256}.${1 + (Math.floor(client / 256) % 254)}`;
}

function passOn(client: Socket, server: Socket, address: string): void {
  let head = Buffer.alloc(0);
  const beginning = (bytes: Buffer): void => {
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf("\r\n");
    if (end < 0) return;
    client.off("data", beginning);
    server.write(head.subarray(0, end));
    server.write(`\r\nX-Forwarded-For: ${address}`);
    server.write(head.subarray(end));
    client.pipe(server);
  };
  client.on("data", beginning);
  server.pipe(client);
  client.on("error", () => server.destroy());
  server.on("error", () => client.destroy());
  client.once("close", () => server.destroy());
}
