import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";

/** One registration, exactly as the engine would get it. */
export interface Registration {
  /** `<type>$<type>::<name>`, outermost component first: the URN without stack and project. */
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** Plain values; secrets unwrapped. */
  readonly inputs: Record<string, unknown>;
  /** Paths of the inputs that arrived as secrets, for example `environment.DATABASE_URL`. */
  readonly secrets: readonly string[];
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  /** Names of the resources it waits for. */
  readonly dependsOn: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  readonly createTimeout: string;
}

export interface MockOptions {
  stack?: string;
  /** What the outputs hold besides the inputs, by name; a preview leaves them unknown. */
  outputs?: Record<string, Record<string, unknown>>;
  preview?: boolean;
  /** Answers of functions by token. Any other call fails. */
  functions?: Record<string, (inputs: Record<string, unknown>) => Record<string, unknown>>;
}

export interface MockEngine {
  /** In order of registration, without the stack itself. */
  readonly registered: readonly Registration[];
  named(name: string): Registration;
  /** URNs, sorted. */
  shape(): string[];
}

/** What an unknown value looks like on the wire (runtime/rpc.js, `unknownValue`). */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** Computed outputs of the resources that we declare: what a provider answers beyond its inputs. */
const computed: Record<string, (name: string) => Record<string, unknown>> = {
  "aws:iam/user:User": (name) => ({ arn: `arn:aws:iam::000000000000:user/${name}` }),
  "aws:iam/accessKey:AccessKey": (name) => ({ secret: `${name}-secret` }),
  "random:index/randomPassword:RandomPassword": (name) => ({ result: `generated-${name}` }),
  "docker:index/image:Image": () => ({ repoDigest: `ghcr.io/affexai/built@sha256:${"b".repeat(64)}` }),
};

type Register = (request: RegisterResourceRequest, callback: (error: Error | null, response: unknown) => void) => void;

/** Replaces Pulumi's engine in this process by one that records. Make it before the first component. */
export async function mockEngine(options: MockOptions = {}): Promise<MockEngine> {
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, custom }) => {
        const made = { ...computed[type]?.(name), ...options.outputs?.[name] };
        const known = options.preview === true && custom === true;
        const answered = known ? Object.fromEntries(Object.keys(made).map((key) => [key, unknown])) : made;
        return { id: `${name}-id`, state: { ...(inputs as object), ...answered } };
      },
      call: ({ token, inputs }) => {
        const answer = options.functions?.[token];
        if (answer === undefined) throw new Error(`unexpected call of ${token}`);
        return answer(inputs as Record<string, unknown>);
      },
    },
    "affexai",
    options.stack ?? "test",
    options.preview ?? false,
    "organization",
  );
  const registered: Registration[] = [];
  const chains = new Map<string, string>();
  // The mock monitor keeps options from the mocks; the request has them all.
  const monitor = (pulumi.runtime as unknown as { getMonitor(): { registerResource: Register } }).getMonitor();
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) =>
    register(request, (error, response) => {
      if (error === null) {
        const urn = (response as { getUrn(): string }).getUrn();
        const parent = chains.get(request.getParent());
        const chain = parent === undefined ? request.getType() : `${parent}$${request.getType()}`;
        if (request.getType() === "pulumi:pulumi:Stack") return callback(error, response);
        chains.set(urn, chain);
        registered.push(registrationOf(request, `${chain}::${request.getName()}`));
      }
      callback(error, response);
    });
  return {
    registered,
    named(name) {
      const [found, ...others] = registered.filter((one) => one.name === name);
      if (found !== undefined && others.length === 0) return found;
      throw new Error(`${found === undefined ? "no resource" : "several resources"} of name ${name}`);
    },
    shape: () => registered.map(({ urn }) => urn).sort(),
  };
}

/**
 * Runs a piece of program to its end: everything it registers is registered. Rejects with what the program throws, also where it
 * throws inside an output, as the real runner does (cmd/run/run.js).
 */
export async function deploy<T>(program: () => T): Promise<T> {
  const thrown: unknown[] = [];
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason) => thrown.push(reason));
  try {
    const made: T[] = [];
    await pulumi.runtime.runInPulumiStack(async () => {
      made.push(program());
      return {};
    });
    await pulumi.runtime.disconnect();
    // Rejections that nobody handled are told on the turn after the last promise.
    await new Promise((resolve) => setImmediate(resolve));
    if (thrown.length > 0) throw thrown[0];
    const [first] = made;
    if (first === undefined) throw new Error("the program did not run");
    return first;
  } finally {
    process.removeAllListeners("unhandledRejection");
    for (const listener of others) process.on("unhandledRejection", listener);
  }
}

/** What an output holds; undefined while it is unknown. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  return (output as unknown as { promise(withUnknowns?: boolean): Promise<T | undefined> }).promise();
}

function registrationOf(request: RegisterResourceRequest, urn: string): Registration {
  const secrets: string[] = [];
  const inputs = plain(request.getObject()?.toJavaScript() ?? {}, "", secrets) as Record<string, unknown>;
  return {
    urn,
    type: request.getType(),
    name: request.getName(),
    inputs,
    secrets: secrets.sort(),
    protect: request.getProtect() === true,
    retainOnDelete: request.getRetainondelete() === true,
    dependsOn: request.getDependenciesList().map((one) => one.split("::").at(-1) ?? ""),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    createTimeout: request.getCustomtimeouts()?.getCreate() ?? "",
  };
}

function plain(value: unknown, path: string, secrets: string[]): unknown {
  if (Array.isArray(value)) return value.map((item, index) => plain(item, `${path}.${index}`, secrets));
  if (typeof value !== "object" || value === null) return value;
  const fields = value as Record<string, unknown>;
  if (fields[signature] === secretSignature) {
    secrets.push(path);
    return plain(fields["value"], path, secrets);
  }
  return Object.fromEntries(
    Object.entries(fields).map(([key, item]) => [key, plain(item, path === "" ? key : `${path}.${key}`, secrets)]),
  );
}
