import { DockerfileParser, type Instruction, ModifiableInstruction, PropertyInstruction } from "dockerfile-ast";
import { posix } from "node:path";
import { OperationError } from "../../operations/error.ts";
import type { ImageConfig } from "../../operations/image/manifest.ts";
import { readHealthcheck } from "./healthcheck.ts";
import { expandWord, splitAssignment, WordError } from "./words.ts";

/** One COPY instruction. */
export interface CopyStep {
  /** In the Dockerfile, counted from 1. */
  readonly line: number;
  /** Paths in the context, possibly with wildcards. */
  readonly sources: readonly string[];
  /** Absolute path in the image; ends in `/` when the sources go into it. */
  readonly destination: string;
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Replaces the files' own modes. */
  readonly mode?: number;
}

export interface Recipe {
  /** The image after FROM, which is recorded and not pulled. */
  readonly base: string;
  readonly copies: readonly CopyStep[];
  readonly config: ImageConfig;
}

/** A problem of a Dockerfile, in words for its author. */
class Problem extends Error {}

const remedies: Record<string, string> = {
  RUN: "RUN needs a container engine. Do this work before the build, and COPY its result.",
  ADD: "ADD unpacks archives and downloads. Use COPY.",
  VOLUME: "VOLUME hides what the image has there. Mount volumes where the container is started.",
  ONBUILD: "ONBUILD acts on images built from this one, and there are none.",
  SHELL: "SHELL has no use without RUN and shell forms.",
  MAINTAINER: "MAINTAINER is deprecated. Use LABEL org.opencontainers.image.authors=.",
};

/**
 * Reads the part of the Dockerfile language that needs no container engine: one stage of FROM, ARG, ENV, LABEL, WORKDIR, COPY,
 * EXPOSE, USER, STOPSIGNAL, HEALTHCHECK, ENTRYPOINT and CMD (exec forms). Everything else is refused, all problems at once,
 * each with its line and what to do instead. `file` is what errors call it.
 */
export function parseDockerfile(text: string, file: string, buildArgs: Readonly<Record<string, string>> = {}): Recipe {
  const problems: string[] = [];
  const reader = new RecipeReader(buildArgs);
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const line = instruction.getRange().start.line + 1;
    try {
      reader.read(instruction, line);
    } catch (error) {
      if (!(error instanceof Problem) && !(error instanceof WordError)) throw error;
      problems.push(`line ${line}: ${error.message}`);
    }
  }
  if (reader.base === undefined && problems.length === 0) problems.push("it has no FROM.");
  const unknown = Object.keys(buildArgs).filter((name) => !reader.declared.has(name));
  if (unknown.length > 0) problems.push(`it declares no ARG ${unknown.join(", ")}, and a value was given for it.`);
  if (problems.length > 0) {
    throw new OperationError("refused", {
      where: file,
      what: `cannot be built here:\n${problems.map((problem) => `  ${problem}`).join("\n")}\n`,
      next: "Correct these lines. Nothing was built.",
    });
  }
  return { base: reader.base ?? "", copies: reader.copies, config: reader.config };
}

class RecipeReader {
  base: string | undefined;
  readonly copies: CopyStep[] = [];
  readonly config: ImageConfig = {};
  readonly declared = new Set<string>();
  private readonly buildArgs: Readonly<Record<string, string>>;
  private readonly globals = new Map<string, string>();
  private variables = new Map<string, string>();

  constructor(buildArgs: Readonly<Record<string, string>>) {
    this.buildArgs = buildArgs;
  }

  read(instruction: Instruction, line: number): void {
    const keyword = instruction.getKeyword();
    const remedy = remedies[keyword];
    if (remedy !== undefined) throw new Problem(remedy);
    if (keyword === "ARG") return this.arg(instruction);
    if (keyword === "FROM") return this.from(instruction);
    if (this.base === undefined) throw new Problem(`${keyword} stands before FROM.`);
    switch (keyword) {
      case "ENV":
        for (const { name, value } of this.assignments(instruction)) {
          this.config.Env = [
            ...(this.config.Env ?? []).filter((pair) => !pair.startsWith(`${name}=`)),
            `${name}=${value}`,
          ];
          this.variables.set(name, value);
        }
        return;
      case "LABEL":
        for (const { name, value } of this.assignments(instruction)) {
          this.config.Labels = { ...this.config.Labels, [name]: value };
        }
        return;
      case "WORKDIR":
        this.config.WorkingDir = posix.resolve(this.config.WorkingDir ?? "/", this.oneWord(instruction));
        return;
      case "COPY":
        this.copies.push(this.copy(instruction, line));
        return;
      case "EXPOSE":
        for (const port of this.words(instruction))
          this.config.ExposedPorts = { ...this.config.ExposedPorts, [exposed(port)]: {} };
        return;
      case "USER":
        this.config.User = this.oneWord(instruction);
        return;
      case "STOPSIGNAL":
        this.config.StopSignal = this.oneWord(instruction);
        return;
      case "HEALTHCHECK":
        this.config.Healthcheck = this.healthcheck(instruction);
        return;
      case "ENTRYPOINT":
        this.config.Entrypoint = execForm(instruction);
        return;
      case "CMD":
        this.config.Cmd = execForm(instruction);
        return;
      default:
        throw new Problem(`${keyword} is not an instruction of a Dockerfile.`);
    }
  }

  private arg(instruction: Instruction): void {
    for (const word of propertyWords(instruction)) {
      const { name, value } = splitAssignment(word) ?? { name: word, value: undefined };
      this.declared.add(name);
      const scope = this.base === undefined ? this.globals : this.variables;
      const inherited = this.base === undefined ? undefined : this.globals.get(name);
      const given = this.buildArgs[name] ?? (value === undefined ? inherited : expandWord(value, scope));
      // ENV wins over ARG, wherever it stands.
      const isEnv = (this.config.Env ?? []).some((pair) => pair.startsWith(`${name}=`));
      if (given !== undefined && !isEnv) scope.set(name, given);
    }
  }

  private from(instruction: Instruction): void {
    if (this.base !== undefined)
      throw new Problem("a second FROM makes this a multi-stage build. Build first, and COPY the result.");
    if (flagsOf(instruction).length > 0) throw new Problem("FROM takes no flags here.");
    const [image = "", as, name] = instruction.getArguments().map((argument) => argument.getValue());
    if (image === "" || (as !== undefined && (as.toUpperCase() !== "AS" || name === undefined))) {
      throw new Problem("FROM needs an image.");
    }
    this.base = expandWord(image, this.globals);
  }

  private copy(instruction: Instruction, line: number): CopyStep {
    let owner = { uid: 0, gid: 0 };
    let mode: number | undefined;
    for (const { name, value } of flagsOf(instruction)) {
      if (name === "chown") owner = readOwner(expandWord(value, this.variables));
      else if (name === "chmod") mode = readMode(expandWord(value, this.variables));
      else if (name === "from")
        throw new Problem("COPY --from takes files out of another image or stage. COPY them from the context.");
      else if (name !== "link") throw new Problem(`COPY --${name} is not supported. Leave it out.`);
    }
    const words = jsonForm(instruction) ?? this.words(instruction);
    if (words.some((word) => word.startsWith("<<")))
      throw new Problem("COPY takes no here-document. Put the text into a file.");
    const target = words.at(-1);
    if (target === undefined || words.length < 2) throw new Problem("COPY needs a source and a destination.");
    const workingDir = this.config.WorkingDir ?? "/";
    const absolute = posix.resolve(workingDir, target);
    const isFolder = absolute === workingDir || /(^|\/)\.{0,2}$/.test(target);
    const destination = isFolder && absolute !== "/" ? `${absolute}/` : absolute;
    if (words.length > 2 && !destination.endsWith("/"))
      throw new Problem("COPY of several sources needs a destination that ends in /.");
    return { line, sources: words.slice(0, -1), destination, owner, ...(mode === undefined ? {} : { mode }) };
  }

  private healthcheck(instruction: Instruction): ImageConfig["Healthcheck"] {
    const health = readHealthcheck(flagsOf(instruction), instruction.getArgumentsContent() ?? "");
    if (health === undefined)
      throw new Problem(
        "HEALTHCHECK is [--interval= --timeout= --start-period= --start-interval= --retries=] CMD ... or NONE.",
      );
    return health;
  }

  private assignments(instruction: Instruction): { name: string; value: string }[] {
    const expand = (word: string) => expandWord(word, this.variables);
    return propertyWords(instruction).map((word) => {
      const assignment = splitAssignment(word);
      if (assignment === undefined)
        throw new Problem(`${instruction.getKeyword()} needs NAME=value, with quotes around spaces.`);
      return { name: expand(assignment.name), value: expand(assignment.value) };
    });
  }

  private words(instruction: Instruction): string[] {
    return instruction.getArguments().map((argument) => expandWord(argument.getValue(), this.variables));
  }

  private oneWord(instruction: Instruction): string {
    const [word, ...more] = this.words(instruction);
    if (word === undefined || word === "" || more.length > 0)
      throw new Problem(`${instruction.getKeyword()} needs one value.`);
    return word;
  }
}

function propertyWords(instruction: Instruction): string[] {
  if (!(instruction instanceof PropertyInstruction)) return [];
  return instruction.getPropertyArguments().map((argument) => argument.getValue());
}

function flagsOf(instruction: Instruction): { name: string; value: string }[] {
  if (!(instruction instanceof ModifiableInstruction)) return [];
  return instruction.getFlags().map((flag) => ({ name: flag.getName(), value: flag.getValue() ?? "" }));
}

/** The array of an instruction that is written as `["a", "b"]`. */
function jsonForm(instruction: Instruction): string[] | undefined {
  const text = (instruction.getArgumentsContent() ?? "").trim();
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  } catch {
    // Said below, as for an array of something else.
  }
  throw new Problem(`${instruction.getKeyword()} needs a JSON array of strings, in double quotes.`);
}

function execForm(instruction: Instruction): string[] {
  const form = jsonForm(instruction);
  if (form !== undefined) return form;
  throw new Problem(
    `${instruction.getKeyword()} in shell form puts a shell between the container and the program, and SIGTERM ends there. Write ["program", "argument"].`,
  );
}

function exposed(port: string): string {
  if (!/^\d+(\/(tcp|udp))?$/.test(port)) throw new Problem(`EXPOSE ${port} is not <port>[/tcp|/udp].`);
  return port.includes("/") ? port : `${port}/tcp`;
}

/** Users that are known by name without the base image's /etc/passwd: root, and `node` of the official Node images. */
const users: Record<string, number> = { root: 0, node: 1000 };

function readOwner(text: string): { uid: number; gid: number } {
  const [user = "", group = user] = text.split(":");
  const [uid, gid] = [user, group].map((name) => users[name] ?? (/^\d+$/.test(name) ? Number(name) : undefined));
  if (uid === undefined || gid === undefined)
    throw new Problem(`COPY --chown=${text} names a user of the base image. Use numbers.`);
  return { uid, gid };
}

function readMode(text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) throw new Problem(`COPY --chmod=${text} is not three octal digits.`);
  return Number.parseInt(text, 8);
}
