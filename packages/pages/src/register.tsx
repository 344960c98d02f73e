import { Button, Stack, Text } from "@mantine/core";
import { useEffect, useState, type ReactNode } from "react";
import { client, type AnswerOf } from "./api.ts";
import {
  CodeField,
  codeOf,
  EmailField,
  Field,
  Good,
  HiddenUsername,
  PasswordField,
  Refused,
  Screen,
  Send,
  To,
  useForm,
} from "./parts.tsx";
import { ProfileFields, profileFrom, profileNames } from "./profile-fields.tsx";
import { settings } from "./settings.ts";
import type { News } from "./sign-in.tsx";
import { t } from "./text.ts";

type Answer = AnswerOf<"POST /v1/users">;
interface Begun {
  readonly email: string;
  readonly registrationId: string;
  readonly clientSecret: string;
}

export function Register({ onNews }: { readonly onNews: (news: News) => void }): ReactNode {
  const [begun, setBegun] = useState<Begun>();
  if (settings.registration === "closed")
    return (
      <Screen title={t("registrationClosed")} footer={<To to="/account/sign-in">{t("signIn")}</To>}>
        <Text>{t("registrationClosedText")}</Text>
      </Screen>
    );
  if (begun !== undefined)
    return <Confirm begun={begun} again={() => setBegun(undefined)} onNews={onNews} />;
  return (
    <Screen
      title={t("registerAt", { service: settings.serviceName })}
      footer={
        <>
          {t("haveAccount")} <To to="/account/sign-in">{t("signIn")}</To>
        </>
      }
    >
      <Details begun={setBegun} onNews={onNews} />
    </Screen>
  );
}

function Details({
  begun,
  onNews,
}: {
  readonly begun: (begun: Begun) => void;
  readonly onNews: (news: News) => void;
}): ReactNode {
  const names = [
    "email",
    ...(settings.usernames ? ["username"] : []),
    ...profileNames(true),
    "password",
  ];
  const form = useForm(names, async (values) => {
    const { email = "", username = "", password = "" } = values;
    const profile = profileFrom(values, true);
    const answer: Answer = await client.call("POST /v1/users", {
      body: {
        email: email.trim(),
        password,
        locale: settings.language,
        ...(username.trim() !== "" && { username: username.trim() }),
        ...(Object.keys(profile).length > 0 && { profile }),
      },
    });
    if ("registrationId" in answer) begun({ email: email.trim(), ...answer });
    else onNews("confirmed");
  });
  return (
    <form onSubmit={form.onSubmit} noValidate>
      <Stack>
        <EmailField form={form} autoComplete={settings.usernames ? "email" : "username"} />
        {settings.usernames && (
          <Field
            form={form}
            name="username"
            label={t("username")}
            description={t("usernameHint")}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={64}
          />
        )}
        <ProfileFields form={form} onlyRequired />
        <PasswordField form={form} name="password" label={t("password")} fresh />
        <Refused error={form.error} />
        <Send form={form}>{t("register")}</Send>
      </Stack>
    </form>
  );
}

const POLL_MILLISECONDS = 3000;

function Confirm({
  begun: { email, registrationId, clientSecret },
  again,
  onNews,
}: {
  readonly begun: Begun;
  readonly again: () => void;
  readonly onNews: (news: News) => void;
}): ReactNode {
  const [resent, setResent] = useState(false);
  const begun = { registrationId, clientSecret };
  const form = useForm(["code"], async (values) => {
    await client.call("POST /v1/users/confirm", { body: { ...begun, code: codeOf(values) } });
    onNews("confirmed");
  });
  const resend = useForm([], async () => {
    await client.call("POST /v1/users/confirm/resend", { body: begun });
    setResent(true);
  });
  // The link in the mail may be opened on another device; this page then goes on by itself.
  useEffect(() => {
    const timer = window.setInterval(() => {
      if (document.hidden) return;
      client.call("POST /v1/users/confirm/status", { body: begun }).then(
        ({ state }) => state === "confirmed" && onNews("confirmedElsewhere"),
        () => undefined,
      );
    }, POLL_MILLISECONDS);
    return () => window.clearInterval(timer);
  }, []);
  return (
    <Screen
      title={t("confirmTitle")}
      footer={
        <Button variant="subtle" onClick={again}>
          {t("otherAddress")}
        </Button>
      }
    >
      <Text>{t("confirmText", { email })}</Text>
      <form onSubmit={form.onSubmit} noValidate>
        <Stack>
          <HiddenUsername value={email} />
          <CodeField form={form} digits={8} />
          <Refused error={form.error} />
          <Send form={form}>{t("confirm")}</Send>
        </Stack>
      </form>
      {resent && <Good>{t("resent")}</Good>}
      <Refused error={resend.error} />
      <form onSubmit={resend.onSubmit}>
        <Button type="submit" variant="subtle" size="xs" loading={resend.busy}>
          {t("sendAgain")}
        </Button>
      </form>
    </Screen>
  );
}
