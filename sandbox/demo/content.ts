import pg from "pg";

/** What users and editors have made by the time that migrations go wrong: enough rows to lose, few enough to count. */
const statements = [
  `INSERT INTO users (email, name, full_name, password_hash)
   SELECT 'user' || n || '@affexai.example', 'User ' || n, 'User ' || n || ' of Affexai', 'no login' FROM generate_series(1, 300) n`,
  // Customers open tickets without an account.
  `INSERT INTO tickets (subject, body, email, created_by)
   SELECT 'Ticket ' || n, 'It does not work, for the ' || n || '. time.', 'customer' || n || '@affexai.example',
          CASE WHEN n % 2 = 0 THEN (SELECT id FROM users WHERE email = 'user' || (1 + n % 300) || '@affexai.example') END
     FROM generate_series(1, 600) n`,
  `INSERT INTO pages (slug, title, published) SELECT 'page-' || n, 'Title of page ' || n, true FROM generate_series(1, 200) n`,
  `INSERT INTO components (page_id, position, type, content)
   SELECT p.id, n, CASE n WHEN 0 THEN 'hero' ELSE 'text' END, jsonb_build_object('text', 'Paragraph ' || n || ' of ' || p.title)
     FROM pages p, generate_series(0, 3) n WHERE p.slug LIKE 'page-%'`,
  `INSERT INTO media (object_key, file_name, content_type, size)
   SELECT 'media/' || n || '.png', n || '.png', 'image/png', n * 1000 FROM generate_series(1, 50) n`,
];

/** Fills the workload's tables. `url` is of a role that may write. */
export async function fillWithContent(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
