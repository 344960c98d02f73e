import { Stack, Text } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { client, PortcullisError } from "./api.ts";
import {
  Complaint,
  EmailField,
  Good,
  PasswordField,
  Refused,
  Screen,
  Send,
  To,
  useForm,
  type Form,
} from "./parts.tsx";
import { refusal, t } from "./text.ts";
import type { Key } from "./messages/en.ts";

/**
 * The token of a link that a mail or the console has shown. It is taken out of the address at once,
 * so that neither the history nor a copied address has it. No request is made before the user
 * presses the button, because programs that scan mail open links, too (RG-07).
 */
let token = "";
export function takeToken(): void {
  if (!/\/(?:confirm|reset|email|undo|setup)$/.test(location.pathname)) return;
  token = location.hash.slice(1);
  history.replaceState(history.state, "", location.pathname);
  addEventListener("hashchange", () => location.reload());
}

interface LinkProps {
  readonly title: Key;
  readonly text: Key;
  readonly button: Key;
  readonly done: Key;
  readonly next: string;
  readonly names: readonly string[];
  readonly fields?: (form: Form) => ReactNode;
  readonly send: (token: string, values: Readonly<Record<string, string>>) => Promise<unknown>;
}

/** After these refusals the link is of no more use, and the page offers the way on. */
const final: readonly string[] = [
  "invalid_link",
  "link_used",
  "link_expired",
  "link_void",
  "setup_closed",
  "registration_closed",
];

function LinkPage(props: LinkProps): ReactNode {
  const [outcome, setOutcome] = useState<"open" | "done" | "over">("open");
  const [reason, setReason] = useState("");
  const form = useForm(props.names, async (values) => {
    try {
      await props.send(token, values);
      token = "";
      setOutcome("done");
    } catch (error) {
      if (!(error instanceof PortcullisError) || !final.includes(error.code)) throw error;
      setReason(refusal(error));
      setOutcome("over");
    }
  });
  const wayOn = (
    <To to={props.next}>{t(props.next.endsWith("sign-in") ? "signIn" : wayOnOf(props.next))}</To>
  );
  if (outcome === "done")
    return (
      <Screen title={t(props.title)} footer={<To to="/account/sign-in">{t("signIn")}</To>}>
        <Good>{t(props.done)}</Good>
      </Screen>
    );
  if (outcome === "over" || token === "")
    return (
      <Screen title={t(props.title)} footer={wayOn}>
        <Complaint>{outcome === "over" ? reason : t("error_link_incomplete")}</Complaint>
      </Screen>
    );
  return (
    <Screen title={t(props.title)}>
      <Text>{t(props.text)}</Text>
      <form onSubmit={form.onSubmit} noValidate>
        <Stack>
          {props.fields?.(form)}
          <Refused error={form.error} />
          <Send form={form}>{t(props.button)}</Send>
        </Stack>
      </form>
    </Screen>
  );
}

const wayOnOf = (path: string): Key => (path.endsWith("register") ? "register" : "forgotten");

export const ConfirmLink = (): ReactNode => (
  <LinkPage
    title="confirmTitle"
    text="confirmLinkText"
    button="confirm"
    done="confirmed"
    next="/account/register"
    names={["password"]}
    fields={(form) => <PasswordField form={form} name="password" />}
    send={async (linkToken, { password = "" }) =>
      client.call("POST /v1/users/confirm/link", { body: { token: linkToken, password } })
    }
  />
);

export const ResetLink = (): ReactNode => (
  <LinkPage
    title="resetTitle"
    text="resetLinkText"
    button="setPassword"
    done="resetDone"
    next="/account/forgotten"
    names={["newPassword"]}
    fields={(form) => <PasswordField form={form} name="newPassword" fresh />}
    send={async (linkToken, { newPassword = "" }) =>
      client.call("POST /v1/password-resets/confirm", { body: { token: linkToken, newPassword } })
    }
  />
);

export const EmailLink = (): ReactNode => (
  <LinkPage
    title="emailLinkTitle"
    text="emailLinkText"
    button="confirm"
    done="emailLinkDone"
    next="/account/sign-in"
    names={["password"]}
    fields={(form) => <PasswordField form={form} name="password" />}
    send={async (linkToken, { password = "" }) =>
      client.call("POST /v1/email-changes/confirm", { body: { token: linkToken, password } })
    }
  />
);

export const UndoLink = (): ReactNode => (
  <LinkPage
    title="undoTitle"
    text="undoText"
    button="undo"
    done="undoDone"
    next="/account/sign-in"
    names={[]}
    send={async (linkToken) =>
      client.call("POST /v1/email-changes/undo", { body: { token: linkToken } })
    }
  />
);

export const SetupLink = (): ReactNode => (
  <LinkPage
    title="setupTitle"
    text="setupText"
    button="setupButton"
    done="setupDone"
    next="/account/sign-in"
    names={["email", "password"]}
    fields={(form) => (
      <>
        <EmailField form={form} autoComplete="username" />
        <PasswordField form={form} name="password" label={t("password")} fresh />
      </>
    )}
    send={async (setupToken, { email = "", password = "" }) =>
      client.call("POST /v1/setup", { body: { setupToken, email: email.trim(), password } })
    }
  />
);
