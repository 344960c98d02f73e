import type { Exchange } from "../exchange.ts";
import type { StepKind, StepReply } from "./step.ts";

/** Sets `exchange.answer`, or ends the exchange with the handler's refusal. */
export const handle: StepKind<unknown> = {
  name: "handle",
  build: (_deps, served) => (exchange) => {
    const reply = served.handle(exchange);
    return reply instanceof Promise
      ? reply.then((settled) => keep(exchange, settled))
      : keep(exchange, reply);
  },
};

function keep(exchange: Exchange, reply: StepReply): StepReply | undefined {
  if (reply.kind === "refused") return reply;
  exchange.answer = reply;
  return undefined;
}
