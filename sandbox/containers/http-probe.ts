import { request } from "node:http";
import type { ImageTools } from "./image-tools.ts";

/** One alternative of a health check in shell: a request, or `exit N`. */
type Alternative =
  | { readonly tool: "curl" | "wget"; readonly url: URL; readonly method: string; readonly failsOnErrorStatus: boolean }
  | { readonly tool: "exit"; readonly code: number };

/**
 * The health check that Coolify generates, `curl -s -X GET -f URL > /dev/null || wget -q -O- URL > /dev/null || exit 1`
 * (Coolify 379abb2, app/Jobs/ApplicationDeploymentJob.php generate_healthcheck_commands), taken apart; null for any other script. The engine
 * makes such a request itself: a shell and a client for every check of every container would cost more than the containers do.
 */
export function parseHttpProbe(script: string): readonly Alternative[] | null {
  const alternatives = script.split("||").map((part) => parseAlternative(part.trim()));
  return alternatives.includes(null) ? null : alternatives.filter((alternative) => alternative !== null);
}

function parseAlternative(text: string): Alternative | null {
  const exit = /^exit (\d{1,3})$/.exec(text)?.[1];
  if (exit !== undefined) return { tool: "exit", code: Number(exit) };
  const words = text.replace(/\s*(?:1|&)?>\s*\/dev\/null(?:\s+2>&1)?$/, "").split(/\s+/);
  const [tool, ...rest] = words;
  if (tool !== "curl" && tool !== "wget") return null;
  let method = "GET";
  let url: URL | null = null;
  let failsOnErrorStatus = tool === "wget";
  for (let index = 0; index < rest.length; index += 1) {
    const word = (rest[index] ?? "").replace(/^(["'])(.*)\1$/, "$2");
    if (/^https?:\/\//.test(word)) url = URL.canParse(word) ? new URL(word) : null;
    else if (tool === "curl" && word === "-X") method = rest[(index += 1)] ?? "GET";
    else if (tool === "curl" && /^-[sSf]+$/.test(word)) failsOnErrorStatus ||= word.includes("f");
    else if (tool === "curl" && word === "--fail") failsOnErrorStatus = true;
    else if (tool === "wget" && ["-q", "-O-", "-qO-", "--quiet"].includes(word)) continue;
    else if (tool === "wget" && word === "--spider") method = "HEAD";
    else return null;
  }
  return url === null || url.protocol !== "http:" ? null : { tool, url, method, failsOnErrorStatus };
}

/** Runs the alternatives as the shell would, with the tools that the image has, and localhost being the container's own address. */
export async function runHttpProbe(
  alternatives: readonly Alternative[],
  tools: ImageTools,
  address: string,
  signal: AbortSignal,
): Promise<{ exitCode: number; output: string }> {
  const output: string[] = [];
  let exitCode = 0;
  for (const alternative of alternatives) {
    if (alternative.tool === "exit") {
      exitCode = alternative.code;
      break;
    }
    if (!tools[alternative.tool]) {
      output.push(`/bin/sh: ${alternative.tool}: not found`);
      exitCode = 127;
      continue;
    }
    const failure = await ask(alternative, address, signal);
    if (failure === null) return { exitCode: 0, output: output.join("\n") };
    output.push(`${alternative.tool}: ${failure.text}`);
    exitCode = failure.code;
  }
  return { exitCode, output: output.join("\n") };
}

/** Exit codes as of curl(1): 7 no connection, 22 an error status under -f. wget's are not 0 either. */
function ask(
  { url, method, failsOnErrorStatus, tool }: Exclude<Alternative, { tool: "exit" }>,
  address: string,
  signal: AbortSignal,
): Promise<{ code: number; text: string } | null> {
  const host = ["localhost", "127.0.0.1", "0.0.0.0", "[::1]"].includes(url.hostname) ? address : url.hostname;
  const port = url.port === "" ? 80 : Number(url.port);
  return new Promise((resolve) => {
    const asked = request(
      {
        host,
        port,
        method,
        path: `${url.pathname}${url.search}`,
        headers: { host: url.host, accept: "*/*" },
        agent: false,
        signal,
      },
      (response) => {
        response.resume();
        const status = response.statusCode ?? 0;
        const bad = failsOnErrorStatus && (status >= 400 || (tool === "wget" && status >= 300));
        response.once("end", () => {
          resolve(bad ? { code: tool === "curl" ? 22 : 8, text: `server returned error: HTTP/1.1 ${status}` } : null);
        });
        response.once("error", (error) => resolve({ code: 18, text: error.message }));
      },
    );
    asked.once("error", (error) =>
      resolve({ code: tool === "curl" ? 7 : 1, text: `can't connect to ${url.host}: ${error.message}` }),
    );
    asked.end();
  });
}
