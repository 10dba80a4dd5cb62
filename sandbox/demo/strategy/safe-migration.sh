#!/bin/bash
# Safe migration script with automated backup & rollback

set -e

TIMESTAMP=$(date +%Y%m%d_%H%M%S)
BACKUP_FILE="${BACKUP_ROOT:-/app/backups}/pre_migration_${TIMESTAMP}.sql"

echo "🔒 Starting safe migration process..."

# 1. Backup current state
echo "📦 Creating backup..."
./scripts/db-backup.sh
BACKUP_STATUS=$?

if [ $BACKUP_STATUS -ne 0 ]; then
  echo "❌ Backup failed! Aborting migration."
  exit 1
fi

echo "✅ Backup created: ${BACKUP_FILE}"

# 2. Run migrations
echo "🔄 Running migrations..."
npm run typeorm:migration:run 2>&1 | tee "${TMPDIR:-/tmp}/migration.log"
MIGRATION_STATUS=$?

if [ $MIGRATION_STATUS -ne 0 ]; then
  echo "❌ Migration failed!"
  echo "📋 Rolling back to backup..."
  ./scripts/db-restore.sh "${BACKUP_FILE}"
  exit 1
fi

# 3. Verify data integrity
echo "🔍 Verifying data integrity..."
./scripts/verify-data-integrity.sh
VERIFY_STATUS=$?

if [ $VERIFY_STATUS -ne 0 ]; then
  echo "❌ Data integrity check failed!"
  echo "📋 Rolling back to backup..."
  ./scripts/db-restore.sh "${BACKUP_FILE}"
  exit 1
fi

echo "✅ Migration completed successfully"
echo "📦 Backup retained: ${BACKUP_FILE}"
