// node emmett_peer.mjs HOST PORT DATABASE CLIENTS SECONDS: closed-loop clients that each open new
// streams with Emmett's PostgreSQL store. Says ready, waits for a line, reports a line of JSON.
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import pg from 'pg';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';

const [host, port, database, clients, seconds] = process.argv.slice(2);
const note = {
  status: 'in_review',
  assignee: 'officer-00417',
  note: 'Applicant supplied the missing payslip, checked against the register and accepted.',
  at: '2026-11-23T21:00:00Z',
  ref: '3f0d6a4e9c1b4d2aa9d1',
  n: 42,
};

const pool = new pg.Pool({ host, port: Number(port), database, user: 'postgres', max: Number(clients) });
const address = `postgresql://postgres@/${database}?host=${encodeURIComponent(host)}&port=${port}`;
const store = getPostgreSQLEventStore(address, { connectionOptions: { connectionString: address, pool } });

const append = () =>
  store.appendToStream(`dossier-${randomUUID()}`, [{ type: 'NoteAdded', data: note }]);

await store.schema.migrate();
// Until node has compiled what is run often.
await Promise.all(Array.from({ length: Number(clients) }, async () => {
  for (let n = 0; n < 1500 / Number(clients); n++) await append();
}));
process.stdout.write('ready\n');
await once(process.stdin, 'data');

const latencies = [];
const begins = performance.now() + Math.min(500, 250 * Number(seconds));
const ends = begins + 1000 * Number(seconds);

async function client() {
  for (;;) {
    const asked = performance.now();
    await append();
    const now = performance.now();
    if (now >= ends) return;
    if (now >= begins) latencies.push(now - asked);
  }
}

await Promise.all(Array.from({ length: Number(clients) }, client));
latencies.sort((a, b) => a - b);
const report = {
  per_second: latencies.length / Number(seconds),
  p50_ms: latencies[Math.floor(0.5 * latencies.length)],
  p99_ms: latencies[Math.floor(0.99 * latencies.length)],
  peak_mb: process.resourceUsage().maxRSS / 1e3,
};
process.stdout.write(JSON.stringify(report) + '\n', () => process.exit(0));
