#!/bin/bash
# Database restore script for rollback scenarios

set -e

BACKUP_FILE="$1"

if [ -z "$BACKUP_FILE" ]; then
  echo "❌ Usage: ./db-restore.sh <backup_file>"
  echo "Example: ./db-restore.sh affexai_prod_20251122_143000.sql.gz"
  exit 1
fi

# Confirm restore
read -p "⚠️  This will OVERWRITE the database. Continue? (yes/no): " CONFIRM

if [ "$CONFIRM" != "yes" ]; then
  echo "❌ Restore cancelled"
  exit 1
fi

echo "🔄 Starting database restore..."

# Download from S3 if needed
if [[ "$BACKUP_FILE" == s3://* ]]; then
  echo "📥 Downloading from S3..."
  aws s3 cp "$BACKUP_FILE" ${TMPDIR:-/tmp}/restore.sql.gz
  BACKUP_FILE="${TMPDIR:-/tmp}/restore.sql.gz"
fi

# Decompress
if [[ "$BACKUP_FILE" == *.gz ]]; then
  gunzip -c "$BACKUP_FILE" > ${TMPDIR:-/tmp}/restore.sql
  BACKUP_FILE="${TMPDIR:-/tmp}/restore.sql"
fi

# Restore database
PGPASSWORD="$DATABASE_PASSWORD" psql \
  -h "$DATABASE_HOST" \
  -p "$DATABASE_PORT" \
  -U "$DATABASE_USERNAME" \
  -d "$DATABASE_NAME" \
  -f "$BACKUP_FILE"

echo "✅ Database restored successfully"

# Cleanup
rm -f ${TMPDIR:-/tmp}/restore.sql ${TMPDIR:-/tmp}/restore.sql.gz
