import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { OperationError } from "../../../operations/error.ts";
import { connectRegistry } from "../../../operations/image/registry-client.ts";

const credentials = { username: "robot", password: "registry-secret" };
const repository = "affexai/backend";

describe("the registry client", () => {
  let servers: Server[];

  beforeEach(() => {
    servers = [];
  });

  afterEach(async () => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    }
  });

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it("fetches one token for all requests of a scope, and another when it has expired", async () => {
    const seen: string[] = [];
    let tokens = 0;
    const registry = await serve((request, response) => {
      seen.push(`${request.url} ${request.headers.authorization ?? "nobody"}`);
      if (request.url?.startsWith("/token")) {
        tokens += 1;
        response.end(JSON.stringify({ token: `t${tokens}` }));
        return;
      }
      const expired = seen.length > 5;
      if (request.headers.authorization === (expired ? "Bearer t2" : "Bearer t1")) response.end("{}");
      else {
        const realm = `http://${request.headers.host}/token`;
        response.setHeader("www-authenticate", `Bearer realm="${realm}",service="s",scope="repository:x:pull"`);
        response.writeHead(401).end();
      }
    });
    const client = connectRegistry({ registry, repository }, { credentials });
    for (const reference of ["a", "b", "c", "d"]) await (await client.request(`manifests/${reference}`)).text();
    const path = `/v2/${repository}/manifests`;
    const token = `/token?service=s&scope=repository%3Ax%3Apull Basic ${btoa("robot:registry-secret")}`;
    assert.deepEqual(seen, [
      `${path}/a nobody`,
      token,
      `${path}/a Bearer t1`,
      `${path}/b Bearer t1`,
      `${path}/c Bearer t1`,
      `${path}/d Bearer t1`,
      token,
      `${path}/d Bearer t2`,
    ]);
  });

  it("follows a blob to another origin without taking its authorization along", async () => {
    const storage: IncomingMessage[] = [];
    const store = await serve((request, response) => {
      storage.push(request);
      response.end("content");
    });
    const registry = await serve((request, response) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
      } else response.writeHead(307, { location: `http://${store}/signed?permission=1` }).end();
    });
    const client = connectRegistry({ registry, repository }, { credentials });
    assert.equal(await (await client.request("blobs/sha256:1")).text(), "content");
    assert.deepEqual([storage[0]?.url, storage[0]?.headers.authorization], ["/signed?permission=1", undefined]);
    await client.request(new URL(`http://${store}/elsewhere`));
    assert.equal(storage[1]?.headers.authorization, undefined);
  });

  it("sends its credentials to no token endpoint in the clear", async () => {
    const registry = await serve((_request, response) => {
      response.writeHead(401, { "www-authenticate": 'Bearer realm="http://token.example.org/token"' }).end();
    });
    const client = connectRegistry({ registry, repository }, { credentials });
    await assert.rejects(client.request("manifests/a"), /names no token endpoint that is reached over https/);
  });

  it("asks a busy registry again, as late as it says, and gives up after four times", async () => {
    const times: number[] = [];
    const registry = await serve((_request, response) => {
      times.push(performance.now());
      response.writeHead(429, { "retry-after": "0.05" }).end(`{"errors":[{"code":"TOOMANYREQUESTS"}]}`);
    });
    const client = connectRegistry({ registry, repository }, {});
    await assert.rejects(client.request("manifests/a"), (error: OperationError) => {
      assert.equal(error.kind, "unreachable");
      assert.match(error.message, /answered 429 to manifests\/a: TOOMANYREQUESTS\./);
      return true;
    });
    assert.equal(times.length, 4);
    for (const [index, time] of times.slice(1).entries()) assert.ok(time - (times[index] ?? 0) >= 49);
  });

  it("does not repeat what changes something", async () => {
    let requests = 0;
    const registry = await serve((_request, response) => {
      requests += 1;
      response.writeHead(503).end();
    });
    const client = connectRegistry({ registry, repository }, {});
    await assert.rejects(client.request("blobs/uploads/", { method: "POST" }), /answered 503 to blobs\/uploads\//);
    assert.equal(requests, 1);
  });

  it("ends its waits when it is cancelled", async () => {
    const controller = new AbortController();
    const registry = await serve((_request, response) => {
      response.writeHead(503, { "retry-after": "10" }).end();
      controller.abort(new Error("seen enough"));
    });
    const client = connectRegistry({ registry, repository }, { signal: controller.signal });
    const begun = performance.now();
    await assert.rejects(client.request("manifests/a"), (error) => !(error instanceof OperationError));
    assert.ok(performance.now() - begun < 5000);
  });

  it("speaks plain HTTP to this machine only", async () => {
    const registry = await serve((_request, response) => void response.end());
    const port = registry.split(":")[1] ?? "";
    // A name that is not loopback by its form is asked over TLS, which this server does not speak.
    const remote = connectRegistry({ registry: `0.0.0.0:${port}`, repository }, {});
    await assert.rejects(remote.request("manifests/a"), /registry 0\.0\.0\.0:\d+, .* did not answer: ERR_SSL/);
  });
});
