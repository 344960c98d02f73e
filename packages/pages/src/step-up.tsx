import { Stack, Text } from "@mantine/core";
import { createContext, use, useCallback, useMemo, useState, type ReactNode } from "react";
import { client, PortcullisError } from "./api.ts";
import { useMe } from "./me.ts";
import { Dialog, HiddenUsername, PasswordField, Refused, Send, useForm } from "./parts.tsx";
import { ProveFactor, type FactorName } from "./proof.tsx";
import { t } from "./text.ts";

interface Asked {
  readonly factors: readonly FactorName[];
  readonly proven: () => void;
  readonly given: () => void;
}

type Guarded = <Result>(act: () => Promise<Result>) => Promise<Result>;

const Context = createContext<Guarded | undefined>(undefined);

/**
 * Returns a function that does something sensitive. If the server wants a recent proof of identity
 * for it, a dialog asks for one, and the act is repeated.
 */
export function useGuarded(): Guarded {
  const guarded = use(Context);
  if (guarded === undefined) throw new Error("There is no StepUp above this component.");
  return guarded;
}

/** The user has closed the dialog: nothing was done, and nothing is to be told. */
export class Abandoned extends Error {}

export function StepUp({ children }: { readonly children: ReactNode }): ReactNode {
  const [asked, setAsked] = useState<Asked>();
  const guarded: Guarded = useCallback(async (act) => {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof PortcullisError) || error.code !== "insufficient_user_authentication")
        throw error;
      const factors = readFactors(error.problem.factors);
      await new Promise<void>((proven, given) => {
        setAsked({ factors, proven, given: () => given(new Abandoned()) });
      }).finally(() => setAsked(undefined));
      return act();
    }
  }, []);
  return (
    <Context value={guarded}>
      {children}
      {useMemo(() => asked !== undefined && <StepUpDialog {...asked} />, [asked])}
    </Context>
  );
}

const known: readonly FactorName[] = ["totp", "email", "passkey", "recovery_codes"];
const readFactors = (names: readonly string[] = []): readonly FactorName[] =>
  known.filter((one) => names.includes(one));

function StepUpDialog({ factors, proven, given }: Asked): ReactNode {
  const [list, setList] = useState(factors);
  return (
    <Dialog title={t("stepUp")} onClose={given}>
      {list.length === 0 ? (
        <Password proven={proven} needs={setList} />
      ) : (
        <ProveFactor
          factors={list}
          prepare={async (factor) => client.call("POST /v1/step-up/prepare", { body: { factor } })}
          answer={async (proof) => {
            await client.call("POST /v1/step-up", { body: proof });
            proven();
          }}
        />
      )}
    </Dialog>
  );
}

function Password({
  proven,
  needs,
}: {
  readonly proven: () => void;
  readonly needs: (factors: readonly FactorName[]) => void;
}): ReactNode {
  const me = useMe();
  const form = useForm(["password"], async ({ password = "" }) => {
    try {
      await client.call("POST /v1/step-up", { body: { password } });
      proven();
    } catch (error) {
      if (!(error instanceof PortcullisError) || error.code !== "second_factor_required")
        throw error;
      needs(readFactors(error.problem.factors));
    }
  });
  return (
    <form onSubmit={form.onSubmit} noValidate>
      <Stack>
        <Text>{t("stepUpPassword")}</Text>
        <HiddenUsername value={me.data?.email ?? me.data?.username ?? ""} />
        <PasswordField form={form} name="password" id="step-up-password" data-autofocus />
        <Refused error={form.error} />
        <Send form={form}>{t("continue")}</Send>
      </Stack>
    </form>
  );
}
