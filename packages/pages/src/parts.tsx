import {
  Alert,
  Anchor,
  Button,
  Group,
  Modal,
  Paper,
  PasswordInput,
  Skeleton,
  Stack,
  Text,
  TextInput,
  Title,
  type PasswordInputProps,
  type TextInputProps,
} from "@mantine/core";
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { Link } from "wouter";
import { PortcullisError } from "./api.ts";
import { settings } from "./settings.ts";
import { refusal, t } from "./text.ts";

/** Moves the focus to the heading of a page that was opened without loading a document. */
export function Heading({ children }: { readonly children: ReactNode }): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${heading.current?.textContent ?? ""} · ${settings.serviceName}`;
    if (navigations > 0) heading.current?.focus();
    navigations += 1;
  }, [children]);
  return (
    <Title order={1} size="h2" ref={heading} tabIndex={-1} className="heading">
      {children}
    </Title>
  );
}
let navigations = 0;

/** A page that stands alone: signing in, registering, and what links in mail open. */
export function Screen({
  title,
  children,
  footer,
}: {
  readonly title: string;
  readonly children: ReactNode;
  readonly footer?: ReactNode;
}): ReactNode {
  return (
    <div className="screen">
      <Paper className="card" withBorder radius="md">
        <Stack gap="md">
          <Heading>{title}</Heading>
          {children}
        </Stack>
      </Paper>
      {footer !== undefined && (
        <Text ta="center" size="sm" className="under">
          {footer}
        </Text>
      )}
    </div>
  );
}

export function To({
  to,
  children,
}: {
  readonly to: string;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <Anchor component={Link} to={to} inherit underline="always">
      {children}
    </Anchor>
  );
}

export function Refused({ error }: { readonly error: unknown }): ReactNode {
  if (error === undefined || error === null) return null;
  return <Complaint>{refusal(error)}</Complaint>;
}

export function Complaint({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <Alert color="red" variant="light" role="alert">
      {children}
    </Alert>
  );
}

export function Good({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <Alert color="green" variant="light" role="status">
      {children}
    </Alert>
  );
}

/** These refusals are about one field, which is told beside it. */
const fieldOf: Readonly<Record<string, string>> = {
  wrong_password: "password",
  unacceptable_password: "newPassword",
  email_taken: "email",
  username_taken: "username",
  invalid_code: "code",
  code_expired: "code",
  code_used: "code",
  code_exhausted: "code",
};

function errorsIn(error: unknown, names: readonly string[]): Record<string, string> {
  if (!(error instanceof PortcullisError)) return {};
  const { code, problem } = error;
  const found: Record<string, string> = {};
  const name = fieldOf[code];
  const place = name === "newPassword" && !names.includes(name) ? "password" : name;
  if (place !== undefined && names.includes(place)) found[place] = refusal(error);
  for (const { pointer = "", detail } of code === "invalid_input" ? (problem.errors ?? []) : []) {
    const member = pointer === "/newEmail" ? "email" : pointer.slice(1).replaceAll("/", ".");
    if (names.includes(member))
      found[member] = member === "email" ? t("emailInvalid") : (detail ?? refusal(error));
  }
  return found;
}

export interface Form {
  readonly busy: boolean;
  readonly error: unknown;
  readonly errors: Readonly<Record<string, string>>;
  readonly onSubmit: (event: FormEvent<HTMLFormElement>) => void;
  readonly clear: (name: string) => void;
}

/**
 * Handles a form: what is missing or refused is told beside its field, and the first such field
 * gets the focus.
 */
export function useForm(
  names: readonly string[],
  act: (values: Readonly<Record<string, string>>) => Promise<unknown>,
): Form {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({});

  function fail(form: HTMLFormElement, found: Readonly<Record<string, string>>): void {
    setErrors(found);
    const first = names.find((name) => found[name] !== undefined);
    if (first === undefined) return;
    const field = form.elements.namedItem(first);
    if (field instanceof HTMLElement) field.focus();
  }

  async function submit(form: HTMLFormElement): Promise<void> {
    const values: Record<string, string> = {};
    for (const name of names) values[name] = textOf(new FormData(form).get(name));
    setError(undefined);
    const missing = Object.fromEntries(
      names.filter((name) => isMissing(form, name)).map((name) => [name, complaintOf(form, name)]),
    );
    if (Object.keys(missing).length > 0) return fail(form, missing);
    setErrors({});
    setBusy(true);
    try {
      await act(values);
    } catch (refused) {
      const found = errorsIn(refused, names);
      if (Object.keys(found).length === 0) setError(refused);
      fail(form, found);
    } finally {
      setBusy(false);
    }
  }

  return {
    busy,
    error,
    errors,
    onSubmit: (event) => {
      event.preventDefault();
      if (!busy) void submit(event.currentTarget);
    },
    clear: (name) => {
      if (errors[name] !== undefined) setErrors({ ...errors, [name]: "" });
    },
  };
}

const textOf = (entry: FormDataEntryValue | null): string =>
  typeof entry === "string" ? entry : "";

function fieldIn(form: HTMLFormElement, name: string): HTMLInputElement | undefined {
  const field = form.elements.namedItem(name);
  return field instanceof HTMLInputElement ? field : undefined;
}

const isMissing = (form: HTMLFormElement, name: string): boolean =>
  fieldIn(form, name)?.checkValidity() === false;

function complaintOf(form: HTMLFormElement, name: string): string {
  const field = fieldIn(form, name);
  if (field?.validity.valueMissing !== false) return t("required");
  if (field.type === "email") return t("emailInvalid");
  return field.dataset["invalid"] ?? t("error_invalid_input");
}

interface FieldProps extends Omit<TextInputProps, "form"> {
  readonly form: Form;
  readonly name: string;
}

export function Field({ form, name, ...props }: FieldProps): ReactNode {
  return (
    <TextInput
      name={name}
      id={name}
      error={form.errors[name]}
      onInput={() => form.clear(name)}
      {...props}
    />
  );
}

export function EmailField(props: Omit<FieldProps, "name">): ReactNode {
  return (
    <Field
      name="email"
      type="email"
      label={t("email")}
      autoComplete="email"
      autoCapitalize="none"
      spellCheck={false}
      maxLength={254}
      required
      {...props}
    />
  );
}

/** The username of the account, for password managers that fill or save a password. */
export function HiddenUsername({ value }: { readonly value: string }): ReactNode {
  return (
    <input
      className="hidden"
      type="text"
      autoComplete="username"
      value={value}
      readOnly
      tabIndex={-1}
      aria-hidden
    />
  );
}

interface PasswordProps extends Omit<PasswordInputProps, "form"> {
  readonly form: Form;
  readonly name: string;
  readonly fresh?: boolean;
}

export function PasswordField({ form, name, fresh = false, ...props }: PasswordProps): ReactNode {
  return (
    <PasswordInput
      name={name}
      id={name}
      label={t(fresh ? "newPassword" : "password")}
      autoComplete={fresh ? "new-password" : "current-password"}
      {...(fresh && {
        description: t("passwordHint", { count: settings.minimumPasswordLength }),
        minLength: settings.minimumPasswordLength,
        "data-invalid": t("reason_too_short"),
      })}
      maxLength={1024}
      required
      error={form.errors[name]}
      onInput={() => form.clear(name)}
      visibilityToggleButtonProps={{ "aria-label": t("showPassword"), tabIndex: 0 }}
      {...props}
    />
  );
}

export function CodeField({
  digits,
  ...props
}: Omit<FieldProps, "name"> & { readonly digits: number }): ReactNode {
  return (
    <Field
      name="code"
      label={t("code")}
      autoComplete="one-time-code"
      inputMode="numeric"
      pattern={`\\s*(?:\\d\\s*){${digits}}`}
      data-invalid={t("codeInvalid", { count: digits })}
      maxLength={digits * 2}
      className="code"
      autoFocus
      required
      {...props}
    />
  );
}

/** Removes the spaces that people type in codes. */
export const codeOf = (values: Readonly<Record<string, string>>): string =>
  (values["code"] ?? "").replaceAll(/\s/g, "");

export function Send({
  form,
  children,
}: {
  readonly form: Form;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <Button type="submit" loading={form.busy} fullWidth>
      {children}
    </Button>
  );
}

export function Waiting({ lines = 3 }: { readonly lines?: number }): ReactNode {
  return (
    <Stack gap="sm" aria-busy role="status" aria-label={t("loading")}>
      {Array.from({ length: lines }, (_, index) => (
        <Skeleton key={index} height={18} width={index % 2 === 0 ? "70%" : "45%"} />
      ))}
    </Stack>
  );
}

interface Asked<Data> {
  readonly data: Data | undefined;
  readonly error: unknown;
  readonly refetch: () => Promise<unknown>;
}

/** Shows what was asked for, or that it is loading, or why it cannot be shown. */
export function Shown<Data>({
  query,
  lines,
  children,
}: {
  readonly query: Asked<Data>;
  readonly lines?: number;
  readonly children: (data: Data) => ReactNode;
}): ReactNode {
  if (query.data !== undefined) return children(query.data);
  if (query.error === null || query.error === undefined)
    return lines === undefined ? <Waiting /> : <Waiting lines={lines} />;
  return (
    <Stack align="flex-start">
      <Refused error={query.error} />
      <Button variant="default" onClick={() => void query.refetch()}>
        {t("retry")}
      </Button>
    </Stack>
  );
}

export function Section({
  title,
  text,
  action,
  children,
}: {
  readonly title: string;
  readonly text?: string;
  readonly action?: ReactNode;
  readonly children?: ReactNode;
}): ReactNode {
  return (
    <Paper component="section" className="section" withBorder radius="md" aria-label={title}>
      <Group justify="space-between" align="flex-start" gap="sm" wrap="wrap">
        <div className="about">
          <Title order={2} size="h4">
            {title}
          </Title>
          {text !== undefined && (
            <Text size="sm" c="dimmed">
              {text}
            </Text>
          )}
        </div>
        {action}
      </Group>
      {children}
    </Paper>
  );
}

export function Row({
  title,
  text,
  badge,
  action,
}: {
  readonly title: ReactNode;
  readonly text?: ReactNode;
  readonly badge?: ReactNode;
  readonly action?: ReactNode;
}): ReactNode {
  return (
    <li className="row">
      <div className="about">
        <Group gap="xs">
          <Text fw={500}>{title}</Text>
          {badge}
        </Group>
        {text !== undefined && (
          <Text size="sm" c="dimmed">
            {text}
          </Text>
        )}
      </div>
      {action}
    </li>
  );
}

export function Dialog({
  title,
  onClose,
  children,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <Modal
      opened
      onClose={onClose}
      title={
        <Text span fw={650}>
          {title}
        </Text>
      }
      centered
      lockScroll={false}
      transitionProps={{ duration: 0 }}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      {children}
    </Modal>
  );
}

/** Asks before something is done that cannot be undone. */
export function Sure({
  title,
  text,
  button,
  act,
  onClose,
  children,
}: {
  readonly title: string;
  readonly text: string;
  readonly button: string;
  readonly act: () => Promise<unknown>;
  readonly onClose: () => void;
  readonly children?: ReactNode;
}): ReactNode {
  const form = useForm([], act);
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={form.onSubmit} noValidate>
        <Stack>
          <Text>{text}</Text>
          {children}
          <Refused error={form.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("cancel")}
            </Button>
            <Button type="submit" color="red.9" loading={form.busy}>
              {button}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
