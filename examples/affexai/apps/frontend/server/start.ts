import path from "node:path";
import { announceRelease, installDrain, readRelease } from "@affexai/lifecycle";
import { type Configuration, readConfiguration } from "./configuration.ts";

/**
 * Starts Next.js' standalone server with a drain of our own. By itself Next.js closes its listener on SIGTERM while the proxy
 * still sends requests; NEXT_MANUAL_SIG_HANDLE stops that (Next.js documentation, "Self-hosting", "Manual graceful shutdowns").
 */
const configuration = checkedConfiguration();
announceRelease(
  readRelease(
    path.join(import.meta.dirname, "..", "..", "..", "release.json"),
    configuration.AFFEXAI_IMAGE_DIGEST === "" ? undefined : configuration.AFFEXAI_IMAGE_DIGEST,
  ),
);
installDrain({
  readySeconds: Number(configuration.DRAIN_READY_SECONDS),
  drainSeconds: Number(configuration.DRAIN_SECONDS),
  limitSeconds: Number(configuration.DRAIN_LIMIT_SECONDS),
  probes: ["/health"],
  onPhase: (phase) =>
    process.stdout.write(`${JSON.stringify({ level: "log", context: "Drain", message: { phase } })}\n`),
});
process.env["NEXT_MANUAL_SIG_HANDLE"] = "true";
process.env["PORT"] = configuration.PORT;
// Docker sets HOSTNAME to the container's name, and the standalone server would listen on that.
process.env["HOSTNAME"] = configuration.HOST;
await import(new URL("../server.js", import.meta.url).href);

function checkedConfiguration(): Configuration {
  try {
    return readConfiguration(process.env);
  } catch (error) {
    const message = error instanceof Error ? error.message : "cannot be read";
    process.stderr.write(`${JSON.stringify({ level: "fatal", context: "Configuration", message })}\n`);
    process.exit(78);
  }
}
