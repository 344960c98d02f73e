import { Button, Stack, Text } from "@mantine/core";
import { useState, type ReactNode } from "react";
import type { AnswerOf } from "./api.ts";
import { canUsePasskeys, isDomException, make } from "./passkeys.ts";
import { CodeField, Complaint, Good, Refused, Send, codeOf, useForm } from "./parts.tsx";
import type { FactorName } from "./proof.tsx";
import { t } from "./text.ts";
import { TotpSecret } from "./totp-secret.tsx";

type Begun = AnswerOf<"POST /v1/challenges/{id}/enrol">;

/** Sets up a second factor without which the user may not sign in. */
export function Enrol({
  factors,
  begin,
  answer,
}: {
  readonly factors: readonly FactorName[];
  readonly begin: (factor: "totp" | "email" | "passkey") => Promise<Begun>;
  readonly answer: (proof: object) => Promise<unknown>;
}): ReactNode {
  const [begun, setBegun] = useState<Begun>();
  const [error, setError] = useState<unknown>();

  async function choose(factor: FactorName): Promise<void> {
    if (factor === "recovery_codes") return;
    setError(undefined);
    try {
      const started = await begin(factor);
      if (started.factor !== "passkey") return setBegun(started);
      const credential = await make(started.options);
      await answer({ factor: "passkey", ceremonyId: started.ceremonyId, credential });
    } catch (refused) {
      setError(refused);
    }
  }

  const form = useForm(["code"], async (values) =>
    answer({ factor: begun?.factor, code: codeOf(values) }),
  );
  if (begun !== undefined)
    return (
      <form onSubmit={form.onSubmit} noValidate>
        <Stack>
          {begun.factor === "totp" ? <TotpSecret totp={begun} /> : <Good>{t("codeSent")}</Good>}
          <CodeField form={form} digits={begun.factor === "totp" ? 6 : 8} />
          <Refused error={form.error} />
          <Send form={form}>{t("confirm")}</Send>
          <Button variant="subtle" onClick={() => setBegun(undefined)}>
            {t("chooseFactor")}
          </Button>
        </Stack>
      </form>
    );
  const usable = factors.filter((factor) => factor !== "passkey" || canUsePasskeys);
  return (
    <Stack>
      {usable.map((factor) => (
        <Button key={factor} variant="default" onClick={() => void choose(factor)}>
          {t(`factor_${factor}`)}
        </Button>
      ))}
      {!canUsePasskeys && <Text size="sm">{t("noPasskeys")}</Text>}
      {isDomException(error, "NotAllowedError") ? (
        <Complaint>{t("passkeyProblem")}</Complaint>
      ) : (
        <Refused error={error} />
      )}
    </Stack>
  );
}
