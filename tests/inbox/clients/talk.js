// Signs in, reads, streams and writes with npm's flowdock. Prints a JSON line for each thing that happens.
const { Session } = require("flowdock");

const tell = (...happened) => console.log(JSON.stringify(happened));
const session = new Session(process.env.TOKEN, "");
session.on("error", (error) => tell("refused", error.message));

session.flows((_, [flow]) => {
  tell("flow", flow);
  const path = `/flows/${flow.organization.parameterized_name}/${flow.parameterized_name}`;
  session.get(`${path}/messages`, { limit: 1 }, (_, read) => tell("read", read));
  const stream = session.stream(flow.id, { active: "idle" });
  stream.on("clientError", (...error) => tell("stream broke", ...error));
  stream.on("connected", () => tell("connected"));
  stream.on("message", (message) => {
    tell("message", message);
    if (message.event === "activity") {
      session.threadMessage(flow.id, message.thread_id, "Look, @ann.", ["red"]);
    } else if (message.tags.includes("red")) {
      session.comment(flow.id, message.id, "Done.");
    } else {
      // Its own stream.end() is too old for today's Node.
      session.message(flow.id, "Hello, all.", [], () => process.exit());
    }
  });
});
