// GitHub's own middleware for Node: it verifies and parses each delivery, and hands it to a handler in memory.
import { createServer } from "node:http";

import { createNodeMiddleware, Webhooks } from "@octokit/webhooks";

const webhooks = new Webhooks({ secret: process.env.GITHUB_WEBHOOK_SECRET });
let handled = 0;
webhooks.on("pull_request", () => {
  handled += 1;
});
const deliveries = createNodeMiddleware(webhooks, { path: "/github/webhook" });

createServer((request, response) => {
  if (request.url === "/handled") {
    response.end(String(handled));
    handled = 0;
  } else {
    deliveries(request, response);
  }
}).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
