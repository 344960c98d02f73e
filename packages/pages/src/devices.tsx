import { Badge, Button } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { client, type AnswerOf } from "./api.ts";
import { deviceOf } from "./device.ts";
import { useAgain, useCall } from "./me.ts";
import { Good, Heading, Refused, Row, Section, Shown, Sure } from "./parts.tsx";
import { ago, day, t } from "./text.ts";

type Session = AnswerOf<"GET /v1/sessions">["items"][number];
type Remembered = AnswerOf<"GET /v1/me/remembered-devices">["items"][number];
type Done = "loggedOut" | "othersLoggedOut" | "forgotten_device";

export function Devices(): ReactNode {
  const sessions = useCall("GET /v1/sessions");
  const remembered = useCall("GET /v1/me/remembered-devices");
  const again = useAgain();
  const [done, setDone] = useState<Done>();
  const [error, setError] = useState<unknown>();
  const [asked, setAsked] = useState(false);

  async function act(what: Done, calls: () => Promise<unknown>): Promise<void> {
    setDone(undefined);
    setError(undefined);
    try {
      await calls();
      setDone(what);
    } catch (refused) {
      setError(refused);
    }
    await again("GET /v1/sessions", "GET /v1/me/remembered-devices");
  }
  const end = async (id: string): Promise<unknown> =>
    client.call("DELETE /v1/sessions/{id}", { params: { id } });
  const forget = async ({ id }: Remembered): Promise<unknown> =>
    client.call("DELETE /v1/me/remembered-devices/{id}", { params: { id } });

  return (
    <>
      <Heading>{t("devices")}</Heading>
      {done !== undefined && <Good>{t(done)}</Good>}
      <Refused error={error} />
      <Shown query={sessions}>
        {({ items }) => {
          const others = items.filter(({ current }) => !current);
          return (
            <>
              <Section title={t("thisDevice")}>
                <ul className="rows">
                  {items
                    .filter(({ current }) => current)
                    .map((session) => (
                      <SessionRow key={session.id} session={session} />
                    ))}
                </ul>
              </Section>
              <Section
                title={t("otherDevices")}
                text={t(others.length === 0 ? "noOthers" : "devicesText")}
                action={
                  others.length > 0 && (
                    <Button variant="default" onClick={() => setAsked(true)}>
                      {t("logOutOthers")}
                    </Button>
                  )
                }
              >
                <ul className="rows">
                  {others.map((session) => (
                    <SessionRow
                      key={session.id}
                      session={session}
                      onEnd={async () => act("loggedOut", async () => end(session.id))}
                    />
                  ))}
                </ul>
              </Section>
              {asked && (
                <Sure
                  title={t("logOutOthersTitle")}
                  text={t("logOutOthersText")}
                  button={t("logOutOthers")}
                  onClose={() => setAsked(false)}
                  act={async () => {
                    await act("othersLoggedOut", async () =>
                      Promise.all(others.map(async ({ id }) => end(id))),
                    );
                    setAsked(false);
                  }}
                />
              )}
            </>
          );
        }}
      </Shown>
      {remembered.data !== undefined && remembered.data.items.length > 0 && (
        <Section title={t("remembered")} text={t("rememberedText")}>
          <ul className="rows">
            {remembered.data.items.map((device) => (
              <Row
                key={device.id}
                title={deviceOf(device.userAgent)}
                text={t("rememberedUntil", { date: day(device.expiresAt) })}
                action={
                  <Button
                    variant="default"
                    size="xs"
                    onClick={() => void act("forgotten_device", async () => forget(device))}
                  >
                    {t("forgetDevice")}
                  </Button>
                }
              />
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

function SessionRow({
  session: { userAgent, createdAt, lastUsedAt, address, current },
  onEnd,
}: {
  readonly session: Session;
  readonly onEnd?: () => Promise<void>;
}): ReactNode {
  const [busy, setBusy] = useState(false);
  const device = deviceOf(userAgent);
  const facts = [
    t("signedInAt", { date: ago(createdAt) }),
    ...(current ? [] : [t("activeAt", { date: ago(lastUsedAt) })]),
    t("fromAddress", { address }),
  ];
  return (
    <Row
      title={device}
      text={<span title={userAgent}>{facts.join(", ")}</span>}
      badge={current && <Badge variant="light">{t("thisDevice")}</Badge>}
      action={
        onEnd !== undefined && (
          <Button
            variant="default"
            size="xs"
            loading={busy}
            aria-label={t("logOutDevice", { device })}
            onClick={() => {
              setBusy(true);
              void onEnd().finally(() => setBusy(false));
            }}
          >
            {t("logOut")}
          </Button>
        )
      }
    />
  );
}
