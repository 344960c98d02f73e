import { Button, Stack, Text } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { client } from "./api.ts";
import {
  CodeField,
  codeOf,
  EmailField,
  HiddenUsername,
  PasswordField,
  Refused,
  Screen,
  Send,
  To,
  useForm,
} from "./parts.tsx";
import type { News } from "./sign-in.tsx";
import { t } from "./text.ts";

interface Begun {
  readonly email: string;
  readonly resetId: string;
}

export function Forgotten({ onNews }: { readonly onNews: (news: News) => void }): ReactNode {
  const [begun, setBegun] = useState<Begun>();
  const footer = <To to="/account/sign-in">{t("signIn")}</To>;
  return begun === undefined ? (
    <Screen title={t("forgottenTitle")} footer={footer}>
      <Ask begun={setBegun} />
    </Screen>
  ) : (
    <Screen title={t("resetTitle")} footer={footer}>
      <Text>{t("forgottenSent", { email: begun.email })}</Text>
      <Answer begun={begun} onNews={onNews} />
      <Button variant="subtle" size="xs" onClick={() => setBegun(undefined)}>
        {t("sendAgain")}
      </Button>
    </Screen>
  );
}

function Ask({ begun }: { readonly begun: (begun: Begun) => void }): ReactNode {
  const form = useForm(["email"], async ({ email = "" }) => {
    const { resetId } = await client.call("POST /v1/password-resets", {
      body: { email: email.trim() },
    });
    begun({ email: email.trim(), resetId });
  });
  return (
    <form onSubmit={form.onSubmit} noValidate>
      <Stack>
        <Text>{t("forgottenText")}</Text>
        <EmailField form={form} autoComplete="username" />
        <Refused error={form.error} />
        <Send form={form}>{t("sendCode")}</Send>
      </Stack>
    </form>
  );
}

function Answer({
  begun: { email, resetId },
  onNews,
}: {
  readonly begun: Begun;
  readonly onNews: (news: News) => void;
}): ReactNode {
  const form = useForm(["code", "newPassword"], async (values) => {
    const { newPassword = "" } = values;
    await client.call("POST /v1/password-resets/confirm", {
      body: { resetId, code: codeOf(values), newPassword },
    });
    client.left();
    onNews("resetDone");
  });
  return (
    <form onSubmit={form.onSubmit} noValidate>
      <Stack>
        <HiddenUsername value={email} />
        <CodeField form={form} digits={8} />
        <PasswordField form={form} name="newPassword" fresh />
        <Text size="sm" c="dimmed">
          {t("forgottenEverywhere")}
        </Text>
        <Refused error={form.error} />
        <Send form={form}>{t("setPassword")}</Send>
      </Stack>
    </form>
  );
}
