#!/bin/bash
# Database backup script for production

set -e  # Exit on error

# Configuration
BACKUP_DIR="${BACKUP_ROOT:-/app/backups}/postgres"
S3_BUCKET="s3://affexai-backups/database"
TIMESTAMP=$(date +%Y%m%d_%H%M%S)
BACKUP_FILE="affexai_prod_${TIMESTAMP}.sql"

# Database credentials from environment
DB_HOST="${DATABASE_HOST:-localhost}"
DB_PORT="${DATABASE_PORT:-5432}"
DB_NAME="${DATABASE_NAME:-affexai_prod}"
DB_USER="${DATABASE_USERNAME:-postgres}"

echo "🗄️  Starting database backup..."
echo "Database: ${DB_NAME}@${DB_HOST}:${DB_PORT}"
echo "Timestamp: ${TIMESTAMP}"

# Create backup directory
mkdir -p "$BACKUP_DIR"

# Full database dump
PGPASSWORD="$DATABASE_PASSWORD" pg_dump \
  -h "$DB_HOST" \
  -p "$DB_PORT" \
  -U "$DB_USER" \
  -d "$DB_NAME" \
  --verbose \
  --clean \
  --if-exists \
  --no-owner \
  --no-acl \
  -F c \
  -f "${BACKUP_DIR}/${BACKUP_FILE}"

# Compress backup
gzip "${BACKUP_DIR}/${BACKUP_FILE}"
BACKUP_FILE="${BACKUP_FILE}.gz"

echo "✅ Backup created: ${BACKUP_FILE}"
echo "Size: $(du -h "${BACKUP_DIR}/${BACKUP_FILE}" | cut -f1)"

# Upload to S3 (if AWS configured)
if [ -n "$AWS_ACCESS_KEY_ID" ]; then
  echo "📤 Uploading to S3..."
  aws s3 cp "${BACKUP_DIR}/${BACKUP_FILE}" "${S3_BUCKET}/${BACKUP_FILE}"
  echo "✅ Uploaded to S3: ${S3_BUCKET}/${BACKUP_FILE}"
fi

# Cleanup old backups (keep last 7 days)
find "$BACKUP_DIR" -name "affexai_prod_*.sql.gz" -mtime +7 -delete
echo "🧹 Cleaned up backups older than 7 days"

echo "✅ Backup completed successfully"
