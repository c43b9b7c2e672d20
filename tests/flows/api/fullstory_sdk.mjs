// What a script with FullStory's SDK does; prints what it saw as JSON. Run by test_fullstory_client.py.
import { init, UsersBatchImportApi } from "@fullstory/server-api-client";

const { TOKEN: apiKey, READ_TOKEN: readKey } = process.env;
const { users } = init({ apiKey });
const calls = (key = apiKey) => new UsersBatchImportApi({ apiKey: `Basic ${key}` });
const refusal = (promise) =>
  promise.then(
    () => "no error",
    (error) => [error.httpStatusCode, error.fsErrorPayload?.code],
  );

// as its README does, but for the pause between two questions
function ended(job) {
  const seen = { created: [], processing: 0 };
  return new Promise((resolve, reject) =>
    job
      .on("created", (it) => seen.created.push(it.getStatus()))
      .on("processing", () => (seen.processing += 1))
      .on("done", (imports, failed) => resolve({ ...seen, imports, failed, id: job.getId(), status: job.getStatus() }))
      .on("abort", (errors) => reject(errors[0])),
  );
}

function run(requests, more = []) {
  const job = users.batchCreate({ body: { requests }, includeSchema: true }, { pollInterval: 200 });
  job.add(...more);
  job.execute();
  return ended(job);
}

const ada = { uid: "user123", display_name: "Ada", email: "ada@example.com", properties: { pricing_plan: "paid", total_spent: 14.55 } };
const bob = { uid: "user456", email: "bob@example.com" };
const wrong = { uid: "user789", email: "no address" };
const nameless = { uid: "user790", password: "hunter2" }; // the connection asks for an address

const seen = {};
const completed = await run([ada], [bob]);
seen.completed = [completed.created, completed.status, completed.imports.map((user) => [user.id, user.uid, user.email])];
const failed = await run([ada, wrong, nameless]);
seen.failed = [failed.status, failed.failed.map(({ code, message, user }) => [code, message.length > 0, user.email ?? user.uid, user.password])];
const { body } = await calls().getBatchUserImportStatus({ jobId: failed.id });
seen.counts = [body.imports, body.errors, body.job.status, body.job.finished > body.job.created];
seen.total = (await calls().getBatchUserImports({ jobId: failed.id })).body.total_records;

const again = users.batchCreate({ body: { requests: [] } }, { pollInterval: 200 });
const restarted = ended(again);
again.restart(completed.id);
seen.restarted = (await restarted).imports.length;

const create = (body, key, by = apiKey) => calls(by).createBatchUserImportJob({ body, idempotencyKey: key });
const first = (await create({ requests: [ada] }, "k-1")).body.job.id;
seen.same_key = (await create({ requests: [ada] }, "k-1")).body.job.id === first;
seen.key_reused = await refusal(create({ requests: [bob] }, "k-1"));
seen.without_users = await refusal(create({ requests: [] }));
seen.unauthorized = await refusal(create({ requests: [ada] }, undefined, "uit_wrong"));
seen.forbidden = await refusal(create({ requests: [ada] }, undefined, readKey));
seen.unknown = await refusal(calls().getBatchUserImportStatus({ jobId: "abd123=" }));
seen.aborted = await ended(
  (() => {
    const job = init({ apiKey: "uit_wrong" }).users.batchCreate({ body: { requests: [ada] } });
    job.execute();
    return job;
  })(),
).catch((error) => [error.name, error.httpStatusCode]);
console.log(JSON.stringify(seen));
process.exit(); // its agents keep connections open
