/** What a database container's command gets. */
export interface NativeContext {
  /** The container's own address. */
  readonly address: string;
  /** The folder that stands for the container's volume. */
  readonly volume: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The words of the container's command. */
  readonly words: readonly string[];
}

interface NativeServer {
  readonly exited: Promise<{ readonly code: number | null }>;
  close(): Promise<void>;
}

/** Starts a database server as the container's process: it ends when the server does, with its exit code, and ends it when it is asked to stop. */
export async function runNative(startServer: (context: NativeContext) => Promise<NativeServer>): Promise<void> {
  const {
    AFFEXAI_CONTAINER_ADDRESS: address,
    AFFEXAI_CONTAINER_VOLUME: volume,
    AFFEXAI_CONTAINER_COMMAND: command = "[]",
  } = process.env;
  if (address === undefined || volume === undefined)
    throw new Error("This runs as the command of a database container only.");
  // Heard from the beginning: a container may be stopped before its server has started.
  const stopping = Promise.withResolvers<void>();
  let stopped = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      stopped = true;
      stopping.resolve();
    });
  }
  try {
    const server = await startServer({ address, volume, env: process.env, words: JSON.parse(command) as string[] });
    void stopping.promise.then(() => server.close());
    const { code } = await server.exited;
    process.exitCode = stopped ? 0 : (code ?? 1);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
