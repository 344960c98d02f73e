import { Badge, Button, Group } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { client, type AnswerOf } from "./api.ts";
import { Heading, Refused, Row, Section, Shown } from "./parts.tsx";
import { eventOf, moment, t, tOr } from "./text.ts";

type Event = AnswerOf<"GET /v1/me/activity">["items"][number];

const PAGE = "20";

/** What has happened to the account lately, newest first. */
export function Activity(): ReactNode {
  const query = useInfiniteQuery({
    queryKey: ["GET /v1/me/activity"],
    queryFn: async ({ pageParam, signal }) =>
      client.call("GET /v1/me/activity", {
        query: { limit: PAGE, ...(pageParam !== null && { cursor: pageParam }) },
        signal,
      }),
    initialPageParam: initialCursor,
    getNextPageParam: (page) => page.nextCursor,
  });
  return (
    <>
      <Heading>{t("activity")}</Heading>
      <Shown query={query} lines={8}>
        {({ pages }) => {
          const events = pages.flatMap(({ items }) => items);
          return (
            <Section
              title={t("activityTitle")}
              text={t(events.length === 0 ? "noActivity" : "activityText")}
            >
              <ul className="rows">
                {events.map((event, index) => (
                  <EventRow key={`${event.at}.${index}`} event={event} />
                ))}
              </ul>
              {query.hasNextPage && (
                <Group>
                  <Button
                    variant="default"
                    loading={query.isFetchingNextPage}
                    onClick={() => void query.fetchNextPage()}
                  >
                    {t("more")}
                  </Button>
                </Group>
              )}
              {query.isFetchNextPageError && <Refused error={query.error} />}
            </Section>
          );
        }}
      </Shown>
    </>
  );
}

const initialCursor: string | null = null;

function EventRow({
  event: { at, event, result, by, address, cause },
}: {
  readonly event: Event;
}): ReactNode {
  const facts = [
    moment(at),
    ...(address === null ? [] : [t("fromAddress", { address })]),
    ...(by === "operator" ? [t("byOperator")] : []),
  ];
  return (
    <Row
      title={eventOf({ event })}
      text={
        <>
          {facts.join(", ")}
          {cause !== null && (
            <>
              <br />
              {tOr([`cause_${cause}`], "cause_unknown")}
            </>
          )}
        </>
      }
      badge={
        result === "refused" && (
          <Badge color="red" variant="light">
            {t("refused")}
          </Badge>
        )
      }
    />
  );
}
