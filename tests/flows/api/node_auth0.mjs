// What a script with node-auth0 does; prints what it saw as JSON. Run by test_auth0_clients.py.
import { ManagementClient } from "auth0";

const { DOMAIN: domain, TOKEN: token, READ_TOKEN: readToken } = process.env;
const client = new ManagementClient({ domain, token });
const once = { maxRetries: 0 };
const file = (users) => new File([typeof users === "string" ? users : JSON.stringify(users)], "users.json", { type: "application/json" });
const create = (users, more = {}, by = client) =>
  by.jobs.usersImports.create({ users: file(users), connection_id: "default", ...more }, once);
const statusOf = (promise) => promise.then(() => "no error", (error) => error.statusCode);

async function ended(id) {
  for (;;) {
    const job = await client.jobs.get(id);
    if (!["pending", "processing"].includes(job.status)) return job;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const ada = { email: "ada@example.com" };
const seen = {};
const created = await create([ada, { email: "no address" }], { external_id: "crm-7", send_completion_email: false });
seen.created = [created.status, created.type, created.connection_id, created.external_id];
const completed = await ended(created.id);
seen.completed = [completed.status, completed.summary];
const errors = await client.jobs.errors.get(created.id);
seen.errors = errors.map(({ user, errors: [first] }) => [user.email, first.code, first.path]);
const upserted = await create([{ ...ada, given_name: "Ada" }], { upsert: true });
seen.upserted = (await ended(upserted.id)).summary;
seen.without_errors = (await client.jobs.errors.get(upserted.id)) ?? null;
const broken = await create("[{");
await ended(broken.id);
const generic = await client.jobs.errors.get(broken.id);
seen.broken = [generic.status, Boolean(generic.status_details)];
seen.connections = [];
for await (const connection of await client.connections.list({ strategy: ["auth0"] })) seen.connections.push(connection.id);
seen.unknown = await statusOf(client.jobs.get("00000000-0000-4000-8000-000000000000"));
seen.unauthorized = await statusOf(create([ada], {}, new ManagementClient({ domain, token: "uit_wrong" })));
seen.forbidden = await statusOf(create([ada], {}, new ManagementClient({ domain, token: readToken })));
seen.wrong_connection = await statusOf(create([ada], { connection_id: "nowhere" }));
seen.too_large = await statusOf(create(`[${" ".repeat(5_000_000)}]`));
const many = JSON.stringify(Array.from({ length: 50000 }, (_, n) => ({ email: `${n}@example.com`, given_name: "x" })));
await Promise.all([create(many, { upsert: true }), create(many, { upsert: true })]);
seen.too_many = await statusOf(create([ada]));
console.log(JSON.stringify(seen));
