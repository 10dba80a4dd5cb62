import { OperationError } from "../error.ts";
import { settingOf, type Application } from "./answers.ts";
import { hostsOf, textOf } from "./hosts.ts";
import { isOurs, ownerIn } from "./ownership.ts";

// What becomes ours by its name alone: docs/decisions/0010-what-is-adopted.md.

interface Adopter {
  readonly owner: string;
  readonly hosts: readonly string[];
}

/**
 * Why an application of one of our names must not become ours; empty when it may. One that was made by hand may, when it is nothing
 * but an image, serves none but our hosts, and nothing depends on its being in one fixed place.
 */
export function adoptionProblems({ owner, hosts }: Adopter, application: Application): string[] {
  const other = ownerIn(application.description);
  if (other !== null) return isOurs(application, owner) ? [] : [`is managed by ${other}`];
  const others = hostsOf(application).filter((host) => !hosts.includes(host));
  const [pack, ports, options] = ["build_pack", "ports_mappings", "custom_docker_run_options"].map((field) =>
    textOf(application, field),
  );
  return [
    ...(pack && pack !== "dockerimage" ? [`is built by Coolify (${pack}) instead of being an image`] : []),
    ...(others.length > 0 ? [`serves ${others.join(", ")}`] : []),
    ...(ports ? [`has the host ports ${ports}`] : []),
    ...fixedNames(application),
    ...(options?.includes("--ip") ? [`has the docker options "${options}"`] : []),
  ];
}

function fixedNames(application: Application): string[] {
  const consistent = settingOf(application, "is_consistent_container_name_enabled");
  const internal = settingOf(application, "custom_internal_name");
  return [
    ...(consistent === true || consistent === 1 ? ["has a consistent container name"] : []),
    ...(internal ? [`has the container name ${internal}`] : []),
  ];
}

export const adoptionRemedy =
  "Rename or delete it in Coolify, or declare another project or environment. What another program manages is given up there first; what was made by hand is adopted once it is an image that serves these hosts alone, without host ports, fixed names and --ip.";

/** Refuses all that must not become ours, before anything is changed. */
export function refuseForeign(adopter: Adopter, applications: readonly Application[]): void {
  const found = applications.flatMap((application) => {
    const problems = adoptionProblems(adopter, application);
    return problems.length === 0 ? [] : [`${application.name} (${application.uuid}) ${problems.join(", ")}`];
  });
  if (found.length === 0) return;
  throw new OperationError("refused", {
    where: "Coolify, an application of this name",
    what: `is there already and is not taken over: ${found.join("; ")}.`,
    next: adoptionRemedy,
  });
}
