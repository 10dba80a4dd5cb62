import { access, chmod, constants, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { installPackages } from "./install-packages.ts";
import { say, SetupError } from "./step.ts";

/** The toolchain that is brought where Go is too old to bring its own (before 1.21). */
const toolchain = "go1.26.8";

/** A go program, and the environment under which it builds the engine. */
export interface Go {
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Finds a Go that can build the engine, or brings one: through the package manager, and as a toolchain module where that one is too old. */
export async function provideGo(logFile: string): Promise<Go> {
  const found = (await findGo()) ?? (await installGo(logFile));
  const [major = 0, minor = 0] = await version(found);
  if (major > 1 || minor >= 21) return { file: found, env: { GOTOOLCHAIN: "auto" } };
  say(`Go ${major}.${minor} is too old; fetching the toolchain ${toolchain} through it, about 70 MB`);
  return { file: await fetchToolchain(found, logFile), env: { GOTOOLCHAIN: "local" } };
}

async function findGo(): Promise<string | null> {
  const distribution = (await readdir("/usr/lib").catch(() => []))
    .filter((entry) => /^go-\d/.test(entry))
    .map((entry) => join("/usr/lib", entry, "bin"));
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const folder of [...path, "/usr/local/go/bin", "/opt/homebrew/bin", ...distribution]) {
    const file = join(folder, "go");
    if (await access(file, constants.X_OK).then(always, never)) return file;
  }
  return null;
}

async function installGo(logFile: string): Promise<string> {
  await installPackages(["go"], "Go, to build the Pulumi engine,", logFile);
  const found = await findGo();
  if (found === null) throw new SetupError("Go cannot be found, though it was installed.", "Put go on PATH.");
  return found;
}

async function version(go: string): Promise<number[]> {
  // GOTOOLCHAIN=local: the program's own version, not that of a toolchain it would fetch.
  const { stdout } = await execa(go, ["version"], { env: { GOTOOLCHAIN: "local" }, cwd: tmpdir() });
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(stdout) ?? [];
  return [Number(major ?? 0), Number(minor ?? 0)];
}

/** Go publishes its toolchains as modules (go.dev/doc/toolchain); an old go can download one, but unpacks it without execute permissions. */
async function fetchToolchain(go: string, logFile: string): Promise<string> {
  const platform = `${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  const folder = await mkdtemp(join(tmpdir(), "affexai-toolchain-"));
  try {
    const { stdout, failed, stderr } = await execa(
      go,
      ["mod", "download", "-json", `golang.org/toolchain@v0.0.1-${toolchain}.${platform}`],
      { cwd: folder, reject: false, timeout: 15 * 60_000, env: { GOFLAGS: "" } },
    );
    const answer: unknown = failed ? null : JSON.parse(stdout);
    if (typeof answer !== "object" || answer === null || !("Dir" in answer) || typeof answer.Dir !== "string") {
      throw new SetupError(
        `The Go toolchain ${toolchain} could not be fetched.\n${stderr.slice(-500)}`,
        `Install Go 1.21 or newer (log: ${logFile}).`,
      );
    }
    const { Dir: home } = answer;
    const programs = [join(home, "bin")];
    const tools = join(home, "pkg", "tool");
    for (const platformTools of await readdir(tools)) programs.push(join(tools, platformTools));
    for (const programFolder of programs) {
      for (const program of await readdir(programFolder)) await chmod(join(programFolder, program), 0o755);
    }
    return join(home, "bin", "go");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const always = () => true;
const never = () => false;
