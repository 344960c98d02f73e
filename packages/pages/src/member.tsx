import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { Activity } from "./activity.tsx";
import { Data } from "./data.tsx";
import { Devices } from "./devices.tsx";
import { NotFound } from "./not-found.tsx";
import { Profile } from "./profile.tsx";
import { Security } from "./security.tsx";
import { StepUp } from "./step-up.tsx";
import { t } from "./text.ts";

const pages = ["profile", "security", "devices", "activity", "data"] as const;

interface MemberProps {
  readonly page: string;
  readonly onDeleted: () => void;
}

/** A page of a user who is signed in, beside the list of all of them. */
export function Member(props: MemberProps): ReactNode {
  return (
    <StepUp>
      <div className="member">
        <Navigation />
        <div className="content">
          <Content {...props} />
        </div>
      </div>
    </StepUp>
  );
}

function Content({ page, onDeleted }: MemberProps): ReactNode {
  if (page === "profile") return <Profile />;
  if (page === "security") return <Security />;
  if (page === "devices") return <Devices />;
  if (page === "activity") return <Activity />;
  if (page === "data") return <Data onDeleted={onDeleted} />;
  return <NotFound />;
}

function Navigation(): ReactNode {
  const [here] = useLocation();
  return (
    <nav className="navigation" aria-label={t("menu")}>
      <ul>
        {pages.map((page) => {
          const path = `/account/${page}`;
          return (
            <li key={page}>
              <Link href={path} aria-current={here === path ? "page" : undefined}>
                {t(page)}
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
