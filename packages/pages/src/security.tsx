import { Alert, Badge, Button, Checkbox, Stack, Text } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { client, type AnswerOf } from "./api.ts";
import { useAgain, useCall } from "./me.ts";
import {
  CodeField,
  codeOf,
  Complaint,
  Dialog,
  Field,
  Good,
  Heading,
  Refused,
  Row,
  Section,
  Send,
  Shown,
  Sure,
  useForm,
} from "./parts.tsx";
import { canUsePasskeys, isDomException, make, signalAccepted } from "./passkeys.ts";
import { RecoveryCodes } from "./recovery-codes.tsx";
import { settings } from "./settings.ts";
import { Abandoned, useGuarded } from "./step-up.tsx";
import { ago, day, t } from "./text.ts";
import type { Key } from "./messages/en.ts";
import { TotpSecret } from "./totp-secret.tsx";

type Factors = AnswerOf<"GET /v1/me/factors">;
type Passkey = Factors["passkeys"][number];
type Totp = AnswerOf<"POST /v1/me/factors/totp">;

type Open =
  | { readonly kind: "renamePasskey" | "removePasskey"; readonly passkey: Passkey }
  | { readonly kind: "removeTotp"; readonly id: string; readonly name: string }
  | { readonly kind: "totp"; readonly totp: Totp }
  | { readonly kind: "email" | "removeEmail" | "codes" | "removePassword" }
  | { readonly kind: "newCodes"; readonly codes: readonly string[] };

export function Security(): ReactNode {
  const factors = useCall("GET /v1/me/factors");
  const again = useAgain();
  const guarded = useGuarded();
  const [open, setOpen] = useState<Open>();
  const [done, setDone] = useState<Key>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState<string>();

  const finish = async (what: Key, codes: readonly string[] | null = null): Promise<void> => {
    setDone(what);
    setOpen(codes === null ? undefined : { kind: "newCodes", codes });
    await again("GET /v1/me/factors", "GET /v1/sessions");
  };
  const close = (): void => setOpen(undefined);

  async function act(name: string, what: () => Promise<void>): Promise<void> {
    setDone(undefined);
    setError(undefined);
    setBusy(name);
    try {
      await what();
    } catch (refused) {
      if (!(refused instanceof Abandoned)) setError(refused);
    } finally {
      setBusy(undefined);
    }
  }

  const addPasskey = async (): Promise<void> => {
    const { ceremonyId, options } = await guarded(async () =>
      client.call("POST /v1/me/factors/passkeys/start"),
    );
    const credential = await make(options);
    const { recoveryCodes } = await guarded(async () =>
      client.call("POST /v1/me/factors/passkeys", { body: { ceremonyId, credential } }),
    );
    await finish("passkeyAdded", recoveryCodes);
  };
  const addTotp = async (): Promise<void> => {
    const totp = await guarded(async () => client.call("POST /v1/me/factors/totp", { body: {} }));
    setOpen({ kind: "totp", totp });
  };
  const addEmail = async (): Promise<void> => {
    await guarded(async () => client.call("POST /v1/me/factors/email"));
    setOpen({ kind: "email" });
  };

  if (!settings.factors)
    return (
      <>
        <Heading>{t("security")}</Heading>
        <Alert>{t("factorsOff")}</Alert>
      </>
    );
  return (
    <>
      <Heading>{t("security")}</Heading>
      {done !== undefined && <Good>{t(done)}</Good>}
      <PasskeyFailure error={error} />
      <Shown query={factors} lines={8}>
        {(list) => (
          <>
            {list.required && <Alert>{t("factorRequired")}</Alert>}
            <Passkeys
              list={list.passkeys}
              busy={busy === "passkey"}
              onAdd={() => void act("passkey", addPasskey)}
              onOpen={setOpen}
            />
            <Section
              title={t("totp")}
              text={t("secondStepsText")}
              action={
                <Button
                  variant="default"
                  loading={busy === "totp"}
                  onClick={() => void act("totp", addTotp)}
                >
                  {t("addTotp")}
                </Button>
              }
            >
              {list.totp.length === 0 ? (
                <Text size="sm">{t("noTotp")}</Text>
              ) : (
                <ul className="rows">
                  {list.totp.map(({ id, name, createdAt }) => (
                    <Row
                      key={id}
                      title={name}
                      text={t("createdAt", { date: day(createdAt) })}
                      action={
                        <RemoveButton
                          name={name}
                          onClick={() => setOpen({ kind: "removeTotp", id, name })}
                        />
                      }
                    />
                  ))}
                </ul>
              )}
            </Section>
            {(settings.emailCodes || list.email !== null) && (
              <Section
                title={t("emailCodes")}
                text={t("emailCodesText")}
                action={
                  list.email === null ? (
                    <Button
                      variant="default"
                      loading={busy === "email"}
                      onClick={() => void act("email", addEmail)}
                    >
                      {t("turnOn")}
                    </Button>
                  ) : (
                    <Button variant="default" onClick={() => setOpen({ kind: "removeEmail" })}>
                      {t("turnOff")}
                    </Button>
                  )
                }
              >
                <Text size="sm">
                  {list.email === null
                    ? t("emailCodesOff")
                    : t("emailCodesOn", { date: day(list.email.createdAt) })}
                </Text>
              </Section>
            )}
            <Section
              title={t("recoveryCodes")}
              text={t("recoveryCodesText")}
              action={
                list.recoveryCodes !== null && (
                  <Button variant="default" onClick={() => setOpen({ kind: "codes" })}>
                    {t("makeCodes")}
                  </Button>
                )
              }
            >
              <CodesLeft codes={list.recoveryCodes} />
            </Section>
            {list.passkeys.length > 0 && (
              <Section
                title={t("removePassword")}
                text={t("removePasswordText")}
                action={
                  <Button variant="default" onClick={() => setOpen({ kind: "removePassword" })}>
                    {t("remove")}
                  </Button>
                }
              />
            )}
          </>
        )}
      </Shown>
      {open !== undefined && <OpenDialog open={open} onClose={close} finish={finish} />}
    </>
  );
}

function PasskeyFailure({ error }: { readonly error: unknown }): ReactNode {
  if (isDomException(error, "InvalidStateError")) return <Complaint>{t("passkeyKnown")}</Complaint>;
  if (error instanceof DOMException) return <Complaint>{t("passkeyProblem")}</Complaint>;
  return <Refused error={error} />;
}

function CodesLeft({ codes }: { readonly codes: Factors["recoveryCodes"] }): ReactNode {
  if (codes === null) return <Text size="sm">{t("recoveryCodesNone")}</Text>;
  return codes.few ? (
    <Alert color="orange">{t("recoveryCodesFew", { count: codes.left })}</Alert>
  ) : (
    <Text size="sm">{t("recoveryCodesLeft", { count: codes.left })}</Text>
  );
}

function RemoveButton({
  name,
  onClick,
}: {
  readonly name: string;
  readonly onClick: () => void;
}): ReactNode {
  return (
    <Button variant="default" size="xs" aria-label={`${t("remove")}: ${name}`} onClick={onClick}>
      {t("remove")}
    </Button>
  );
}

function Passkeys({
  list,
  busy,
  onAdd,
  onOpen,
}: {
  readonly list: readonly Passkey[];
  readonly busy: boolean;
  readonly onAdd: () => void;
  readonly onOpen: (open: Open) => void;
}): ReactNode {
  return (
    <Section
      title={t("passkeys")}
      text={t("passkeysText")}
      action={
        canUsePasskeys && (
          <Button loading={busy} onClick={onAdd}>
            {t("addPasskey")}
          </Button>
        )
      }
    >
      {!canUsePasskeys && <Alert color="orange">{t("noPasskeys")}</Alert>}
      {list.length === 0 ? (
        <Text size="sm">{t("noPasskeysYet")}</Text>
      ) : (
        <ul className="rows">
          {list.map((passkey) => (
            <PasskeyRow key={passkey.id} passkey={passkey} onOpen={onOpen} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function PasskeyRow({
  passkey,
  onOpen,
}: {
  readonly passkey: Passkey;
  readonly onOpen: (open: Open) => void;
}): ReactNode {
  const { name, createdAt, lastUsedAt, synced, suspectSince } = passkey;
  const used = lastUsedAt === null ? t("neverUsed") : t("lastUsed", { date: ago(lastUsedAt) });
  return (
    <>
      <Row
        title={name}
        text={`${t("createdAt", { date: day(createdAt) })}, ${used}`}
        badge={<Badge variant="light">{t(synced ? "passkeySynced" : "passkeyBound")}</Badge>}
        action={
          <div className="actions">
            <Button
              variant="default"
              size="xs"
              aria-label={`${t("rename")}: ${name}`}
              onClick={() => onOpen({ kind: "renamePasskey", passkey })}
            >
              {t("rename")}
            </Button>
            <RemoveButton name={name} onClick={() => onOpen({ kind: "removePasskey", passkey })} />
          </div>
        }
      />
      {suspectSince !== null && (
        <li>
          <Alert color="orange">{t("passkeySuspect")}</Alert>
        </li>
      )}
    </>
  );
}

interface DialogProps {
  readonly onClose: () => void;
  readonly finish: (what: Key, codes?: readonly string[] | null) => Promise<void>;
}

function OpenDialog({ open, ...props }: DialogProps & { readonly open: Open }): ReactNode {
  const { onClose, finish } = props;
  switch (open.kind) {
    case "renamePasskey":
      return <RenamePasskey passkey={open.passkey} {...props} />;
    case "removePasskey":
      return (
        <Removal
          title={t("removePasskeyTitle")}
          text={t("removePasskeyText", { name: open.passkey.name })}
          onClose={onClose}
          act={async (query) => {
            const { id } = open.passkey;
            await client.call("DELETE /v1/me/factors/passkeys/{id}", { params: { id }, query });
            await finish("passkeyRemoved");
            // The browser need not know, and the passkey is removed in any case.
            await signalAccepted().catch(() => undefined);
          }}
        />
      );
    case "removeTotp":
      return (
        <Removal
          title={t("removeTotpTitle")}
          text={t("removeTotpText", { name: open.name })}
          onClose={onClose}
          act={async (query) => {
            await client.call("DELETE /v1/me/factors/totp/{id}", {
              params: { id: open.id },
              query,
            });
            await finish("factorRemoved");
          }}
        />
      );
    case "removeEmail":
      return (
        <Removal
          title={t("turnOffEmailTitle")}
          text={t("emailCodesText")}
          onClose={onClose}
          act={async (query) => {
            await client.call("DELETE /v1/me/factors/email", { query });
            await finish("emailCodesRemoved");
          }}
        />
      );
    case "totp":
      return <ConfirmTotp totp={open.totp} {...props} />;
    case "email":
      return <ConfirmEmail {...props} />;
    case "codes":
      return <MakeCodes {...props} />;
    case "removePassword":
      return <RemovePassword {...props} />;
    case "newCodes":
      return (
        <Dialog title={t("yourCodes")} onClose={onClose}>
          <RecoveryCodes codes={open.codes} onDone={onClose} />
        </Dialog>
      );
  }
}

function Removal({
  title,
  text,
  act,
  onClose,
}: {
  readonly title: string;
  readonly text: string;
  readonly act: (query: { readonly endOtherSessions: string }) => Promise<void>;
  readonly onClose: () => void;
}): ReactNode {
  const guarded = useGuarded();
  const [endOthers, setEndOthers] = useState(false);
  return (
    <Sure
      title={title}
      text={text}
      button={t("remove")}
      onClose={onClose}
      act={async () => guarded(async () => act({ endOtherSessions: String(endOthers) }))}
    >
      <Checkbox
        label={t("endOthers")}
        checked={endOthers}
        onChange={(event) => setEndOthers(event.currentTarget.checked)}
      />
    </Sure>
  );
}

function RenamePasskey({
  passkey,
  onClose,
  finish,
}: DialogProps & { readonly passkey: Passkey }): ReactNode {
  const guarded = useGuarded();
  const form = useForm(["name"], async ({ name = "" }) => {
    const params = { id: passkey.id };
    await guarded(async () =>
      client.call("PATCH /v1/me/factors/passkeys/{id}", { params, body: { name: name.trim() } }),
    );
    await finish("saved");
  });
  return (
    <Dialog title={t("rename")} onClose={onClose}>
      <form onSubmit={form.onSubmit} noValidate>
        <Stack>
          <Field
            form={form}
            name="name"
            label={t("passkeyName")}
            defaultValue={passkey.name}
            autoComplete="off"
            maxLength={64}
            required
            data-autofocus
          />
          <Refused error={form.error} />
          <Send form={form}>{t("save")}</Send>
        </Stack>
      </form>
    </Dialog>
  );
}

function ConfirmTotp({ totp, onClose, finish }: DialogProps & { readonly totp: Totp }): ReactNode {
  const guarded = useGuarded();
  const form = useForm(["code"], async (values) => {
    const { recoveryCodes } = await guarded(async () =>
      client.call("POST /v1/me/factors/totp/{id}/confirm", {
        params: { id: totp.id },
        body: { code: codeOf(values) },
      }),
    );
    await finish("totpAdded", recoveryCodes);
  });
  return (
    <Dialog title={t("addTotp")} onClose={onClose}>
      <form onSubmit={form.onSubmit} noValidate>
        <Stack>
          <TotpSecret totp={totp} />
          <CodeField form={form} digits={6} data-autofocus />
          <Refused error={form.error} />
          <Send form={form}>{t("confirm")}</Send>
        </Stack>
      </form>
    </Dialog>
  );
}

function ConfirmEmail({ onClose, finish }: DialogProps): ReactNode {
  const guarded = useGuarded();
  const form = useForm(["code"], async (values) => {
    const { recoveryCodes } = await guarded(async () =>
      client.call("POST /v1/me/factors/email/confirm", { body: { code: codeOf(values) } }),
    );
    await finish("emailCodesAdded", recoveryCodes);
  });
  return (
    <Dialog title={t("emailCodes")} onClose={onClose}>
      <form onSubmit={form.onSubmit} noValidate>
        <Stack>
          <Text>{t("emailCodeText")}</Text>
          <CodeField form={form} digits={8} data-autofocus />
          <Refused error={form.error} />
          <Send form={form}>{t("confirm")}</Send>
        </Stack>
      </form>
    </Dialog>
  );
}

function MakeCodes({ onClose, finish }: DialogProps): ReactNode {
  const guarded = useGuarded();
  return (
    <Sure
      title={t("makeCodesTitle")}
      text={t("makeCodesText")}
      button={t("makeCodes")}
      onClose={onClose}
      act={async () => {
        const { recoveryCodes } = await guarded(async () =>
          client.call("POST /v1/me/factors/recovery-codes"),
        );
        await finish("saved", recoveryCodes);
      }}
    />
  );
}

function RemovePassword({ onClose, finish }: DialogProps): ReactNode {
  const guarded = useGuarded();
  return (
    <Sure
      title={t("removePassword")}
      text={t("removePasswordText")}
      button={t("remove")}
      onClose={onClose}
      act={async () => {
        await guarded(async () => client.call("DELETE /v1/me/password"));
        await finish("removePasswordDone");
      }}
    />
  );
}
