import { Button, Checkbox, Group, Stack, Text } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { client } from "./api.ts";
import { useMe } from "./me.ts";
import {
  Dialog,
  Good,
  Heading,
  HiddenUsername,
  PasswordField,
  Section,
  useForm,
} from "./parts.tsx";
import { Failure } from "./profile.tsx";
import { saveFile } from "./save-file.ts";
import { useGuarded } from "./step-up.tsx";
import { t } from "./text.ts";

export function Data({ onDeleted }: { readonly onDeleted: () => void }): ReactNode {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Heading>{t("data")}</Heading>
      <Export />
      <Section
        title={t("deleteTitle")}
        text={t("deleteText")}
        action={
          <Button color="red.9" onClick={() => setOpen(true)}>
            {t("deleteButton")}
          </Button>
        }
      />
      {open && <Delete onClose={() => setOpen(false)} onDeleted={onDeleted} />}
    </>
  );
}

function Export(): ReactNode {
  const guarded = useGuarded();
  const [saved, setSaved] = useState(false);
  const form = useForm([], async () => {
    setSaved(false);
    const exported = await guarded(async () => client.call("GET /v1/me/export"));
    saveFile("account.json", "application/json", JSON.stringify(exported, null, 2));
    setSaved(true);
  });
  return (
    <Section
      title={t("exportTitle")}
      text={t("exportText")}
      action={
        <form onSubmit={form.onSubmit}>
          <Button type="submit" variant="default" loading={form.busy}>
            {t("exportButton")}
          </Button>
        </form>
      }
    >
      {saved && <Good>{t("exported")}</Good>}
      <Failure error={form.error} />
    </Section>
  );
}

function Delete({
  onClose,
  onDeleted,
}: {
  readonly onClose: () => void;
  readonly onDeleted: () => void;
}): ReactNode {
  const me = useMe();
  const guarded = useGuarded();
  const [isSure, setSure] = useState(false);
  const form = useForm(["password"], async ({ password = "" }) => {
    const body = password === "" ? {} : { password };
    await guarded(async () => client.call("DELETE /v1/me", { body }));
    client.left();
    onDeleted();
  });
  return (
    <Dialog title={t("deleteSure")} onClose={onClose}>
      <form onSubmit={form.onSubmit} noValidate>
        <Stack>
          <Text>{t("deleteText")}</Text>
          <HiddenUsername value={me.data?.email ?? me.data?.username ?? ""} />
          <PasswordField
            form={form}
            name="password"
            label={t("currentPassword")}
            required={false}
            data-autofocus
          />
          <Checkbox
            label={t("deleteCheck")}
            checked={isSure}
            onChange={(event) => setSure(event.currentTarget.checked)}
          />
          <Failure error={form.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("cancel")}
            </Button>
            <Button type="submit" color="red.9" loading={form.busy} disabled={!isSure}>
              {t("deleteButton")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
