// The service that Restate calls: a virtual object for each instance, with link, state, data and history in Restate's own state, timers and messages as calls to
// come. Restate checks the idempotency key itself. Prints its port.
import http2 from "node:http2";
import { merged, messages, request, timers } from "./answer.mjs";

Promise.withResolvers ??= function () { // Node 20 has none yet
	let resolve, reject;
	const promise = new Promise((a, b) => ([resolve, reject] = [a, b]));
	return { promise, resolve, reject };
};
const restate = await import("@restatedev/restate-sdk");

const outbox = restate.service({ name: "outbox", handlers: { send: async () => {} } });
const declaration = restate.object({
	name: "declaration",
	handlers: {
		assess: async (ctx, { token, version, answers }) => {
			const now = await ctx.date.now();
			if (await ctx.get(`link-${token}`) || (await ctx.get("state") ?? "requested") !== "requested" || (await ctx.get("version") ?? 2) !== version)
				return "conflict";
			ctx.set(`link-${token}`, { state: "used", at: now });
			ctx.set("state", "completed");
			ctx.set("version", version + 1);
			ctx.set("data", merged(request, answers));
			ctx.set(`history-${version + 1}`, { at: now, event: "assess", from: "requested", to: "completed", payload: answers });
			for (const [name, due] of timers(now))
				ctx.objectSendClient(declaration, ctx.key).due(name, restate.rpc.sendOpts({ delay: due - now }));
			for (const m of messages(Number(ctx.key), now))
				ctx.serviceSendClient(outbox).send(m, restate.rpc.sendOpts({ delay: m.due - now }));
			return "done";
		},
		due: async () => {},
	},
});

const quiet = () => {};
const server = http2.createServer(restate.createEndpointHandler({ services: [declaration, outbox], logger: quiet }));
server.listen(0, "127.0.0.1", () => console.log(`port=${server.address().port}`));
process.on("SIGTERM", () => process.exit(0));
