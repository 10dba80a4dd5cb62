import { createBareApplication, type BareApplication } from "../../sandbox/demo/bare-application.ts";
import type { Context } from "../../operations/verb.ts";
import type { Platform, Version } from "./platform.ts";
import type { Row } from "./row.ts";
import type { Field, ScenarioName } from "./scenario.ts";
import { underTraffic } from "./traffic.ts";

const host = "bare.affexai.localhost";

/** Makes the bare application with the first release in it, without traffic. */
export async function openBare({ stage, versions }: Platform, progress: Context["progress"]): Promise<BareApplication> {
  const [first] = versions;
  const application = await createBareApplication(stage, { host, image: first.image }, progress);
  await serveBare(application, first);
  return application;
}

/** Brings it to a sound release without traffic. */
export async function serveBare(application: BareApplication, { release, image }: Version): Promise<void> {
  await application.release(image);
  await application.expectRelease(release);
}

/** Runs one piece of work with bare Coolify under traffic. */
export async function bare(
  { platform: { stage } }: Field,
  application: BareApplication,
  scenario: ScenarioName,
  work: (mark: (text: string) => void) => Promise<{ outcome: string; problems: string[] }>,
): Promise<Row> {
  const { result, seconds, seen } = await underTraffic(application.url, stage.signal, work);
  return { scenario, side: "bare", seconds, ...result, seen };
}

/** A deployment with bare Coolify under traffic, until the release answers: Coolify calls it finished before. */
export async function bareRelease(
  field: Field,
  application: BareApplication,
  scenario: ScenarioName,
  { release, image }: Version,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Row> {
  return bare(field, application, scenario, async (mark) => {
    const { status } = await application.release(image, settings);
    mark("Coolify says " + status);
    await application.expectRelease(release);
    return { outcome: `deployment ${status}`, problems: [] };
  });
}
