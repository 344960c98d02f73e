import { Button, Group, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { CopyText } from "./copy.tsx";
import { saveFile } from "./save-file.ts";
import { settings } from "./settings.ts";
import { t } from "./text.ts";

/** Shows new recovery codes, the only time that they can be seen. */
export function RecoveryCodes({
  codes,
  onDone,
}: {
  readonly codes: readonly string[];
  readonly onDone: () => void;
}): ReactNode {
  const text = `${settings.serviceName}: ${t("yourCodes")}\n\n${codes.join("\n")}\n`;
  return (
    <Stack>
      <Text>{t("yourCodesText")}</Text>
      <ul className="codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <Group gap="xs">
        <Button
          variant="default"
          size="xs"
          onClick={() => saveFile("recovery-codes.txt", "text/plain", text)}
        >
          {t("download")}
        </Button>
        <CopyText text={codes.join("\n")} />
        <Button variant="default" size="xs" onClick={() => window.print()}>
          {t("print")}
        </Button>
      </Group>
      <Button onClick={onDone}>{t("codesKept")}</Button>
    </Stack>
  );
}
