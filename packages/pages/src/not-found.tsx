import type { ReactNode } from "react";
import { Screen, To } from "./parts.tsx";
import { t } from "./text.ts";

export function NotFound(): ReactNode {
  return (
    <Screen title={t("notFound")} footer={<To to="/account">{t("toAccount")}</To>}>
      {t("notFoundText")}
    </Screen>
  );
}
