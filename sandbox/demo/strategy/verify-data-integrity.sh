#!/bin/bash
# Verify data integrity: the strategy names this script and gives its queries ("Data Recovery Verification")

set -e

PGPASSWORD="$DATABASE_PASSWORD" psql \
  -h "$DATABASE_HOST" \
  -p "$DATABASE_PORT" \
  -U "$DATABASE_USERNAME" \
  -d "$DATABASE_NAME" <<'SQL'
-- Check CMS page count
SELECT COUNT(*) FROM pages;

-- Check user count
SELECT COUNT(*) FROM users;

-- Check ticket count (last 24h)
SELECT COUNT(*) FROM tickets WHERE created_at > NOW() - INTERVAL '24 hours';

-- Verify foreign key constraints
SELECT conname, conrelid::regclass, confrelid::regclass
FROM pg_constraint
WHERE contype = 'f' AND convalidated = false;
SQL

echo "✅ Data integrity verified"
