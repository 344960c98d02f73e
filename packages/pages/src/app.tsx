import { Anchor, Button, MantineProvider, useMantineColorScheme } from "@mantine/core";
import { QueryClient, QueryClientProvider, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState, useSyncExternalStore, type ReactNode } from "react";
import { Link, Redirect, Route, Router, Switch, useLocation } from "wouter";
import { client } from "./api.ts";
import { Forgotten } from "./forgotten.tsx";
import { ConfirmLink, EmailLink, ResetLink, SetupLink, UndoLink } from "./links.tsx";
import { NotFound } from "./not-found.tsx";
import { Refused, Screen, Waiting } from "./parts.tsx";
import { Register } from "./register.tsx";
import { settings, styleNonce } from "./settings.ts";
import { SignedOut } from "./signed-out.tsx";
import { SignIn, type News } from "./sign-in.tsx";
import { t } from "./text.ts";
import { colorSchemes, theme } from "./theme.ts";
import { useWatch } from "./watch.ts";

/** The pages of users who are signed in come in a file of their own. */
const Member = lazy(async () => {
  const { Member: component } = await import("./member.tsx");
  return { default: component };
});

const queries = new QueryClient({
  defaultOptions: { queries: { retry: 1, refetchOnWindowFocus: true, staleTime: 1000 } },
});

export function App(): ReactNode {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={colorSchemes}
      getStyleNonce={() => styleNonce}
    >
      <QueryClientProvider client={queries}>
        <Router base={settings.base}>
          <Pages />
        </Router>
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Pages(): ReactNode {
  const [news, setNews] = useState<News>();
  const [, go] = useLocation();
  const tell = (what: News): void => {
    setNews(what);
    go("/account/sign-in");
  };
  return (
    <>
      <a className="skip" href="#content">
        {t("skip")}
      </a>
      <Header />
      <main id="content" tabIndex={-1}>
        <Switch>
          <Route path="/confirm" component={ConfirmLink} />
          <Route path="/reset" component={ResetLink} />
          <Route path="/email" component={EmailLink} />
          <Route path="/undo" component={UndoLink} />
          <Route path="/setup" component={SetupLink} />
          <Route path="/account/sign-in">
            <Visitors>
              <SignIn news={news} />
            </Visitors>
          </Route>
          <Route path="/account/register">
            <Register onNews={tell} />
          </Route>
          <Route path="/account/forgotten">
            <Forgotten onNews={tell} />
          </Route>
          <Route path="/account/signed-out">
            <SignedOut cause={new URLSearchParams(location.search).get("cause") ?? ""} />
          </Route>
          <Route path="/account">
            <Redirect to="/account/profile" replace />
          </Route>
          <Route path="/account/:page">
            {({ page }) => (
              <Members>
                <Suspense fallback={<Waiting lines={6} />}>
                  <Member page={page} onDeleted={() => tell("deleted")} />
                </Suspense>
              </Members>
            )}
          </Route>
          <Route>
            <NotFound />
          </Route>
        </Switch>
      </main>
      <Footer />
    </>
  );
}

function useSession(): {
  readonly state: string;
  readonly error: unknown;
  readonly again: () => void;
} {
  const state = useSyncExternalStore(client.subscribe, client.state);
  const [error, setError] = useState<unknown>();
  const begin = (): void => {
    setError(undefined);
    client.start().catch((refused: unknown) => client.state() === "unknown" && setError(refused));
  };
  useEffect(() => {
    if (client.state() === "unknown") begin();
  }, []);
  return { state, error, again: begin };
}

function Unknown({
  error,
  again,
}: {
  readonly error: unknown;
  readonly again: () => void;
}): ReactNode {
  if (error === undefined)
    return (
      <div className="screen">
        <Waiting lines={4} />
      </div>
    );
  return (
    <Screen title={t("account")}>
      <Refused error={error} />
      <Button variant="default" onClick={again}>
        {t("retry")}
      </Button>
    </Screen>
  );
}

/** Pages for users who are not signed in. */
function Visitors({ children }: { readonly children: ReactNode }): ReactNode {
  const { state, error, again } = useSession();
  const [, go] = useLocation();
  const wasIn = state === "signedIn";
  useEffect(() => {
    if (wasIn) go("/account/profile", { replace: true });
  }, [wasIn]);
  if (state === "unknown") return <Unknown error={error} again={again} />;
  return wasIn ? null : children;
}

/** Pages for users who are signed in. */
function Members({ children }: { readonly children: ReactNode }): ReactNode {
  const { state, error, again } = useSession();
  const [, go] = useLocation();
  const data = useQueryClient();
  useEffect(() => {
    client.onSignedOut((cause) => {
      data.clear();
      go(`/account/signed-out?cause=${cause ?? "unknown"}`, { replace: true });
    });
  }, []);
  const isOut = state === "signedOut";
  useEffect(() => {
    if (isOut && !location.pathname.endsWith("/signed-out"))
      go("/account/sign-in", { replace: true });
  }, [isOut]);
  useWatch(state === "signedIn");
  if (state === "unknown") return <Unknown error={error} again={again} />;
  if (isOut) return null;
  return children;
}

function Header(): ReactNode {
  const state = useSyncExternalStore(client.subscribe, client.state);
  const [, go] = useLocation();
  const data = useQueryClient();
  const { logo } = settings.brand;
  async function leave(): Promise<void> {
    await client.signOut().catch(() => undefined);
    data.clear();
    go("/account/sign-in");
  }
  return (
    <header className="header">
      <Link href="/account" className="name">
        {logo !== null && <img src={logo} alt="" height={28} />}
        <span>{settings.serviceName}</span>
      </Link>
      {state === "signedIn" && (
        <Button variant="subtle" size="xs" onClick={() => void leave()}>
          {t("signOut")}
        </Button>
      )}
    </header>
  );
}

function Footer(): ReactNode {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <footer className="footer">
      {settings.brand.links.map(({ name, url }) => (
        <Anchor key={url} href={url} size="sm" rel="noreferrer">
          {name}
        </Anchor>
      ))}
      <label>
        {t("colours")}{" "}
        <select
          value={colorScheme}
          onChange={({ currentTarget: { value } }) =>
            setColorScheme(value === "light" || value === "dark" ? value : "auto")
          }
        >
          <option value="auto">{t("coloursAuto")}</option>
          <option value="light">{t("coloursLight")}</option>
          <option value="dark">{t("coloursDark")}</option>
        </select>
      </label>
    </footer>
  );
}
