// TypeORM's own comparison of the entities with the schema, as `synchronize` would correct it. It only reads.

/** The statements that the schema builder would run; none when entities and schema agree. */
export async function entityDifferences(dataSource) {
  const create = dataSource.createQueryRunner.bind(dataSource);
  dataSource.createQueryRunner = (...mode) => {
    const runner = create(...mode);
    const query = runner.query.bind(runner);
    const readOnly = query("SET default_transaction_read_only = on");
    runner.query = async (...statement) => {
      await readOnly;
      return query(...statement);
    };
    return runner;
  };
  const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
  return upQueries.map(({ query }) => query);
}
