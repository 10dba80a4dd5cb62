/** A release of Coolify. */
export type Version = readonly [major: number, minor: number, patch: number];

/** The lowest release whose API has all that is used here; S3 storages, tags, destinations and the proxy's state came with it. */
export const floor: Version = [4, 3, 0];

/** The lowest that is recommended: a security release, and servers log in to registries over the API. */
export const recommended: Version = [4, 4, 7];

/** What came later than the floor, or asks for more from then on (changelogs and release notes of coollabsio/coolify). */
const since = {
  registryLogins: [4, 4, 0],
  deleteAbility: [4, 6, 0],
} as const satisfies Record<string, Version>;

export function has(version: Version, capability: keyof typeof since): boolean {
  return atLeast(version, since[capability]);
}

/** The fields that a release older than `from` refuses, and a whole request with them ("This field is not allowed."). */
const fields: Readonly<Record<string, Version>> = {
  stop_grace_period: [4, 2, 0],
  max_restart_count: [4, 3, 0],
  is_consistent_container_name_enabled: [4, 3, 0],
  custom_internal_name: [4, 3, 0],
  custom_container_name_prefix: [4, 4, 0],
  is_permanent_redirect_enabled: [4, 5, 0],
};

/** The first release that takes a field; undefined for one that is in none, or in all of them. */
export function fieldSince(field: string): Version | undefined {
  return fields[field];
}

/** Null when the text names no release. */
export function parseVersion(text: string): Version | null {
  const [, major, minor, patch = "0"] = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return major === undefined || minor === undefined ? null : [Number(major), Number(minor), Number(patch)];
}

/** Whether a version is the given one or newer. */
export function atLeast(version: readonly number[], wanted: readonly number[]): boolean {
  for (const [place, part] of wanted.entries()) {
    const own = version[place] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}
