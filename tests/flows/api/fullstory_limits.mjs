// What FullStory's SDK does where a batch has to wait; prints what it saw as JSON. Run by test_fullstory_client.py.
import { init, UsersBatchImportApi } from "@fullstory/server-api-client";

const apiKey = process.env.TOKEN;
const body = { requests: [{ uid: "user123", email: "ada@example.com" }] };
const calls = new UsersBatchImportApi({ apiKey: `Basic ${apiKey}` });
await calls.createBatchUserImportJob({ body });
const refused = await calls.createBatchUserImportJob({ body }).catch((error) => error);

const job = init({ apiKey }).users.batchCreate({ body }, { pollInterval: 200, maxRetry: 6 });
const errors = [];
const done = new Promise((resolve, reject) =>
  job
    .on("error", (error) => errors.push(error.httpStatusCode))
    .on("done", (imports) => resolve(imports.length))
    .on("abort", reject),
);
job.execute();
const imported = await done;
const waits = refused.canRetry() && refused.getRetryAfter() > 0;
const { httpStatusCode, name, fsErrorPayload } = refused;
console.log(JSON.stringify({ refused: [httpStatusCode, name, fsErrorPayload.code, waits], errors: [...new Set(errors)], imported }));
process.exit(); // its agents keep connections open
