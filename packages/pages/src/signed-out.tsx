import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import { Screen, To } from "./parts.tsx";
import { t, tOr } from "./text.ts";

/** Tells the user why the session has ended. */
export function SignedOut({ cause }: { readonly cause: string }): ReactNode {
  return (
    <Screen title={t("signedOut")} footer={<To to="/account/sign-in">{t("signIn")}</To>}>
      <Text>{tOr([`cause_${cause}`], "cause_unknown")}</Text>
    </Screen>
  );
}
