import { startPostgres } from "../../postgres/server.ts";
import { runNative } from "./run.ts";

/**
 * The command of a `postgres` container: the machine's PostgreSQL on the container's address, with the official image's variables
 * (https://hub.docker.com/_/postgres): POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB, and settings as `-c name=value` of the command.
 */
await runNative(async ({ address, volume, env, words }) => {
  const password = env.POSTGRES_PASSWORD ?? "";
  if (password === "") {
    throw new Error(
      "Error: Database is uninitialized and superuser password is not specified.\n You must specify POSTGRES_PASSWORD to a non-empty value.",
    );
  }
  const user = env.POSTGRES_USER ?? "postgres";
  const settings = Object.fromEntries(
    words.flatMap((word, index) => {
      const [name, value] =
        words[index - 1] === "-c" ? [word.split("=", 1)[0] ?? "", word.slice(word.indexOf("=") + 1)] : [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
  return startPostgres({
    dir: volume,
    host: address,
    port: 5432,
    user,
    password,
    database: env.POSTGRES_DB ?? user,
    settings: { ...settings, unix_socket_directories: "" },
    logFile: "/dev/stdout",
  });
});
