import assert from "node:assert/strict";
import type { OperationError } from "../../../operations/error.ts";
import { parseDockerfile } from "../../../sandbox/images/dockerfile.ts";

const parse = (lines: string, buildArgs?: Record<string, string>) =>
  parseDockerfile(lines, "app/Dockerfile", buildArgs);

/** The problems that a Dockerfile is refused for, a line each. */
function problems(lines: string, buildArgs?: Record<string, string>): string[] {
  try {
    parse(lines, buildArgs);
  } catch (error) {
    const { kind, text } = error as OperationError;
    assert.equal(kind, "refused");
    assert.equal(text.where, "app/Dockerfile");
    return text.what
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

describe("a Dockerfile", () => {
  it("becomes a base, copies and a configuration", () => {
    const recipe = parse(
      `# syntax=docker/dockerfile:1
ARG NODE=24
FROM node:\${NODE}-alpine AS app
ARG RELEASE=dev
ENV NODE_ENV=production PORT=3000 \\
    # a comment between
    TITLE="two words"
LABEL org.opencontainers.image.version=$RELEASE "with space"=x
WORKDIR /srv
WORKDIR app
COPY --chown=node:node package.json dist/ ./
COPY ["a b", "/data/"]
COPY --chmod=755 --link start.js /start.js
USER node
EXPOSE 3000 9090/udp
STOPSIGNAL SIGINT
HEALTHCHECK --interval=1m30s --timeout=500ms --retries=3 CMD wget -q http://localhost:$PORT/health
CMD ["dist/main.js"]
ENTRYPOINT ["node"]
`,
      { RELEASE: "r1" },
    );
    const root = { uid: 0, gid: 0 };
    assert.equal(recipe.base, "node:24-alpine");
    assert.deepEqual(recipe.copies, [
      { line: 11, sources: ["package.json", "dist/"], destination: "/srv/app/", owner: { uid: 1000, gid: 1000 } },
      { line: 12, sources: ["a b"], destination: "/data/", owner: root },
      { line: 13, sources: ["start.js"], destination: "/start.js", owner: root, mode: 0o755 },
    ]);
    assert.deepEqual(recipe.config, {
      Env: ["NODE_ENV=production", "PORT=3000", "TITLE=two words"],
      Labels: { "org.opencontainers.image.version": "r1", "with space": "x" },
      WorkingDir: "/srv/app",
      User: "node",
      ExposedPorts: { "3000/tcp": {}, "9090/udp": {} },
      StopSignal: "SIGINT",
      Healthcheck: {
        Test: ["CMD-SHELL", "wget -q http://localhost:$PORT/health"],
        Interval: 90e9,
        Timeout: 500e6,
        Retries: 3,
      },
      Cmd: ["dist/main.js"],
      Entrypoint: ["node"],
    });
  });

  it("scopes ARG before FROM to FROM, unless the stage asks for it", () => {
    const lines = "ARG A=1\nARG B=2\nFROM x:$A\nARG B\nENV SEEN=$A-$B\n";
    assert.deepEqual(parse(lines).config.Env, ["SEEN=-2"]);
    assert.equal(parse(lines, { A: "9" }).base, "x:9");
  });

  it("lets ENV win over ARG, and a later value over an earlier one", () => {
    assert.deepEqual(parse("FROM x\nENV A=env\nARG A=arg\nENV A=$A-2\n").config.Env, ["A=env-2"]);
  });

  it("copies a file into the working directory and to another name", () => {
    const { copies } = parse("FROM x\nWORKDIR /app\nCOPY a /app\nCOPY a .\nCOPY a b\nCOPY a sub/..\n");
    assert.deepEqual(
      copies.map(({ destination }) => destination),
      ["/app/", "/app/", "/app/b", "/app/"],
    );
  });

  it("is refused with every problem, its line and what to do instead", () => {
    const found = problems(
      `FROM node:24
RUN npm ci
COPY --from=build /a /b
COPY a
CMD node main.js
ENV A b
ADD x.tar /x
VOLUME /data
EXPOSE many
USER
COPY --chown=www:www a b
COPY --parents a b
FROM node:24
COPY a b /c
FROBNICATE x
`,
      { TYPO: "1" },
    );
    const beginnings = [
      "line 2: RUN needs a container engine. Do this work before the build",
      "line 3: COPY --from",
      "line 4: COPY needs a source and a destination.",
      "line 5: CMD in shell form",
      "line 6: ENV needs NAME=value",
      "line 7: ADD unpacks archives",
      "line 8: VOLUME hides",
      "line 9: EXPOSE many",
      "line 10: USER needs one value.",
      "line 11: COPY --chown=www:www names a user of the base image. Use numbers.",
      "line 12: COPY --parents is not supported",
      "line 13: a second FROM",
      "line 14: COPY of several sources needs a destination that ends in /.",
      "line 15: FROBNICATE is not an instruction",
      "it declares no ARG TYPO",
    ];
    assert.deepEqual(
      found.map((line, index) => line.slice(0, beginnings[index]?.length)),
      beginnings,
    );
  });

  it("is refused without FROM, with something before FROM, and with a broken array", () => {
    assert.deepEqual(problems("# nothing\n"), ["it has no FROM."]);
    assert.match(problems("COPY a b\nFROM x\n").join(), /line 1: COPY stands before FROM/);
    assert.match(problems('FROM x\nCMD ["a", 1]\n').join(), /line 2: CMD needs a JSON array of strings/);
    assert.match(problems("FROM x\nHEALTHCHECK --interval=often CMD true\n").join(), /line 2: HEALTHCHECK is/);
    assert.match(problems("FROM x\nCOPY <<EOF /a\nx\nEOF\n").join(), /here-document/);
  });
});
