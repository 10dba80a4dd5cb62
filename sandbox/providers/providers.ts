import type { Provider } from "./provider.ts";

const loaders = {
  aws: async () => (await import("./aws/provider.ts")).aws,
  command: async () => (await import("./command/provider.ts")).command,
  docker: async () => (await import("./docker/provider.ts")).docker,
  github: async () => (await import("./github/provider.ts")).github,
  random: async () => (await import("./random/provider.ts")).random,
} satisfies Record<string, () => Promise<Provider>>;

export type ProviderName = keyof typeof loaders;
export const providerNames = Object.keys(loaders) as ProviderName[];

export function isProviderName(name: string): name is ProviderName {
  return name in loaders;
}

/** Loads one stand-in. Each starts in a process of its own, so it loads no other. */
export function loadProvider(name: ProviderName): Promise<Provider> {
  return loaders[name]();
}
