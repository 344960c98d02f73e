import { Code, Group, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { CopyText } from "./copy.tsx";
import { t } from "./text.ts";

/** The secret of a new authenticator app, to be scanned or typed. */
export function TotpSecret({
  totp,
}: {
  readonly totp: { readonly secret: string; readonly qrPng: string };
}): ReactNode {
  return (
    <>
      <Text>{t("totpScan")}</Text>
      <img className="qr" src={totp.qrPng} alt={t("totpQr")} width={200} height={200} />
      <div>
        <Text size="sm">{t("totpSecret")}</Text>
        <Group gap="xs" wrap="nowrap">
          <Code className="secret">{totp.secret.replaceAll(/(.{4})(?=.)/g, "$1 ")}</Code>
          <CopyText text={totp.secret} />
        </Group>
      </div>
    </>
  );
}
