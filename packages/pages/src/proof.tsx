import { Alert, Button, Checkbox, Stack, Text } from "@mantine/core";
import { useEffect, useState, type ReactNode } from "react";
import type { AnswerOf, BodyOf } from "./api.ts";
import { canUsePasskeys, isDomException, prove } from "./passkeys.ts";
import { CodeField, Complaint, Field, Good, Refused, Send, codeOf, useForm } from "./parts.tsx";
import { settings } from "./settings.ts";
import { t } from "./text.ts";

export type FactorName = "totp" | "email" | "passkey" | "recovery_codes";
export type Prepared = AnswerOf<"POST /v1/step-up/prepare">;
export type Proof = Exclude<BodyOf<"POST /v1/step-up">, { readonly password: string }>;

interface ProofProps {
  readonly factors: readonly FactorName[];
  readonly prepare: (factor: "email" | "passkey") => Promise<Prepared>;
  readonly answer: (proof: Proof, rememberDevice: boolean) => Promise<unknown>;
  readonly mayRemember?: boolean;
}

/** Asks for one of the second factors that the user has. */
export function ProveFactor({
  factors,
  prepare,
  answer,
  mayRemember = false,
}: ProofProps): ReactNode {
  const usable = factors.filter((factor) => factor !== "passkey" || canUsePasskeys);
  const [factor, setFactor] = useState<FactorName | undefined>(
    usable.find((one) => one === "passkey") ?? usable[0],
  );
  const [remember, setRemember] = useState(false);
  if (factor === undefined) return <Complaint>{t("noPasskeys")}</Complaint>;
  const give = async (proof: Proof): Promise<unknown> => answer(proof, remember);
  return (
    <Stack>
      {factor === "passkey" ? (
        <PasskeyProof prepare={prepare} answer={give} />
      ) : (
        <CodeProof key={factor} factor={factor} prepare={prepare} answer={give} />
      )}
      {mayRemember && settings.rememberDays !== null && (
        <Checkbox
          label={t("rememberDevice", { count: settings.rememberDays })}
          checked={remember}
          onChange={(event) => setRemember(event.currentTarget.checked)}
        />
      )}
      {usable.length > 1 && (
        <Stack gap={6}>
          <Text size="sm" c="dimmed">
            {t("chooseFactor")}
          </Text>
          {usable
            .filter((one) => one !== factor)
            .map((one) => (
              <Button key={one} variant="default" onClick={() => setFactor(one)}>
                {t(`factor_${one}`)}
              </Button>
            ))}
        </Stack>
      )}
    </Stack>
  );
}

function PasskeyProof({
  prepare,
  answer,
}: {
  readonly prepare: ProofProps["prepare"];
  readonly answer: (proof: Proof) => Promise<unknown>;
}): ReactNode {
  const [cancelled, setCancelled] = useState(false);
  const form = useForm([], async () => {
    setCancelled(false);
    const prepared = await prepare("passkey");
    if (prepared.factor !== "passkey") return;
    try {
      const credential = await prove(prepared.options);
      await answer({ factor: "passkey", ceremonyId: prepared.ceremonyId, credential });
    } catch (error) {
      if (!isDomException(error, "NotAllowedError")) throw error;
      setCancelled(true);
    }
  });
  return (
    <form onSubmit={form.onSubmit} noValidate>
      <Stack>
        <Text>{t("passkeyText")}</Text>
        {cancelled && <Alert role="alert">{t("passkeyCancelled")}</Alert>}
        <Refused error={form.error} />
        <Send form={form}>{t("usePasskey")}</Send>
      </Stack>
    </form>
  );
}

const texts = { totp: "totpText", email: "emailCodeText", recovery_codes: "recoveryText" } as const;

function CodeProof({
  factor,
  prepare,
  answer,
}: {
  readonly factor: "totp" | "email" | "recovery_codes";
  readonly prepare: ProofProps["prepare"];
  readonly answer: (proof: Proof) => Promise<unknown>;
}): ReactNode {
  const form = useForm(["code"], async (values) => answer({ factor, code: codeOf(values) }));
  return (
    <form onSubmit={form.onSubmit} noValidate>
      <Stack>
        <Text>{t(texts[factor])}</Text>
        {factor === "email" && <MailCode prepare={prepare} />}
        {factor === "recovery_codes" ? (
          <Field
            form={form}
            name="code"
            label={t("factor_recovery_codes")}
            autoComplete="off"
            autoCapitalize="characters"
            spellCheck={false}
            className="code"
            maxLength={64}
            minLength={4}
            autoFocus
            required
          />
        ) : (
          <CodeField form={form} digits={factor === "totp" ? 6 : 8} />
        )}
        <Refused error={form.error} />
        <Send form={form}>{t("continue")}</Send>
      </Stack>
    </form>
  );
}

function MailCode({ prepare }: { readonly prepare: ProofProps["prepare"] }): ReactNode {
  const [resendAt, setResendAt] = useState<number>();
  const [error, setError] = useState<unknown>();
  const send = async (): Promise<void> => {
    setError(undefined);
    try {
      const prepared = await prepare("email");
      if (prepared.factor === "email") setResendAt(prepared.resendAt);
    } catch (refused) {
      setError(refused);
    }
  };
  useEffect(() => void send(), []);
  return (
    <>
      {resendAt !== undefined && <Good>{t("codeSent")}</Good>}
      <Refused error={error} />
      <Button variant="subtle" size="xs" onClick={() => void send()}>
        {t(resendAt === undefined ? "sendCode" : "sendAgain")}
      </Button>
    </>
  );
}
