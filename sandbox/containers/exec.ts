import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { hostCommand, type Surroundings } from "./command.ts";
import type { Container } from "./container.ts";
import { DockerError, notFound } from "./docker-error.ts";
import { frame } from "./frames.ts";

/** The body of `POST /containers/{id}/exec`. */
export interface ExecRequest {
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[] | null;
  readonly WorkingDir?: string;
  readonly AttachStdin?: boolean;
  readonly Tty?: boolean;
}

interface Exec {
  readonly id: string;
  readonly container: Container;
  readonly request: ExecRequest;
  running: boolean;
  exitCode: number | null;
  pid: number;
}

/** Commands run beside a container's own: in its environment, files and network. They live no longer than the engine. */
export class Execs {
  readonly #execs = new Map<string, Exec>();

  /** 409 if the container does not run. */
  create(container: Container, request: ExecRequest): string {
    if (container.record.state.status !== "running")
      throw new DockerError(409, `container ${container.id} is not running`);
    if ((request.Cmd ?? []).length === 0) throw new DockerError(400, "No exec command specified");
    const id = randomBytes(32).toString("hex");
    this.#execs.set(id, { id, container, request, running: false, exitCode: null, pid: 0 });
    container.emit(`exec_create: ${(request.Cmd ?? []).join(" ")}`, { execID: id });
    return id;
  }

  /** Runs the command with its output going to `output`, in frames unless it has a terminal, and its input coming from there if it is attached. */
  async start(id: string, around: Surroundings, output: Duplex | NodeJS.WritableStream): Promise<void> {
    const exec = this.#get(id);
    if (exec.running || exec.exitCode !== null) throw new DockerError(409, `exec command ${id} has already run`);
    const { container, request } = exec;
    const record = {
      ...container.record,
      config: { ...container.record.config, Env: [...(container.record.config.Env ?? []), ...(request.Env ?? [])] },
    };
    const command = await hostCommand(
      request.Cmd ?? [],
      request.WorkingDir ?? record.config.WorkingDir,
      record,
      container.image,
      around,
    );
    const child = spawn(command.file, command.arguments, {
      cwd: command.cwd,
      env: { ...command.env, AFFEXAI_CONTAINER_SUPERVISED: "0" },
      stdio: ["pipe", "pipe", "pipe"],
    });
    exec.running = true;
    exec.pid = child.pid ?? 0;
    container.emit(`exec_start: ${(request.Cmd ?? []).join(" ")}`, { execID: id });
    const framed = request.Tty !== true;
    child.stdout.on("data", (chunk: Buffer) => output.write(framed ? frame("stdout", chunk) : chunk));
    child.stderr.on("data", (chunk: Buffer) => output.write(framed ? frame("stderr", chunk) : chunk));
    // The command may end without having read all of its input.
    child.stdin.on("error", () => undefined);
    if (request.AttachStdin === true && "pipe" in output && "readable" in output) output.pipe(child.stdin);
    else child.stdin.end();
    await new Promise<void>((resolve) => {
      child.once("error", () => resolve());
      child.once("close", (code, name) => {
        exec.exitCode = code ?? (name === null ? 1 : 137);
        resolve();
      });
    });
    exec.running = false;
    exec.exitCode ??= 126;
    container.emit("exec_die", { execID: id, exitCode: `${exec.exitCode}` });
  }

  containerOf(id: string): Container {
    return this.#get(id).container;
  }

  /** `GET /exec/{id}/json`. */
  inspect(id: string): object {
    const { container, request, running, exitCode, pid } = this.#get(id);
    const [entrypoint = "", ...args] = request.Cmd ?? [];
    return {
      ID: id,
      ContainerID: container.id,
      Running: running,
      ExitCode: exitCode,
      Pid: pid,
      ProcessConfig: { entrypoint, arguments: args, tty: request.Tty ?? false, privileged: false },
      OpenStdin: request.AttachStdin ?? false,
      OpenStdout: true,
      OpenStderr: true,
      CanRemove: false,
      DetachKeys: "",
    };
  }

  #get(id: string): Exec {
    const exec = this.#execs.get(id);
    if (exec === undefined) throw notFound("exec instance", id);
    return exec;
  }
}
