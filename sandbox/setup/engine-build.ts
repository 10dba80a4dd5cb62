import { appendFile, chmod, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { provideGo, type Go } from "./go.ts";
import { root } from "./paths.ts";
import { logTail, say, SetupError } from "./step.ts";

const moduleFolder = join(root, "sandbox", "pulumi", "engine");
const command = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";

/** Builds the engine from its Go modules, whose versions and checksums are in sandbox/pulumi/engine. It appears at `target` complete or not at all. */
export async function buildEngine(options: {
  readonly version: string;
  readonly target: string;
  readonly logFile: string;
}): Promise<void> {
  say("the download did not work; building the engine from its Go modules instead");
  const go = await provideGo(options.logFile);
  say("this takes 3 minutes on a workstation and 25 on two slow cores, and 3 GB in Go's caches; it happens once");
  const draft = `${options.target}.part`;
  await mkdir(dirname(options.target), { recursive: true });
  const total = await countPackages(go);
  const build = execa(
    go.file,
    [
      ...["build", "-v", "-trimpath", "-tags", "osusergo,grpcnotrace", "-o", draft],
      "-ldflags",
      `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${options.version}`,
      command,
    ],
    { cwd: moduleFolder, env: environment(go), stdin: "ignore", reject: false, buffer: false, timeout: 3 * 3600_000 },
  );
  // -v names each package on stderr when it is about to be compiled.
  let seen = 0;
  let announced = 0;
  for await (const line of createInterface({ input: build.stderr })) {
    await appendFile(options.logFile, `${line}\n`);
    if (/^[\w./~-]+$/.test(line)) seen += 1;
    const tenths = Math.min(9, Math.floor((10 * seen) / total));
    if (tenths > announced) {
      announced = tenths;
      say(`engine: ${tenths * 10} % of ${total} packages`);
    }
  }
  const { failed } = await build;
  if (failed) {
    await rm(draft, { force: true });
    throw new SetupError(
      `The Pulumi engine could not be built.\n${await logTail(options.logFile)}`,
      `Install Pulumi ${options.version} yourself, so that ${options.target} is its program.`,
    );
  }
  await chmod(draft, 0o755);
  await rename(draft, options.target);
}

/** How many packages the engine is made of. Downloads their modules first. */
async function countPackages(go: Go): Promise<number> {
  const { stdout, stderr, failed } = await execa(go.file, ["list", "-deps", "-tags", "osusergo,grpcnotrace", command], {
    cwd: moduleFolder,
    env: environment(go),
    stdin: "ignore",
    reject: false,
    timeout: 30 * 60_000,
  });
  if (failed) {
    throw new SetupError(
      `The Pulumi engine's Go modules could not be fetched.\n${stderr.trimEnd().split("\n").slice(-8).join("\n")}`,
      "Check the connection to the Go module proxy (go env GOPROXY), then run the same command again.",
    );
  }
  return stdout.split("\n").length;
}

function environment(go: Go): Record<string, string> {
  // Without cgo no C compiler is needed. Flags of the user (-mod=vendor) must not change what is built.
  return { ...go.env, CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off" };
}
