import { Badge, Button, Group, NativeSelect, Stack, Text } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { client, type AnswerOf } from "./api.ts";
import { useAgain, useMe } from "./me.ts";
import {
  CodeField,
  codeOf,
  Dialog,
  EmailField,
  Field,
  Good,
  Heading,
  HiddenUsername,
  PasswordField,
  Refused,
  Row,
  Section,
  Send,
  Shown,
  useForm,
} from "./parts.tsx";
import { ProfileFields, profileFrom, profileNames } from "./profile-fields.tsx";
import { Abandoned, useGuarded } from "./step-up.tsx";
import { day, t } from "./text.ts";

type Me = AnswerOf<"GET /v1/me">;
type Change = "email" | "username" | "password";
type Done = "emailChanged" | "usernameChanged" | "passwordChanged" | "saved";

interface ChangeProps {
  readonly me: Me;
  readonly onDone: (done: Done) => void;
}

export function Profile(): ReactNode {
  const me = useMe();
  const again = useAgain();
  const [change, setChange] = useState<Change>();
  const [done, setDone] = useState<Done>();
  const close = (): void => setChange(undefined);
  const finish = (what: Done): void => {
    setChange(undefined);
    setDone(what);
    void again("GET /v1/me", "GET /v1/sessions");
  };
  const open = (what: Change): void => {
    setDone(undefined);
    setChange(what);
  };

  return (
    <>
      <Heading>{t("profile")}</Heading>
      {done !== undefined && <Good>{t(done)}</Good>}
      <Shown query={me} lines={6}>
        {(account) => (
          <>
            <Section
              title={t("signInData")}
              text={t("memberSince", { date: day(account.createdAt) })}
            >
              <ul className="rows">
                <Row
                  title={t("email")}
                  text={account.email ?? t("none")}
                  badge={
                    account.email !== null &&
                    account.emailVerifiedAt === null && (
                      <Badge color="orange" variant="light">
                        {t("notConfirmed")}
                      </Badge>
                    )
                  }
                  action={<ChangeButton title={t("changeEmail")} onClick={() => open("email")} />}
                />
                <Row
                  title={t("username")}
                  text={account.username ?? t("none")}
                  action={
                    <ChangeButton title={t("changeUsername")} onClick={() => open("username")} />
                  }
                />
                <Row
                  title={t("password")}
                  text="••••••••"
                  action={
                    <ChangeButton title={t("changePassword")} onClick={() => open("password")} />
                  }
                />
              </ul>
            </Section>
            <Section title={t("yourDetails")}>
              <Details key={account.id} me={account} onDone={finish} />
            </Section>
            {change === "email" && (
              <Dialog title={t("changeEmail")} onClose={close}>
                <ChangeEmail me={account} onDone={finish} />
              </Dialog>
            )}
            {change === "username" && (
              <Dialog title={t("changeUsername")} onClose={close}>
                <ChangeUsername me={account} onDone={finish} />
              </Dialog>
            )}
            {change === "password" && (
              <Dialog title={t("changePassword")} onClose={close}>
                <ChangePassword me={account} onDone={finish} />
              </Dialog>
            )}
          </>
        )}
      </Shown>
    </>
  );
}

function ChangeButton({
  title,
  onClick,
}: {
  readonly title: string;
  readonly onClick: () => void;
}): ReactNode {
  return (
    <Button variant="default" size="xs" aria-label={title} onClick={onClick}>
      {t("change")}
    </Button>
  );
}

const loginName = (me: Me): string => me.email ?? me.username ?? "";

function ChangeEmail({ me, onDone }: ChangeProps): ReactNode {
  const guarded = useGuarded();
  const [begun, setBegun] = useState<{ readonly email: string; readonly changeId: string }>();
  const form = useForm(["email", "password"], async ({ email = "", password = "" }) => {
    const body = { newEmail: email.trim(), ...(password !== "" && { password }) };
    const { changeId } = await guarded(async () => client.call("POST /v1/me/email", { body }));
    setBegun({ email: email.trim(), changeId });
  });
  const confirm = useForm(["code"], async (values) => {
    const changeId = begun?.changeId ?? "";
    await client.call("POST /v1/me/email/confirm", { body: { changeId, code: codeOf(values) } });
    onDone("emailChanged");
  });
  if (begun !== undefined)
    return (
      <form onSubmit={confirm.onSubmit} noValidate>
        <Stack>
          <Text>{t("changeEmailSent", { email: begun.email })}</Text>
          <CodeField form={confirm} digits={8} />
          <Refused error={confirm.error} />
          <Send form={confirm}>{t("confirm")}</Send>
        </Stack>
      </form>
    );
  return (
    <form onSubmit={form.onSubmit} noValidate>
      <Stack>
        <Text>{t("changeEmailText")}</Text>
        <EmailField form={form} label={t("newEmail")} autoComplete="email" data-autofocus />
        <HiddenUsername value={loginName(me)} />
        <PasswordField form={form} name="password" label={t("currentPassword")} required={false} />
        <Failure error={form.error} />
        <Send form={form}>{t("sendCode")}</Send>
      </Stack>
    </form>
  );
}

function ChangeUsername({ me, onDone }: ChangeProps): ReactNode {
  const guarded = useGuarded();
  const form = useForm(["username", "password"], async ({ username = "", password = "" }) => {
    const body = {
      username: username.trim() === "" ? null : username.trim(),
      ...(password !== "" && { password }),
    };
    await guarded(async () => client.call("POST /v1/me/username", { body }));
    onDone("usernameChanged");
  });
  return (
    <form onSubmit={form.onSubmit} noValidate>
      <Stack>
        <Field
          form={form}
          name="username"
          label={t("username")}
          description={t("removeUsername")}
          defaultValue={me.username ?? ""}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={64}
          data-autofocus
        />
        <PasswordField form={form} name="password" label={t("currentPassword")} required={false} />
        <Failure error={form.error} />
        <Send form={form}>{t("save")}</Send>
      </Stack>
    </form>
  );
}

function ChangePassword({ me, onDone }: ChangeProps): ReactNode {
  const guarded = useGuarded();
  const form = useForm(["password", "newPassword"], async ({ password = "", newPassword = "" }) => {
    const body = { currentPassword: password, newPassword };
    await guarded(async () => client.call("POST /v1/me/password", { body }));
    onDone("passwordChanged");
  });
  return (
    <form onSubmit={form.onSubmit} noValidate>
      <Stack>
        <Text>{t("changePasswordText")}</Text>
        <HiddenUsername value={loginName(me)} />
        <PasswordField form={form} name="password" label={t("currentPassword")} data-autofocus />
        <PasswordField form={form} name="newPassword" fresh />
        <Failure error={form.error} />
        <Send form={form}>{t("changePassword")}</Send>
      </Stack>
    </form>
  );
}

/** A user who has closed the step-up dialog needs no complaint. */
export function Failure({ error }: { readonly error: unknown }): ReactNode {
  return error instanceof Abandoned ? null : <Refused error={error} />;
}

function Details({ me, onDone }: ChangeProps): ReactNode {
  const names = [...profileNames(false), "locale"];
  const form = useForm(names, async (values) => {
    const locale = values["locale"] ?? "";
    await client.call("PATCH /v1/me", {
      body: { profile: profileFrom(values, false), locale: locale === "" ? null : locale },
    });
    onDone("saved");
  });
  const languages = [
    { value: "", label: t("languageDefault") },
    { value: "en", label: "English" },
    { value: "de", label: "Deutsch" },
  ];
  if (me.locale !== null && !languages.some(({ value }) => value === me.locale))
    languages.push({ value: me.locale, label: me.locale });
  return (
    <form onSubmit={form.onSubmit} noValidate className="narrow">
      <Stack>
        <ProfileFields form={form} values={me.profile} />
        <NativeSelect
          name="locale"
          label={t("language")}
          defaultValue={me.locale ?? ""}
          data={languages}
        />
        <Refused error={form.error} />
        <Group>
          <Button type="submit" loading={form.busy}>
            {t("save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
