// How the application's data source is made to connect: where the job says, with nothing of its own that changes the schema.
import { loadDataSource, nameOf, sourceHash } from "./data-source.mjs";
import { goToAddress } from "./go-to-address.mjs";
import { Refusal, job } from "./protocol.mjs";

/**
 * Connects the data source for the length of `work`, after `prepare`. `settings`: PostgreSQL's, of every session. Refuses an image that
 * holds other migrations than its release record.
 */
export async function connected(settings, prepare, work) {
  goToAddress();
  const dataSource = await loadDataSource();
  dataSource.setOptions({
    ...Object.fromEntries(
      ["host", "port", "username", "password", "ssl", "replication", "schema"].map((key) => [key, undefined]),
    ),
    ...(dataSource.options.schema === undefined ? {} : { schema: dataSource.options.schema }),
    url: process.env.DATABASE_URL,
    database: job.database,
    synchronize: false,
    migrationsRun: false,
    dropSchema: false,
    subscribers: [],
    logging: false,
    applicationName: job.applicationName,
    extra: {
      ...dataSource.options.extra,
      application_name: job.applicationName,
      options: Object.entries({ ...settings, default_transaction_read_only: "off" })
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(" "),
    },
  });
  const historyTable = dataSource.options.migrationsTableName ?? "migrations";
  if (historyTable !== job.historyTable)
    throw new Refusal(`the image keeps its history in ${historyTable}, not in ${job.historyTable}`);
  prepare(dataSource);
  await dataSource.initialize();
  try {
    checkSources(dataSource);
    await work(dataSource);
  } finally {
    await dataSource.destroy();
  }
}

/** The image must hold exactly the migrations that its release record was made from. */
function checkSources(dataSource) {
  const found = new Map(dataSource.migrations.map((migration) => [nameOf(migration), sourceHash(migration)]));
  const differences = [
    ...job.expected.filter(({ name }) => !found.has(name)).map(({ name }) => `${name} is missing in the image`),
    ...job.expected
      .filter(({ name, sha256 }) => found.has(name) && found.get(name) !== sha256)
      .map(({ name }) => `${name} is another one in the image`),
    ...[...found.keys()]
      .filter((name) => !job.expected.some((one) => one.name === name))
      .map((name) => `${name} is not in the record`),
  ];
  if (differences.length > 0) throw new Refusal(`the image and its release record differ: ${differences.join("; ")}`);
}
