import { Option, type Command } from "commander";
import { OperationError } from "../error.ts";
import type { Check } from "../coolify/checks/check.ts";
import type { Context } from "../verb.ts";

/** What `affexai doctor --application` takes besides the address. */
export interface ApplicationOptions {
  application: string;
  image?: string;
  imageRuntime: "docker" | "unpacked";
  variables?: string;
  pid?: number;
  dependency?: number;
  livePath: string;
  readyPath: string;
  versionPath: string;
  metricsPath: string;
  metrics: boolean;
  startedPath?: string;
  slowPath?: string;
  graceSeconds: number;
  startSeconds: number;
}

const whole = (text: string): number => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new OperationError("usage", { where: `"${text}"`, what: "is no positive whole number.", next: "Give one." });
};

/** The options for looking at an application in place of Coolify. */
export function addApplicationOptions(command: Command): Command {
  return command
    .option("--application <url>", "look at the application at this address in place of Coolify")
    .option("--image <image>", "start this image there, and end it; with --application")
    .addOption(new Option("--image-runtime <how>", "how it is run").choices(["docker", "unpacked"]).default("docker"))
    .option("--variables <file>", "NAME=value lines that the image needs")
    .option("--pid <id>", "the process at that address; it is ended", whole)
    .option("--dependency <pid>", "a process that readiness depends on; it is stopped for 3 s", whole)
    .option("--live-path <path>", "liveness", "/health")
    .option("--ready-path <path>", "readiness", "/health/ready")
    .option("--version-path <path>", "which release runs", "/version")
    .option("--metrics-path <path>", "metrics", "/metrics")
    .option("--no-metrics", "the application has none, as a frontend")
    .option("--started-path <path>", "what Docker's health check asks, where that is not readiness")
    .option("--slow-path <path>", "a request that takes some seconds: it must survive SIGTERM")
    .option("--grace-seconds <count>", "the stop grace period", whole, 30)
    .option("--start-seconds <count>", "until it has to be ready", whole, 60);
}

/** Looks at the application; everything that the options contradict is refused first. */
export async function lookAtApplication(options: ApplicationOptions, context: Context): Promise<readonly Check[]> {
  const url = checked(options);
  const { image, imageRuntime: runtime, variables, pid, dependency, graceSeconds, startSeconds } = options;
  const [{ examineApplication }, { runningProcess }, { startImage }] = await Promise.all([
    import("../doctor/application.ts"),
    import("../doctor/examined-process.ts"),
    import("../doctor/image-process.ts"),
  ]);
  const limitMs = (startSeconds + graceSeconds + 60) * 1000;
  const process =
    image !== undefined
      ? await startImage({ image, runtime, url, limitMs, ...(variables === undefined ? {} : { variables }) }, context)
      : pid === undefined
        ? undefined
        : runningProcess(pid);
  try {
    return await examineApplication(
      {
        url,
        paths: {
          live: options.livePath,
          ready: options.readyPath,
          version: options.versionPath,
          ...(options.metrics ? { metrics: options.metricsPath } : {}),
          ...(options.startedPath === undefined ? {} : { started: options.startedPath }),
          ...(options.slowPath === undefined ? {} : { slow: options.slowPath }),
        },
        graceSeconds,
        startSeconds,
        ...(process === undefined ? {} : { process }),
        ...(dependency === undefined ? {} : { dependency }),
      },
      context,
    );
  } catch (error) {
    if (image !== undefined) {
      await process?.kill().catch((reason: unknown) => {
        context.progress.note(`what was started was left behind: ${String(reason)}`);
      });
    }
    throw error;
  }
}

/** Options that mean nothing without `--application` are not overlooked. */
export function refuseWithoutApplication(options: Omit<ApplicationOptions, "application">): void {
  const given = (["image", "variables", "pid", "dependency", "startedPath", "slowPath"] as const).filter(
    (name) => options[name] !== undefined,
  );
  if (given.length === 0) return;
  throw new OperationError("usage", {
    where: "doctor",
    what: `${given.join(", ")}: without --application there is nothing to look at.`,
    next: "Add --application <url>; nothing was touched.",
  });
}

function checked({ application, image, variables, pid }: ApplicationOptions): string {
  const problems = [
    ...(/^http:\/\/[^/]+\/?$/.test(application) ? [] : ["--application must be http://<host>:<port>, without a path"]),
    ...(image !== undefined && pid !== undefined ? ["--image and --pid are two ways to have a process"] : []),
    ...(variables !== undefined && image === undefined ? ["--variables is for --image"] : []),
  ];
  if (problems.length === 0) return application.replace(/\/$/, "");
  throw new OperationError("usage", {
    where: "doctor",
    what: `${problems.join("; ")}.`,
    next: "Correct these options; nothing was touched.",
  });
}
