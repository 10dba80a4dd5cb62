import { type sendUnaryData, type ServerUnaryCall, status } from "@grpc/grpc-js";
import type { IResourceProviderServer } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import type * as messages from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { checkFailures } from "./check.ts";
import type { EngineLog } from "./engine-log.ts";
import type { Call, Provider, ResourceType } from "./provider.ts";
import { equal, fromStruct, reveal, revealAll, secret, toStruct, unknownValue, type Wire } from "./wire.ts";

/** The methods of the engine's provider protocol that our programs reach; every other one answers "unimplemented". */
export function providerService(
  provider: Provider,
  version: string,
  log: EngineLog,
): Pick<
  IResourceProviderServer,
  | "handshake"
  | "getPluginInfo"
  | "checkConfig"
  | "diffConfig"
  | "configure"
  | "invoke"
  | "check"
  | "diff"
  | "create"
  | "read"
  | "update"
  | "delete"
  | "cancel"
> {
  let config: Wire = {};
  const cancelled = new AbortController();

  const typeOf = (urn: string): [string, ResourceType] => {
    const token = urn.split("::")[2]?.split("$").at(-1) ?? "";
    const type = provider.resources[token];
    if (type !== undefined) return [token, type];
    throw new Error(
      `${token} is not among the resource types of the sandbox: ${Object.keys(provider.resources).join(", ")}.`,
    );
  };
  const callOf = (request: { getUrn(): string; getTimeout(): number }, disconnected: AbortSignal): Call => {
    const timeoutMs = request.getTimeout() * 1000;
    const limits = timeoutMs > 0 ? [AbortSignal.timeout(timeoutMs)] : [];
    return {
      config,
      name: request.getUrn().split("::").at(-1) ?? "",
      signal: AbortSignal.any([cancelled.signal, disconnected, ...limits]),
      status: (line) => log.status(request.getUrn(), line),
    };
  };
  const outputsOf = (type: ResourceType, inputs: Wire, made: Wire): Wire => {
    const secrets = new Set(type.secretOutputs);
    const marked = Object.entries(made).map(([key, value]) => [key, secrets.has(key) ? secret(value) : value] as const);
    return { ...inputs, ...Object.fromEntries(marked) };
  };
  const unknowns = (keys: readonly string[] = []): Wire => Object.fromEntries(keys.map((key) => [key, unknownValue]));
  const parsed = (type: ResourceType, inputs: Wire) => type.inputs.parse(revealAll(inputs));
  const existing = (type: ResourceType, id: string, inputs: Wire, outputs: Wire) => ({
    id,
    inputs: parsed(type, inputs),
    outputs: revealAll(outputs),
  });

  return {
    handshake: answer(() => new proto.ProviderHandshakeResponse().setAcceptSecrets(true)),
    getPluginInfo: answer(() => new plugin.PluginInfo().setVersion(version)),
    checkConfig: answer<messages.CheckRequest, messages.CheckResponse>(({ request }) =>
      new proto.CheckResponse()
        .setInputs(request.getNews())
        .setFailuresList(failureList(checkFailures(provider.config, decoded(fromStruct(request.getNews()))))),
    ),
    diffConfig: answer<messages.DiffRequest, messages.DiffResponse>(({ request }) =>
      changes(equal(fromStruct(request.getOlds()), fromStruct(request.getNews()))),
    ),
    configure: answer<messages.ConfigureRequest, messages.ConfigureResponse>(({ request }) => {
      config = decoded(fromStruct(request.getArgs()));
      return new proto.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
    }),
    invoke: answer<messages.InvokeRequest, messages.InvokeResponse>(async ({ request }, signal) => {
      const called = provider.functions[request.getTok()];
      if (called === undefined) {
        throw new Error(
          `${request.getTok()} is not among the functions of the sandbox: ${Object.keys(provider.functions).join(", ")}.`,
        );
      }
      const inputs = called.inputs.parse(revealAll(fromStruct(request.getArgs()))) as Wire;
      const result = await called.call(inputs, { config, signal: AbortSignal.any([cancelled.signal, signal]) });
      return new proto.InvokeResponse().setReturn(toStruct(result));
    }),
    check: answer<messages.CheckRequest, messages.CheckResponse>(({ request }) => {
      const [, type] = typeOf(request.getUrn());
      return new proto.CheckResponse()
        .setInputs(request.getNews())
        .setFailuresList(failureList(checkFailures(type.inputs, revealAll(fromStruct(request.getNews())))));
    }),
    diff: answer<messages.DiffRequest, messages.DiffResponse>(({ request }) => {
      const [, type] = typeOf(request.getUrn());
      const [olds, news] = [fromStruct(request.getOldInputs()), fromStruct(request.getNews())];
      const ignored = new Set(request.getIgnorechangesList());
      const changed = [...new Set([...Object.keys(olds), ...Object.keys(news)])]
        .filter((key) => !ignored.has(key) && !equal(olds[key], news[key]))
        .sort();
      return detailed(changed, type, olds, news);
    }),
    create: answer<messages.CreateRequest, messages.CreateResponse>(async ({ request }, signal) => {
      const [, type] = typeOf(request.getUrn());
      const inputs = fromStruct(request.getProperties());
      if (request.getPreview()) {
        return new proto.CreateResponse().setProperties(toStruct({ ...inputs, ...unknowns(type.computed) }));
      }
      const { id, outputs = {} } = await type.create(parsed(type, inputs), callOf(request, signal));
      return new proto.CreateResponse().setId(id).setProperties(toStruct(outputsOf(type, inputs, outputs)));
    }),
    read: answer<messages.ReadRequest, messages.ReadResponse>(async ({ request }, signal) => {
      const [token, type] = typeOf(request.getUrn());
      const [inputs, outputs] = [fromStruct(request.getInputs()), fromStruct(request.getProperties())];
      const response = new proto.ReadResponse().setId(request.getId());
      if (type.read === undefined) return response.setInputs(toStruct(inputs)).setProperties(toStruct(outputs));
      if (Object.keys(inputs).length === 0) throw new Error(`${token} cannot be imported in the sandbox.`);
      const found = await type.read(existing(type, request.getId(), inputs, outputs), callOf(request, signal));
      if (found === null) return response.setId("");
      const seen = withOldMarks(inputs, found.inputs);
      const made = { ...pick(outputs, type.computed), ...found.outputs };
      return response.setInputs(toStruct(seen)).setProperties(toStruct(outputsOf(type, seen, revealAll(made))));
    }),
    update: answer<messages.UpdateRequest, messages.UpdateResponse>(async ({ request }, signal) => {
      const [token, type] = typeOf(request.getUrn());
      const [olds, news] = [fromStruct(request.getOlds()), fromStruct(request.getNews())];
      const kept = pick(olds, type.computed);
      if (request.getPreview()) {
        return new proto.UpdateResponse().setProperties(toStruct({ ...news, ...kept, ...unknowns(type.recomputed) }));
      }
      if (type.update === undefined) throw new Error(`${token} is replaced, never updated.`);
      const before = existing(type, request.getId(), fromStruct(request.getOldInputs()), olds);
      const made = await type.update(before, parsed(type, news), callOf(request, signal));
      return new proto.UpdateResponse().setProperties(toStruct(outputsOf(type, news, { ...revealAll(kept), ...made })));
    }),
    delete: answer<messages.DeleteRequest, empty.Empty>(async ({ request }, signal) => {
      const [, type] = typeOf(request.getUrn());
      const inputs = fromStruct(request.getOldInputs());
      await type.delete(
        existing(type, request.getId(), inputs, fromStruct(request.getProperties())),
        callOf(request, signal),
      );
      return new empty.Empty();
    }),
    cancel: answer(() => {
      cancelled.abort(new Error("the engine cancelled"));
      return new empty.Empty();
    }),
  };
}

/** A gRPC handler from a function. The signal is aborted when the engine gives the call up, or is gone. */
function answer<Request, Response>(
  handle: (call: ServerUnaryCall<Request, Response>, gone: AbortSignal) => Response | Promise<Response>,
) {
  return (call: ServerUnaryCall<Request, Response>, respond: sendUnaryData<Response>) => {
    const gone = new AbortController();
    call.on("cancelled", () => gone.abort(new Error("the engine is gone")));
    const work = async () => handle(call, gone.signal);
    work().then(
      (response) => respond(null, response),
      (error: unknown) =>
        respond({ code: status.UNKNOWN, details: error instanceof Error ? error.message : String(error) }),
    );
  };
}

/** Provider configuration arrives as text: whatever is not a plain word is JSON. */
function decoded(config: Wire): Wire {
  return Object.fromEntries(
    Object.entries(revealAll(config)).map(([key, value]) => {
      if (typeof value !== "string" || key === "region") return [key, value];
      try {
        return [key, JSON.parse(value) as unknown];
      } catch {
        return [key, value];
      }
    }),
  );
}

function failureList(failures: { property: string; reason: string }[]) {
  return failures.map(({ property, reason }) => new proto.CheckFailure().setProperty(property).setReason(reason));
}

function changes(same: boolean) {
  return new proto.DiffResponse().setChanges(
    same ? proto.DiffResponse.DiffChanges.DIFF_NONE : proto.DiffResponse.DiffChanges.DIFF_SOME,
  );
}

function detailed(changed: string[], type: ResourceType, olds: Wire, news: Wire): messages.DiffResponse {
  const { Kind } = proto.PropertyDiff;
  const replaces = type.update === undefined ? changed : changed.filter((key) => type.replaceOn?.includes(key));
  const response = changes(changed.length === 0)
    .setDiffsList(changed)
    .setReplacesList(replaces)
    .setDeletebeforereplace(type.deleteBeforeReplace === true && replaces.length > 0)
    .setHasdetaileddiff(true);
  for (const key of changed) {
    const [plain, replacing] = !(key in olds)
      ? [Kind.ADD, Kind.ADD_REPLACE]
      : !(key in news)
        ? [Kind.DELETE, Kind.DELETE_REPLACE]
        : [Kind.UPDATE, Kind.UPDATE_REPLACE];
    const kind = replaces.includes(key) ? replacing : plain;
    response.getDetaileddiffMap().set(key, new proto.PropertyDiff().setKind(kind).setInputdiff(true));
  }
  return response;
}

/** What was read, marked secret where the stored input was; an unchanged input keeps its stored form. */
function withOldMarks(olds: Wire, seen: Wire): Wire {
  return Object.fromEntries(
    Object.entries(seen).map(([key, value]) => {
      if (equal(olds[key], value)) return [key, olds[key]];
      return [key, isMarked(olds[key]) ? secret(value) : value];
    }),
  );
}

function isMarked(value: unknown): boolean {
  return JSON.stringify(value) !== JSON.stringify(reveal(value));
}

function pick(from: Wire, keys: readonly string[] = []): Wire {
  return Object.fromEntries(keys.filter((key) => key in from).map((key) => [key, from[key]]));
}
