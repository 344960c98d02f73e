import { Button, Checkbox, Divider, Stack, Text } from "@mantine/core";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { client, PortcullisError, type AnswerOf } from "./api.ts";
import { Enrol } from "./enrol.tsx";
import { canAutofill, canUsePasskeys, isDomException, signInWithPasskey } from "./passkeys.ts";
import {
  Complaint,
  Field,
  Good,
  PasswordField,
  Refused,
  Screen,
  Send,
  To,
  useForm,
} from "./parts.tsx";
import { ProveFactor, type Proof } from "./proof.tsx";
import { RecoveryCodes } from "./recovery-codes.tsx";
import { onwards, wasRefused } from "./return-to.ts";
import { settings } from "./settings.ts";
import { canStore } from "./storage.ts";
import { t } from "./text.ts";

type Challenge = Extract<AnswerOf<"POST /v1/sessions">, { readonly challengeId: string }>;

/** What another page has just done for the user, told above the form. */
export type News = "confirmed" | "resetDone" | "setupDone" | "deleted" | "confirmedElsewhere";

export function SignIn({ news }: { readonly news?: News | undefined }): ReactNode {
  const [challenge, setChallenge] = useState<Challenge>();
  const keep = useRef(true);
  if (challenge !== undefined)
    return (
      <SecondStep challenge={challenge} keep={keep.current} again={() => setChallenge(undefined)} />
    );
  return (
    <Screen
      title={t("signInTo", { service: settings.serviceName })}
      footer={
        settings.registration !== "closed" && (
          <>
            {t("noAccount")} <To to="/account/register">{t("register")}</To>
          </>
        )
      }
    >
      {news !== undefined && <Good>{t(news)}</Good>}
      {wasRefused() && <Complaint>{t("error_return_refused")}</Complaint>}
      {!canStore && <Complaint>{t("storageBlocked")}</Complaint>}
      <Credentials keep={keep} challenged={setChallenge} />
    </Screen>
  );
}

function Credentials({
  keep,
  challenged,
}: {
  readonly keep: { current: boolean };
  readonly challenged: (challenge: Challenge) => void;
}): ReactNode {
  const passkey = usePasskey(keep);
  const form = useForm(["identifier", "password"], async ({ identifier = "", password = "" }) => {
    const answer = await client.call("POST /v1/sessions", {
      keep: keep.current,
      body: { identifier: identifier.trim(), password, ...client.deviceTokens() },
    });
    passkey.stop();
    if ("challengeId" in answer) challenged(answer);
    else enter(answer);
  });
  return (
    <form onSubmit={form.onSubmit} noValidate>
      <Stack>
        <Field
          form={form}
          name="identifier"
          label={t("identifier")}
          autoComplete={canUsePasskeys ? "username webauthn" : "username"}
          autoCapitalize="none"
          spellCheck={false}
          maxLength={254}
          required
        />
        <div>
          <PasswordField form={form} name="password" />
          <Text size="sm" mt={6}>
            <To to="/account/forgotten">{t("forgotten")}</To>
          </Text>
        </div>
        <Checkbox
          label={t("keepSignedIn")}
          description={t("keepHint")}
          defaultChecked
          onChange={(event) => (keep.current = event.currentTarget.checked)}
        />
        <Refused error={form.error} />
        <Send form={form}>{t("signIn")}</Send>
        {canUsePasskeys && (
          <>
            <Divider label={t("or")} />
            {passkey.cancelled && <Complaint>{t("passkeyCancelled")}</Complaint>}
            <Refused error={passkey.error} />
            <Button variant="default" onClick={passkey.ask}>
              {t("passkeySignIn")}
            </Button>
          </>
        )}
      </Stack>
    </form>
  );
}

/** Passkeys are offered while the name is typed, and in a window of their own by a button. */
function usePasskey(keep: { readonly current: boolean }) {
  const running = useRef<AbortController>(undefined);
  const [cancelled, setCancelled] = useState(false);
  const [error, setError] = useState<unknown>();

  async function begin(autofill: boolean): Promise<void> {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const { signal } = controller;
    try {
      enter(await signInWithPasskey({ autofill, keep: () => keep.current, signal }));
    } catch (refused) {
      if (signal.aborted) return;
      if (isDomException(refused, "NotAllowedError")) setCancelled(!autofill);
      else if (!autofill || refused instanceof PortcullisError) setError(refused);
      if (!autofill && (await canAutofill())) void begin(true);
    }
  }

  useEffect(() => {
    void canAutofill().then(async (can) => (can ? begin(true) : undefined));
    return () => running.current?.abort();
  }, []);

  return {
    cancelled,
    error,
    stop: () => running.current?.abort(),
    ask: () => {
      setCancelled(false);
      setError(undefined);
      void begin(false);
    },
  };
}

function enter(answer: object): void {
  client.signedIn(answer);
  onwards();
}

function SecondStep({
  challenge,
  keep,
  again,
}: {
  readonly challenge: Challenge;
  readonly keep: boolean;
  readonly again: () => void;
}): ReactNode {
  const [codes, setCodes] = useState<{
    readonly list: readonly string[];
    readonly answer: object;
  }>();
  const { challengeId, challengeSecret } = challenge;
  const params = { id: challengeId };
  const mustEnrol = challenge.factors.length === 0;

  async function answer(proof: Proof | object, rememberDevice: boolean): Promise<void> {
    // oxlint-disable-next-line typescript/consistent-type-assertions -- one of the three kinds of proof
    const body = { challengeSecret, rememberDevice, ...proof } as never;
    const given = await client.call("POST /v1/challenges/{id}", { params, keep, body });
    if (given.recoveryCodes === null) return enter(given);
    setCodes({ list: given.recoveryCodes, answer: given });
  }

  if (codes !== undefined)
    return (
      <Screen title={t("yourCodes")}>
        <RecoveryCodes codes={codes.list} onDone={() => enter(codes.answer)} />
      </Screen>
    );
  return (
    <Screen
      title={t(mustEnrol ? "enrolTitle" : "secondStep")}
      footer={
        <Button variant="subtle" onClick={again}>
          {t("back")}
        </Button>
      }
    >
      <Text>{t(mustEnrol ? "enrolText" : "secondStepText")}</Text>
      {mustEnrol ? (
        <Enrol
          factors={challenge.enrol}
          begin={async (factor) =>
            client.call("POST /v1/challenges/{id}/enrol", {
              params,
              body: { challengeSecret, factor },
            })
          }
          answer={async (proof) => answer(proof, false)}
        />
      ) : (
        <ProveFactor
          factors={challenge.factors}
          mayRemember
          prepare={async (factor) =>
            client.call("POST /v1/challenges/{id}/prepare", {
              params,
              body: { challengeSecret, factor },
            })
          }
          answer={answer}
        />
      )}
    </Screen>
  );
}
