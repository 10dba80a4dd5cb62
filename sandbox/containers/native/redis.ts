import { startRedis } from "../../redis/server.ts";
import { runNative } from "./run.ts";

/**
 * The command of a `redis` container: the machine's Redis on the container's address, with what the command says after `redis-server`: directives
 * as `--name value...`, as redis-server takes them. Coolify passes `--requirepass`.
 */
await runNative(async ({ address, volume, words }) => {
  const settings = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const word of words.slice(1)) {
    if (word.startsWith("--")) settings.set(word.slice(2), (current = []));
    else current?.push(word);
  }
  const directives = Object.fromEntries([...settings].map(([name, values]) => [name, values.join(" ")]));
  const { requirepass, ...rest } = directives;
  return startRedis({
    dir: volume,
    host: address,
    port: 6379,
    ...(requirepass === undefined ? {} : { password: requirepass }),
    settings: rest,
    logFile: "/dev/stdout",
  });
});
