// Measures the limit of the storage: the transactions of a refresh and of a logout, directly on
// node:sqlite in the server's own schema.
import { DatabaseSync } from "node:sqlite";

const [file = "", kind = "refresh", seconds = "3"] = process.argv.slice(2);

const db = new DatabaseSync(file);
db.exec("pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;");
const ids = db
  .prepare("select id from sessions")
  .all()
  .map((row) => String(row["id"]));

const begin = db.prepare("begin immediate");
const commit = db.prepare("commit");
const find = db.prepare(
  `select s.*, u.disabled_at, u.hard_epoch as user_epoch, u.authorization_epoch from sessions s join users u on u.id = s.user_id where s.id = ?`,
);
const rotate = db.prepare(
  `update sessions set generation = generation + 1, rotated_at = ?, last_used_at = ?, idle_ends_at = ?, max_access_exp = ?
   where id = ? and generation = ? and revoked_at is null returning generation`,
);
const end = db.prepare(
  "update sessions set revoked_at = ?, revoked_cause = 'logout' where id = ? returning user_id, max_access_exp",
);
const revoke = db.prepare(
  "insert into revocations (scope, subject, cause, created_at, expires_at) values ('session', ?, 'logout', ?, ?)",
);
const readHead = db.prepare("select position, mac from audit_head where id = 1");
const audit = db.prepare(
  `insert into audit_events (position, at, event, actor_kind, actor_id, user_id, session_id, address, result, request_id, details, mac)
   values (?, ?, 'session.ended', 'user', ?, ?, ?, '127.0.0.1', 'done', ?, '{}', ?)`,
);
const writeHead = db.prepare("update audit_head set position = ?, mac = ? where id = 1");
const MAC = "0".repeat(43);

const transactions: Readonly<Record<string, (id: string, turn: number) => void>> = {
  refresh: (id, turn) => {
    const row = find.get(id);
    rotate.get(turn, turn, turn, turn, id, row?.["generation"] ?? 0);
  },
  logout: (id, turn) => {
    end.get(turn, id);
    revoke.run(id, turn, turn);
    const position = Number(readHead.get()?.["position"]) + 1;
    audit.run(position, turn, id, id, id, id, MAC);
    writeHead.run(position, MAC);
  },
};
const transaction = transactions[kind];
if (transaction === undefined) throw new RangeError(`no transaction ${kind}`);

let turn = 0;
const startedAt = performance.now();
for (; performance.now() < startedAt + Number(seconds) * 1000; turn += 1) {
  begin.run();
  transaction(ids[turn % ids.length] ?? "", turn);
  commit.run();
}
process.stdout.write(
  JSON.stringify({ perSecond: turn / ((performance.now() - startedAt) / 1000) }),
);
db.close();
