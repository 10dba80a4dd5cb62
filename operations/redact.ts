const secretNames =
  /PASSWORD|TOKEN|SECRET|DATABASE_URL|REDIS_URL|ACCESS_KEY|PASSPHRASE|PRIVATE_KEY|SSH_KEY$|ANONYMISE_KEY|IDENTITY|PAGE_URL|^VARIABLE_/;

/**
 * A function that blanks every secret of the environment out of a text: the values of variables with secret names, their
 * percent-encoded forms, the passwords inside URLs, and private keys of age. Values shorter than 6 characters are left, or every
 * text would be holes.
 */
export function redactor(env: Readonly<Record<string, string | undefined>>): (text: string) => string {
  const secrets = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !secretNames.test(name)) continue;
    const password = passwordOf(value);
    // A key of several lines may be quoted by one of them.
    for (const form of [value, encodeURIComponent(value), password, encodeURIComponent(password), ...linesOf(value)]) {
      if (form.length >= 6) secrets.add(form);
    }
  }
  const longestFirst = [...secrets].sort((one, other) => other.length - one.length);
  return (text) =>
    longestFirst
      .reduce((clean, secret) => clean.replaceAll(secret, "[redacted]"), text)
      .replaceAll(/AGE-SECRET-KEY-[0-9A-Z-]+/g, "[redacted]")
      .replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@/]+@/g, "$1:[redacted]@");
}

function linesOf(value: string): string[] {
  return value.includes("\n") ? value.split("\n").map((line) => line.trim()) : [];
}

function passwordOf(value: string): string {
  return URL.canParse(value) ? decodeURIComponent(new URL(value).password) : "";
}
